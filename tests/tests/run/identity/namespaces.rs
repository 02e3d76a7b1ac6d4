//! Which namespaces are new, and what they contain.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::thread;
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// True if the namespace of this name is not the host's.
fn is_new(sandbox: &Sandbox, options: &[&str], name: &str) -> bool {
    let own = fs::read_link(format!("/proc/self/ns/{name}")).expect("own namespace");
    sandbox.prints(options, &format!("readlink /proc/self/ns/{name}")).trim() != own.to_str().expect("UTF-8")
}

#[test]
fn each_can_be_the_hosts() {
    let sandbox = Sandbox::new();
    for name in ["user", "mnt", "pid", "ipc", "uts", "cgroup"] {
        assert!(is_new(&sandbox, &[], name), "{name}");
    }
    assert!(!is_new(&sandbox, &[], "net") && !is_new(&sandbox, &[], "time"));
    for (option, name) in [("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup"), ("--pid", "pid")] {
        assert!(!is_new(&sandbox, &[option, "host"], name), "{option}");
        assert_refused(
            &sandbox.output(&[option, "other"], "true"),
            125,
            &[option, "not one of private, host"],
        );
    }
    assert!(is_new(&sandbox, &["--network", "none"], "net") && is_new(&sandbox, &["--timens", "9"], "time"));
}

#[test]
fn a_network_of_its_own_has_lo_and_nothing_of_the_host() {
    let sandbox = Sandbox::new();
    let address = SocketAddr::from_abstract_name(b"subroot-test-of-networks").expect("an address");
    let _listener = UnixListener::bind_addr(&address);
    let script = "ls /sys/class/net; ip -o addr | awk '{print $4}'; grep -c subroot-test /proc/net/unix";
    let outcome = sandbox.output(&["--network", "none"], script);
    assert_eq!(outcome.stdout, "lo\n127.0.0.1/8\n::1/128\n0\n", "{outcome:?}");
    // The listener's input never ends. Otherwise each nc would end when the other does, and data in transit
    // would be lost.
    let script = "mkfifo /tmp/open; nc -l -p 4000 127.0.0.1 >/tmp/got 0<>/tmp/open &
        until echo through | nc 127.0.0.1 4000 2>/dev/null; do sleep 0.05; done; wait; cat /tmp/got; rm /tmp/got /tmp/open";
    assert_eq!(sandbox.output(&["--network", "none"], script).stdout, "through\n");
    assert_refused(
        &sandbox.output(&["--network", "bridge"], "true"),
        125,
        &["--network", "not one of host, none, private, pasta, slirp4netns"],
    );
}

#[test]
fn what_listens_on_the_hosts_loopback_is_reached_from_the_hosts_network_alone() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    let script = format!("nc 127.0.0.1 {port} </dev/null 2>/dev/null || echo refused");
    assert_eq!(sandbox.prints(&["--network", "none"], &script), "refused\n");
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        connection.write_all(b"reached\n").expect("an answer");
    });
    assert_eq!(sandbox.prints(&["--network", "host"], &script), "reached\n");
}

#[test]
fn a_host_name_is_set_inside_alone() {
    let sandbox = Sandbox::new();
    let before = nix::unistd::gethostname().expect("own name");
    for option in [["-h", "box-1.example"], ["--hostname", "box-1.example"]] {
        assert_eq!(sandbox.prints(&option, "hostname"), "box-1.example\n");
    }
    assert_eq!(nix::unistd::gethostname().expect("own name"), before);
    assert_refused(&sandbox.output(&["-h", "a b"], "true"), 125, &["invalid hostname a b"]);
    assert_refused(&sandbox.output(&["-h", "x", "--uts", "host"], "true"), 125, &["--uts host"]);
}

#[test]
fn clocks_are_ahead_in_a_time_namespace() {
    let sandbox = Sandbox::new();
    let uptime = |options: &[&str]| -> f64 {
        let text = sandbox.prints(options, "cut -d' ' -f1 /proc/uptime");
        text.trim().parse().expect("a number")
    };
    let ahead = uptime(&["--timens", "boottime=1000000"]) - uptime(&[]);
    assert!((999_000.0..1_001_000.0).contains(&ahead), "{ahead}");
    assert_refused(&sandbox.output(&["--timens", "soon"], "true"), 125, &["--timens"]);
    assert_refused(&sandbox.output(&["--timens", "5", "--as-pid-1"], "true"), 125, &["--timens"]);
    assert_refused(&sandbox.output(&["--timens", "-999999999999"], "touch /mark"), 125, &["clocks"]);
    assert!(!sandbox.has_mark());
}

#[test]
fn with_the_hosts_processes_their_proc_is_shown() {
    let sandbox = Sandbox::new();
    let script = "echo /proc/[0-9]* | wc -w; kill -9 1 2>/dev/null || echo refused; id -u";
    let outcome = sandbox.output(&["--pid", "host"], script);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!((outcome.stderr.as_str(), &lines[1..]), ("", ["refused", "0"].as_slice()), "{outcome:?}");
    assert!(lines[0].parse::<u32>().is_ok_and(|count| count > 3), "{outcome:?}");
    assert_refused(&sandbox.output(&["--pid", "host", "--as-pid-1"], "true"), 125, &["--pid host"]);
}
