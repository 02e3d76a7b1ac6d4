//! The host's network from inside: the loopback interface, names, low ports and ping.

use crate::job::{Debian, NO_ROOT, free_port};
use std::process::Command;
use subroot_tests::skip;

#[test]
fn a_server_and_a_client_inside_meet_on_the_loopback_interface() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let port = free_port();
    let seen = debian.output(&format!(
        "mkdir /srv/site; echo a page >/srv/site/page
        python3 -m http.server --bind 127.0.0.1 --directory /srv/site {port} >/tmp/log 2>&1 &
        curl --silent --retry 50 --retry-connrefused --retry-delay 0 --retry-max-time 20 http://localhost:{port}/page
        grep -c 'GET /page' /tmp/log
        ls /sys/class/net | grep -x lo
        kill %1"
    ));
    assert_eq!(seen, "a page\n1\nlo\n");
}

/// In a network of the test's own, whose root lets every user ping; the host may not: icmp(7).
#[test]
fn ping_reaches_the_loopback_interface() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let mut network = Command::new("unshare");
    network.args(["--net", "sh", "-c"]).arg(format!(
        "busybox ip link set lo up
        echo 0 200000 >/proc/sys/net/ipv4/ping_group_range
        exec setpriv --reuid {} --regid {} --clear-groups env HOME={} subroot run {} -- sh -c '
            useradd worker; ping -c 2 -i 0.2 -q 127.0.0.1; su worker -c \"ping -c 1 -q 127.0.0.1\"'",
        debian.alice.uid,
        debian.alice.gid,
        debian.alice.home.display(),
        debian.rootfs.path.display()
    ));
    let seen = debian.host.output(&mut network).ok();
    let received: Vec<&str> = seen.lines().filter_map(|line| line.split(", ").nth(1)).collect();
    assert_eq!(received, ["2 received", "1 received"], "{seen}");
}
