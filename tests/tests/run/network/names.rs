//! DNS servers and host names.

use crate::network::outside::{BOTH, NO_DEVICE, OTHER, Outside, name_server};
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::skip;

const LOOK_UP: &str = "nslookup -type=a web.test 2>/dev/null | grep -c 192.0.2.77";

#[test]
fn names_are_resolved_by_the_given_server() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    name_server(OTHER);
    for program in BOTH {
        let options = ["--network", program, "--dns", OTHER];
        assert_eq!(outside.sandbox.prints(&options, LOOK_UP), "1\n", "{program}");
    }
}

#[test]
fn names_are_resolved_by_the_hosts_server_on_its_loopback() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    outside.sandbox.host.write("/etc/resolv.conf", "nameserver 127.0.0.53\n");
    name_server("127.0.0.53");
    for program in BOTH {
        assert_eq!(outside.sandbox.prints(&["--network", program], LOOK_UP), "1\n", "{program}");
    }
}

#[test]
fn names_are_added_and_nothing_stays_in_the_root() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/resolv.conf", "nameserver 192.0.2.8\nsearch host.test\n");
    sandbox.add("etc/hosts", "192.0.2.5 db\n", 0o644);
    let file = |name: &str| std::fs::read_to_string(sandbox.rootfs.path.join(name)).unwrap_or_default();
    let before = file("etc/resolv.conf");
    let options = [
        "--add-host",
        "db:192.0.2.6",
        "--dns",
        "192.0.2.7",
        "--dns-search",
        "a.test",
        "--dns-option",
        "ndots:2",
    ];
    let seen = sandbox.prints(&options, "head -n 2 /etc/hosts; cat /etc/resolv.conf");
    let hosts = "192.0.2.6 db\n192.0.2.5 db\n";
    assert_eq!(seen, format!("{hosts}search a.test\nnameserver 192.0.2.7\noptions ndots:2\n"));
    assert_eq!(sandbox.prints(&[], "head -n 1 /etc/hosts"), "192.0.2.5 db\n");
    assert_eq!((file("etc/hosts").as_str(), file("etc/resolv.conf")), ("192.0.2.5 db\n", before));
}

#[test]
fn what_is_no_name_or_address_is_refused() {
    let sandbox = Sandbox::new();
    let refused: [(&[&str], &str); 8] = [
        (&["--dns", "1.2.3"], "reading --dns: invalid address 1.2.3"),
        (&["--dns-search", "a b"], "reading --dns-search: invalid name a b"),
        (
            &["--dns-option", "ndots:2\nnameserver 1"],
            "reading --dns-option: invalid name ndots:2\\nnameserver 1",
        ),
        (&["--add-host", "a\nb:1.2.3.4"], "reading --add-host: invalid name a\\nb"),
        (
            &["--add-host", "a:host-gateway"],
            "reading --add-host: a:host-gateway: a sandbox cannot reach the host",
        ),
        (&["--add-host", "a"], "reading --add-host: a is not NAME:IP"),
        (
            &["--dns", "1.2.3.4", "--tmpfs", "/etc/resolv.conf"],
            "reading --dns: /etc/resolv.conf is also a mount",
        ),
        (&["--network", "host", "-p", "1:1"], "it needs a network of the sandbox's own: --network=pasta"),
    ];
    for (options, why) in refused {
        assert_refused(&sandbox.host.output(&mut sandbox.leaving_a_mark(options)), 125, &[why]);
    }
    assert!(!sandbox.has_mark());
}
