//! A host for these tests: a network of the test's own, in which alice can open /dev/net/tun.

use crate::running::{PATIENCE, soon};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;
use subroot_tests::is_nested;
use subroot_tests::sandbox::Sandbox;

/// Both programs.
pub(crate) const BOTH: [&str; 2] = ["pasta", "slirp4netns"];

/// Why a test is skipped.
pub(crate) const NO_DEVICE: &str = "no device can be made in a user namespace";

/// The host's address on the interface with its default route, and another one.
pub(crate) const HOST: &str = "192.0.2.2";
pub(crate) const OTHER: &str = "192.0.2.9";

/// The test's network. Dropping it returns the thread to the network outside.
pub(crate) struct Outside {
    pub(crate) sandbox: Sandbox,
    outside: File,
}

impl Outside {
    /// A network with a default route. None in a user namespace, for the reason [`NO_DEVICE`]; anywhere else it
    /// must be possible to make one.
    pub(crate) fn new() -> Option<Outside> {
        if is_nested() {
            return None;
        }
        let sandbox = Sandbox::new();
        let outside = File::open("/proc/thread-self/ns/net").expect("own network namespace");
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        let test = Outside { sandbox, outside };
        // The mount point is missing if the kernel has not loaded tun yet, which opening the device does.
        fs::create_dir_all("/dev/net").expect("/dev/net");
        test.sandbox.host.cover("/dev/net", 0o755);
        let device = makedev(10, 200);
        mknod("/dev/net/tun", SFlag::S_IFCHR, Mode::empty(), device).expect("a device node");
        test.make_tun_mode(0o666);
        // The interface has no carrier, which does not matter for addresses of the host.
        let script = format!(
            "ip link set lo up && ip tuntap add outer mode tap && ip link set outer up &&
            ip address add {HOST}/24 dev outer && ip address add {OTHER}/24 dev outer &&
            ip -6 address add 2001:db8::2/64 dev outer nodad &&
            ip route add default via 192.0.2.1 dev outer && ip -6 route add default via 2001:db8::1 dev outer"
        );
        test.sandbox.host.output(Command::new("sh").args(["-c", &script])).ok();
        Some(test)
    }

    /// Who may open /dev/net/tun.
    pub(crate) fn make_tun_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions("/dev/net/tun", fs::Permissions::from_mode(mode)).expect("changing a mode");
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let returned = setns(&self.outside, CloneFlags::CLONE_NEWNET);
        if !thread::panicking() {
            returned.expect("returning to the network outside");
        }
    }
}

/// A server of the host that greets each connection. Returns its port.
pub(crate) fn greeter(address: &str, greeting: &'static str) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let _has_left = connection.and_then(|mut connection| connection.write_all(greeting.as_bytes()));
        }
    });
    port
}

/// A port of the host that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// What a server at this address sends, once it does.
#[track_caller]
pub(crate) fn fetched(address: &str, port: u16) -> String {
    let mut text = String::new();
    let is_answered = || {
        text.clear();
        let connected = TcpStream::connect((address, port));
        let read = connected.and_then(|mut connection| {
            connection.set_read_timeout(Some(Duration::from_secs(5)))?;
            connection.read_to_string(&mut text)
        });
        read.is_ok() && !text.is_empty()
    };
    assert!(soon(PATIENCE, is_answered), "nothing answers at {address}:{port}");
    text
}

/// Answers each DNS request at this address with 192.0.2.77.
pub(crate) fn name_server(address: &str) {
    let socket = UdpSocket::bind((address, 53)).expect("port 53 of the test's own network");
    thread::spawn(move || {
        let mut request = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut request) {
            let _client_has_ended = socket.send_to(&answer(&request[..length]), client);
        }
    });
}

/// The request with the bits for a response, and for a question about an IPv4 address with one answer.
fn answer(request: &[u8]) -> Vec<u8> {
    let name = request[12..].iter().position(|byte| *byte == 0).expect("the end of a name") + 13;
    let question = &request[12..name + 4];
    let is_ipv4 = question[question.len() - 3] == 1;
    let header = [request[0], request[1], 0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0];
    // A pointer to the name, type A, class IN, 60 seconds, 4 bytes.
    let record: &[u8] = &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77];
    [header.as_slice(), question, if is_ipv4 { record } else { &[] }].concat()
}
