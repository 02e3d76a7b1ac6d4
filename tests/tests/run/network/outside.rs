//! A host for these tests, servers in its network, and what they answer.

pub(crate) use subroot_tests::own_network::{HOST, NO_DEVICE, OTHER};

use crate::running::{PATIENCE, soon};
use nix::unistd::Pid;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;
use subroot_tests::sandbox::{Sandbox, script};
use subroot_tests::{OwnNetwork, children, status_line};

/// Both programs.
pub(crate) const BOTH: [&str; 2] = ["pasta", "slirp4netns"];

/// A sandbox whose host has a network of the test's own.
pub(crate) struct Outside {
    pub(crate) sandbox: Sandbox,
    pub(crate) network: OwnNetwork,
}

impl Outside {
    /// None in a user namespace, for the reason [`NO_DEVICE`].
    pub(crate) fn new() -> Option<Outside> {
        let sandbox = Sandbox::new();
        let network = OwnNetwork::new(&sandbox.host)?;
        Some(Outside { sandbox, network })
    }
}

/// The processes of this program that connect the network of a sandbox of this launcher.
pub(crate) fn programs(launcher: Pid, name: &str) -> Vec<Pid> {
    let is_it = |pid: &Pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).next().is_some_and(|path| path.ends_with(name.as_bytes()))
    };
    children(launcher).into_iter().filter(is_it).collect()
}

/// True if a process has ended. Its adopter, the host's init, may reap it later.
pub(crate) fn has_ended(pid: Pid) -> bool {
    status_line(pid, "State").is_none_or(|state| state.starts_with('Z'))
}

/// `subroot run OPTIONS` with this program first in PATH.
pub(crate) fn with_program(sandbox: &Sandbox, name: &str, text: &str) -> Command {
    let program = script(&sandbox.alice, name, text);
    let dir = program.rsplit_once('/').expect("a directory").0;
    let mut command = sandbox.leaving_a_mark(&["--network", name]);
    command.env("PATH", format!("{dir}:/usr/local/bin:/usr/bin:/bin"));
    command
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
