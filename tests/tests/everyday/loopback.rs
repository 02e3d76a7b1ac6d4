//! The host's network from inside: the loopback interface, names, low ports and ping.

use crate::job::{Debian, NO_ROOT, free_port};
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

#[test]
fn ping_reaches_the_loopback_interface() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").expect("the kernel's range");
    let range: Vec<u32> = range.split_whitespace().map(|gid| gid.parse().expect("a gid")).collect();
    if !(range[0]..=range[1]).contains(&debian.alice.gid) {
        skip!("net.ipv4.ping_group_range of this host lets only {range:?} ping");
    }
    let seen = debian.output("ping -c 2 -i 0.2 -q 127.0.0.1 | grep -o '2 received'");
    assert_eq!(seen, "2 received\n");
}
