//! The arguments of slirp4netns(1), and its socket for published ports.

use crate::failure::{reason, reason_of};
use crate::plan::network::NetworkPlan;
use crate::request::network::Port;
use nix::unistd::mkdtemp;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long slirp4netns may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(1);

/// It writes to standard output when it is ready, and ends when its standard input does.
pub(super) fn arguments(plan: &NetworkPlan, api: Option<&Api>, pid: i32) -> Vec<Vec<u8>> {
    let option = |name: &str| {
        let value = plan.options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let mut arguments: Vec<Vec<u8>> = ["--configure", "--disable-host-loopback", "-r", "1", "-e", "0"]
        .map(|fixed| fixed.as_bytes().to_vec())
        .into();
    let mut add = |text: String| arguments.push(text.into_bytes());
    add(format!("--mtu={}", option("mtu").unwrap_or_else(|| "65520".into())));
    if option("enable_ipv6").as_deref() != Some("false") {
        add("--enable-ipv6".into());
    }
    option("outbound_addr").into_iter().for_each(|address| add(format!("--outbound-addr={address}")));
    option("outbound_addr6").into_iter().for_each(|address| add(format!("--outbound-addr6={address}")));
    add(format!("--userns-path=/proc/{pid}/ns/user"));
    add("--netns-type=path".into());
    arguments
        .extend(api.map(|api| [b"--api-socket=".as_slice(), api.socket().as_os_str().as_bytes()].concat()));
    arguments.extend([format!("/proc/{pid}/ns/net").into_bytes(), b"tap0".to_vec()]);
    arguments
}

/// The socket on which slirp4netns takes requests, in a directory that only this user can search. It is needed
/// until the ports are open. Dropping this removes both.
pub(super) struct Api(PathBuf);

impl Api {
    /// Makes the directory.
    ///
    /// # Errors
    /// Why it could not be made.
    pub(super) fn new() -> Result<Api, String> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let candidates = runtime.into_iter().chain([std::env::temp_dir()]);
        let mut why = String::new();
        for dir in candidates {
            match mkdtemp(&dir.join("subroot-network-XXXXXX")) {
                Ok(made) => return Ok(Api(made)),
                Err(errno) => why = format!("making a directory in {}: {}", dir.display(), reason(errno)),
            }
        }
        Err(why)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("api")
    }

    /// Opens a port.
    ///
    /// # Errors
    /// What slirp4netns answered.
    pub(super) fn publish(&self, port: &Port) -> Result<(), String> {
        let host = port.address.map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string());
        let request = json!({"execute": "add_hostfwd", "arguments": {
            "proto": port.protocol.name(), "host_addr": host, "host_port": port.host, "guest_port": port.inside,
        }});
        let answer =
            self.ask(&request).map_err(|error| format!("publishing port {port}: {}", reason_of(&error)))?;
        match serde_json::from_slice::<Value>(&answer) {
            Ok(answer) if answer.get("return").is_some() => Ok(()),
            Ok(answer) => {
                let why =
                    answer.pointer("/error/desc").and_then(Value::as_str).unwrap_or("it gave no reason");
                Err(format!("publishing port {port}: {why}"))
            }
            // Error ignored: what is wrong with the text does not matter.
            Err(_) => Err(format!("publishing port {port}: its answer is not JSON")),
        }
    }

    /// slirp4netns makes the socket after it has reported that it is ready.
    fn connect(&self) -> std::io::Result<UnixStream> {
        let until = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(self.socket()) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
                        && Instant::now() < until =>
                {
                    sleep(PAUSE);
                }
                connected => return connected,
            }
        }
    }

    /// slirp4netns takes one request on a connection.
    fn ask(&self, request: &Value) -> std::io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.to_string().as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).map(|_| answer)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Error ignored: slirp4netns may have ended before it made the socket.
        let _ = std::fs::remove_file(self.socket());
        // Error ignored: it is an empty directory, and the launch continues.
        let _ = std::fs::remove_dir(&self.0);
    }
}
