//! `subroot` if name services or a plugin decide: it requests what the mapper then grants.

use crate::nss::accounts::directory;
use crate::nss::{GRANTING, host_with_plugin};
use subroot_tests::{Host, Install, Rootfs, User};

/// The lines of the map in a launch by this user.
fn map(host: &Host, user: &User) -> Vec<String> {
    let rootfs = Rootfs::busybox(&host.user("alice"));
    let mut command = user.command("subroot");
    let outcome = host.output(command.arg("run").arg(&rootfs.path).args(["--", "cat", "/proc/self/uid_map"]));
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    outcome.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn what_a_plugin_grants_is_mapped() {
    let host = host_with_plugin(GRANTING);
    let alice = host.user("alice");
    assert_eq!(map(&host, &alice), ["0 1000 1", "1 300000 65536"]);
    let shown = host.output(alice.command("subroot").arg("idmap")).ok();
    assert!(shown.contains("300000      65536"), "{shown}");
}

#[test]
fn a_line_by_the_name_of_a_directory_account_is_mapped() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    host.write("/etc/subuid", "user200123:400000:1000\n");
    host.write("/etc/subgid", "user200123:400000:1000\n");
    assert_eq!(map(&host, &host.uid(200_123)), ["0 200123 1", "1 400000 999", "65534 400999 1"]);
}

#[test]
fn the_lines_of_a_local_account_are_not_promised_to_a_directory_account_of_its_name() {
    let host = directory(Install::SetuidRoot, "alice", "");
    let shown = host.output(host.uid(200_007).command("subroot").arg("idmap")).ok();
    assert!(shown.contains("200007") && !shown.contains("100000"), "{shown}");
}

#[test]
fn what_the_account_of_a_directory_lacks_is_reported() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    let user = host.uid(200_123);
    let told = || host.output(user.command("subroot").arg("doctor")).stdout;
    let cause = "the account of uid 200123 is not in /etc/passwd but in a directory";
    assert!(told().contains("user200123 (uid 200123)") && !told().contains(cause), "{}", told());
    host.remove("/usr/libexec/subroot/newidmap-helper-nss");
    assert!(told().contains(cause) && told().contains("echo 200123:231072:65536 | tee -a"), "{}", told());
}

#[test]
fn accounts_of_a_directory_are_found_when_grants_are_checked() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    let lines = "user200123:400000:2001\n200123:402001:10\nghost:500000:2001\n";
    host.write("/etc/subuid", lines);
    host.write("/etc/subgid", lines);
    let told = |words: &[&str]| host.output(host.user("alice").command("subroot").arg("grants").args(words));
    let found = told(&["lint"]).stdout;
    assert!(
        found.contains("/etc/subuid:3: no-account: ghost: ") && !found.contains("account: user200123"),
        "{found}"
    );
    assert!(found.contains("findings: 2, in 6 well-formed lines of 2 users\n"), "{found}");
    assert!(
        told(&["owner", "402001"]).ok().contains("uid 402001: user200123's (uid 200123), by /etc/subuid:2")
    );
    // usermod(8) does not know this account.
    let suggested = told(&["suggest", "user200124"]).ok();
    assert!(
        suggested.ends_with("\necho 200124:100000:65536 | tee -a /etc/subuid /etc/subgid\n"),
        "{suggested}"
    );
}
