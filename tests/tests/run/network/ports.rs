//! Published ports.

use crate::network::outside::{BOTH, HOST, NO_DEVICE, OTHER, Outside, fetched, free_port};
use crate::running::{PATIENCE, Running, soon, unique_word};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::skip;

/// A server inside that greets connections at port 80 of TCP.
const SERVER: &str = "echo ready; while echo greeted $0 | nc -l -p 80 >/dev/null; do :; done";

/// A server that answers at this port of UDP. busybox has none.
const ANSWERER: &str = r#"use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, pack_sockaddr_in($ARGV[1], INADDR_ANY));
    $| = 1; print "ready\n"; while (my $from = recv(S, my $question, 512, 0)) { send(S, "answer\n", 0, $from) }"#;

#[test]
fn a_published_port_is_reached_at_the_given_address_only() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    for program in BOTH {
        let (port, word) = (free_port(), unique_word());
        let publish = format!("127.0.0.1:{port}:80");
        let options = ["--network", program, "-p", &publish];
        let running = Running::new(&mut outside.sandbox.run(&options, &["sh", "-c", SERVER, &word]));
        assert_eq!(fetched("127.0.0.1", port), format!("greeted {word}\n"), "{program}");
        let elsewhere = TcpListener::bind((HOST, port));
        assert!(elsewhere.is_ok(), "{program}: {elsewhere:?}");
        running.signal(9);
        running.end();
    }
}

#[test]
fn publishing_a_port_implies_a_network_and_all_addresses() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    let (port, word) = (free_port(), unique_word());
    let publish = format!("{port}:80");
    let running = Running::new(&mut outside.sandbox.run(&["-p", &publish], &["sh", "-c", SERVER, &word]));
    assert_eq!(fetched("127.0.0.1", port), format!("greeted {word}\n"));
    let elsewhere = TcpListener::bind((HOST, port));
    assert!(elsewhere.is_err(), "the port is closed at {HOST}");
    running.signal(9);
    running.end();
}

#[test]
fn udp_is_published() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    // slirp4netns gives what comes from the host's loopback interface the address of that interface inside, to
    // which it lets nothing through.
    for (program, address, client) in [("pasta", "127.0.0.1", "127.0.0.1"), ("slirp4netns", HOST, OTHER)] {
        let (port, word) = (free_port(), unique_word());
        let publish = format!("{address}:{port}:{port}/udp");
        let number = port.to_string();
        let options =
            ["run", "--network", program, "-p", &publish, "--", "perl", "-e", ANSWERER, &word, &number];
        let running = Running::new(&mut outside.sandbox.subroot(&options));
        let socket = UdpSocket::bind((client, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit");
        let mut answer = [0; 64];
        let is_answered = || {
            let _not_yet = socket.send_to(b"question\n", (address, port));
            socket.recv(&mut answer).is_ok_and(|length| &answer[..length] == b"answer\n")
        };
        assert!(soon(PATIENCE, is_answered), "{program}");
        running.signal(9);
        running.end();
    }
}

#[test]
fn udp_ports_at_which_a_program_loses_what_arrives_are_refused() {
    let sandbox = Sandbox::new();
    let refused = [
        (
            "slirp4netns",
            "5300:5300/udp",
            "slirp4netns loses UDP that the host sends to itself; use --network=pasta",
        ),
        ("slirp4netns", "127.0.0.1:5300:5300/udp", "use --network=pasta"),
        ("slirp4netns", "0.0.0.0:5300:5300/udp", "use --network=pasta"),
        ("slirp4netns", "[::1]:8080:80", "slirp4netns publishes ports of IPv4 addresses only"),
        ("pasta", "5300:53/udp", "use the same port inside"),
        ("private", "127.0.0.1:5300:53/udp", "use the same port inside"),
    ];
    for (program, port, why) in refused {
        let mut command = sandbox.leaving_a_mark(&["--network", program, "-p", port]);
        assert_refused(&sandbox.host.output(&mut command), 125, &["reading --publish: ", why]);
        assert!(!sandbox.has_mark());
    }
}

#[test]
fn a_port_that_cannot_be_opened_is_named_before_anything_starts() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    let sandbox = &outside.sandbox;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = taken.local_addr().expect("its address").port();
    let refused = |publish: &str| {
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&["-p", publish]));
        assert!(!sandbox.has_mark());
        outcome
    };
    let publish = format!("127.0.0.1:{port}:80");
    assert_refused(&refused(&publish), 125, &["publishing port", &publish, "Address already in use"]);
    let low = refused("127.0.0.1:81:80");
    let fix = "fix: as root: sysctl net.ipv4.ip_unprivileged_port_start=81";
    assert_refused(&low, 125, &["127.0.0.1:81:80/tcp: Permission denied", "port 81 is below 1024"]);
    assert!(low.stderr.contains(fix), "{low:?}");
    assert_refused(&refused("198.51.100.1:8080:80"), 125, &["Cannot assign requested address"]);
}
