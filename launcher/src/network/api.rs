//! The socket of slirp4netns(1) for published ports, and its directory.

use crate::failure::{reason, reason_of};
use crate::request::network::Port;
use crate::sys::files::try_lock;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, geteuid, mkdtemp, unlinkat};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long slirp4netns may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(1);
/// How the names of the directories begin.
const PREFIX: &str = "subroot-network-";
/// The socket's name.
const SOCKET: &str = "api";

/// The socket on which slirp4netns takes requests, in a directory that only this user can search. It is needed
/// until the ports are open. Dropping this removes both. What a killed launcher left is removed by the next one.
pub(super) struct Api {
    dir: PathBuf,
    /// The directory, locked while it is in use.
    lock: OwnedFd,
}

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
            sweep(&dir);
            match make(&dir) {
                Ok(api) => return Ok(api),
                Err(errno) => why = format!("making a directory in {}: {}", dir.display(), reason(errno)),
            }
        }
        Err(why)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
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
            // Error ignored: where the answer is wrong says nothing to the user.
            Err(_) => Err(format!("publishing port {port}: it answered no JSON")),
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
        remove(&self.dir, &self.lock);
    }
}

/// A new directory, locked. Another launcher can sweep it before it is locked; then the next one is made.
fn make(parent: &Path) -> Result<Api, Errno> {
    loop {
        let dir = mkdtemp(&parent.join([PREFIX, "XXXXXX"].concat()))?;
        match open_dir(&dir).and_then(|lock| try_lock(&lock, true).map(|()| lock)) {
            Ok(lock) if fstat(&lock)?.st_nlink > 0 => return Ok(Api { dir, lock }),
            Ok(_) | Err(Errno::ENOENT | Errno::EWOULDBLOCK) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Removes the directories of this user's launchers that were killed: their locks are free.
fn sweep(parent: &Path) {
    // Error ignored: what killed launchers left there stays, and the launch continues.
    let Ok(entries) = fs::read_dir(parent) else { return };
    // Error ignored: as above.
    for name in entries.filter_map(|entry| Some(entry.ok()?.file_name())) {
        if name.as_bytes().starts_with(PREFIX.as_bytes()) {
            sweep_one(&parent.join(name));
        }
    }
}

fn sweep_one(dir: &Path) {
    // Error ignored: what cannot be opened is not a directory of this user's launchers.
    let Ok(lock) = open_dir(dir) else { return };
    // Error ignored: it stays, as the directory of another user.
    let is_ours = fstat(&lock).is_ok_and(|stat| stat.st_uid == geteuid().as_raw());
    // Error ignored: it stays, as a directory in use.
    if is_ours && try_lock(&lock, true).is_ok() {
        remove(dir, &lock);
    }
}

fn open_dir(dir: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    open(dir, flags, Mode::empty())
}

/// Removes the socket, and the directory if it is empty then.
fn remove(dir: &Path, opened: &OwnedFd) {
    // Error ignored: slirp4netns may have ended before it made the socket.
    let _ = unlinkat(opened, OsStr::new(SOCKET), UnlinkatFlags::NoRemoveDir);
    // Error ignored: only an empty directory is removed, and the launch continues.
    let _ = fs::remove_dir(dir);
}
