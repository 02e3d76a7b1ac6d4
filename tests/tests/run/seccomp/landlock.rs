//! `--security-opt landlock=`: what can be written, reached and signalled.

use crate::seccomp::{EPERM, assert_refused, calls, with_calls};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use subroot_tests::sandbox::Sandbox;
use subroot_tests::skip;

const READ_ONLY: [&str; 1] = ["--security-opt=landlock=read-only"];

/// A sandbox, and the ABI that the launcher reports; none if the kernel has no Landlock.
fn sandbox() -> (Sandbox, Option<u32>) {
    let sandbox = with_calls();
    let said = sandbox.output(&READ_ONLY, "true").stderr;
    let abi = said.split_once("(ABI ").and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
    assert!(abi.is_some() || said.contains("Landlock"), "{said}");
    (sandbox, abi)
}

macro_rules! sandbox_with_abi {
    ($least:expr) => {
        match sandbox() {
            (sandbox, Some(abi)) if abi >= $least => sandbox,
            (_, abi) => skip!("needs Landlock ABI {}, found {abi:?}", $least),
        }
    };
}

const WRITE: &str = "for path in /tmp/a /dev/shm/a /root/a /etc/a /home/a; do
    touch $path 2>/dev/null && echo $path; done; cat /etc/passwd >/dev/null && echo read";

#[test]
fn nothing_is_written_but_what_is_private() {
    let sandbox = sandbox_with_abi!(1);
    assert_eq!(sandbox.output(&READ_ONLY, WRITE).ok(), "/tmp/a\n/dev/shm/a\nread\n");
}

#[test]
fn what_is_named_can_be_written_to() {
    let sandbox = sandbox_with_abi!(1);
    let seen = sandbox.output(&["--security-opt=landlock=/root,/home"], WRITE).ok();
    assert_eq!(seen, "/tmp/a\n/dev/shm/a\n/root/a\n/home/a\nread\n");
}

#[test]
fn it_holds_in_the_hosts_own_system_too() {
    let sandbox = sandbox_with_abi!(1);
    let script = "touch /tmp/a && echo tmp; touch /usr/local/a 2>/dev/null || echo read-only";
    let mut command = sandbox.alice.command("subroot");
    command.arg("run").args(READ_ONLY).args(["--", "sh", "-c", script]);
    assert_eq!(sandbox.host.output(&mut command).ok(), "tmp\nread-only\n");
}

#[test]
fn no_new_privs_stays_off() {
    let sandbox = sandbox_with_abi!(1);
    let status = sandbox.output(&READ_ONLY, "grep NoNewPrivs /proc/self/status").ok();
    assert_eq!(status, "NoNewPrivs:\t0\n");
}

#[test]
fn no_tcp_is_neither_connected_nor_bound() {
    let sandbox = sandbox_with_abi!(4);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let script = format!("nc 127.0.0.1 {port} </dev/null 2>&1");
    let accepted = std::thread::spawn(move || listener.accept().map(drop));
    assert_eq!(sandbox.output(&READ_ONLY, &script).ok(), "");
    accepted.join().expect("a thread").expect("a connection");
    let said = sandbox.output(&["--security-opt=landlock=read-only,no-tcp"], &script);
    assert!(said.code() == 1 && said.stdout.contains("Permission denied"), "{said:?}");
}

#[test]
fn abstract_sockets_outside_are_out_of_reach() {
    let sandbox = sandbox_with_abi!(6);
    let name = format!("subroot-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _listener = UnixListener::bind_addr(&address).expect("a socket");
    let call = format!("abstract:{name}");
    assert_eq!(calls(&sandbox, &[], &[&call])[&call], 0);
    assert_eq!(calls(&sandbox, &READ_ONLY, &[&call])[&call], EPERM);
}

#[test]
fn what_it_cannot_mean_is_refused() {
    let sandbox = sandbox_with_abi!(1);
    for word in ["", "relative/path", "read-write", "read-only,"] {
        let option = format!("--security-opt=landlock={word}");
        assert_refused(
            &sandbox.output(&[&option], "true"),
            &["--security-opt landlock", "neither read-only"],
        );
    }
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let sandbox = sandbox_with_abi!(1);
    let outcome = sandbox.output(&["--security-opt=landlock=/no/such"], "true");
    assert!(
        outcome.code() == 125 && outcome.stderr.contains("landlock /no/such: No such file"),
        "{outcome:?}"
    );
}
