//! What a sandbox with a network of its own cannot reach.

use crate::network::outside::{BOTH, NO_DEVICE, OTHER, Outside, greeter};
use crate::running::{Running, unique_word};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use subroot_tests::skip;

#[test]
fn the_outside_is_reached_and_the_hosts_loopback_is_not() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    let address = SocketAddr::from_abstract_name(b"subroot-test-of-isolation").expect("an address");
    let _listener = UnixListener::bind_addr(&address);
    let (open, closed, closed6) =
        (greeter(OTHER, "outside\n"), greeter("127.0.0.1", "loopback\n"), greeter("::1", "loopback\n"));
    // Under load, pasta of 2023 repeats the data of a connection that the server closes at once, hence head.
    // 10.0.2.2 and the gateway are addresses at which both programs can show the host's loopback interface.
    let script = format!(
        "exec 2>/dev/null
        timeout 10 nc {OTHER} {open} </dev/null | head -n 1
        for to in 127.0.0.1 10.0.2.2 192.0.2.1 169.254.1.1
        do timeout 1 nc $to {closed} </dev/null & done
        for to in ::1 fd00::2 2001:db8::1; do timeout 1 nc $to {closed6} </dev/null & done
        wait
        grep -c subroot-test /proc/net/unix"
    );
    for program in BOTH {
        let outcome = outside.sandbox.output(&["--network", program], &script);
        assert_eq!(outcome.stdout, "outside\n0\n", "{program}: {outcome:?}");
    }
}

#[test]
fn two_sandboxes_cannot_reach_each_other() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    for program in BOTH {
        let word = unique_word();
        let server = "while echo greeted $0 | nc -l -p 4000 >/dev/null; do :; done &
            until nc 127.0.0.1 4000 </dev/null 2>/dev/null | grep -q greeted; do sleep 0.02; done; echo ready; wait";
        let options = ["--network", program];
        let running = Running::new(&mut outside.sandbox.run(&options, &["sh", "-c", server, &word]));
        let script = "exec 2>/dev/null; for to in 127.0.0.1 192.0.2.2 192.0.2.9 10.0.2.100 10.0.2.2
            do timeout 1 nc $to 4000 </dev/null & done; wait; echo none";
        assert_eq!(outside.sandbox.prints(&options, script), "none\n", "{program}");
        running.signal(9);
        running.end();
    }
}

#[test]
fn each_map_of_ids_can_have_a_network() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    for program in BOTH {
        for userns in ["auto", "subids", "keep-id", "host-id"] {
            let options = ["--network", program, "--userns", userns];
            let names = outside.sandbox.prints(&options, "ls /sys/class/net");
            assert_eq!(names.lines().count(), 2, "{options:?}: {names}");
        }
    }
}
