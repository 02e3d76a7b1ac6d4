//! A system logger for one test.

use crate::host::Host;
use crate::world::{bind, new_dir, set_mode};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;

/// The host's devices that are in a private /dev.
const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];
const LINKS: [(&str, &str); 2] = [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0")];

/// A listener at /dev/log.
pub struct Logger(UnixDatagram);

impl Host {
    /// Covers the host's /dev by a private one that has only a few devices.
    pub fn own_devices(&self) {
        let dir = new_dir("dev", 0o755);
        for name in DEVICES {
            let own = format!("{dir}/{name}");
            File::create(&own).expect("a file in a fresh tmpfs");
            bind(&format!("/dev/{name}"), &own);
        }
        for (name, leads_to) in LINKS {
            symlink(leads_to, format!("{dir}/{name}")).expect("a link in a fresh tmpfs");
        }
        bind(&dir, "/dev");
    }

    /// Listens at the private /dev/log, to which every user may write.
    pub fn logger(&self) -> Logger {
        self.own_devices();
        let socket = UnixDatagram::bind("/dev/log").expect("a socket at /dev/log");
        set_mode("/dev/log", 0o666);
        socket.set_nonblocking(true).expect("a socket that does not wait");
        Logger(socket)
    }
}

impl Logger {
    /// The messages since the last call.
    pub fn lines(&self) -> Vec<String> {
        let mut buffer = vec![0; 64 * 1024];
        let next = || {
            self.0
                .recv(&mut buffer)
                .ok()
                .map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned())
        };
        std::iter::from_fn(next).collect()
    }

    /// Sends messages to itself until no more fit.
    pub fn fill(&self) {
        let sender = UnixDatagram::unbound().expect("a socket");
        sender.set_nonblocking(true).expect("a socket that does not wait");
        let full = std::iter::repeat_with(|| sender.send_to(b"full", "/dev/log")).find_map(Result::err);
        assert_eq!(full.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    }

    /// Stops listening and removes /dev/log.
    pub fn close(self) {
        fs::remove_file("/dev/log").expect("removing /dev/log");
    }
}
