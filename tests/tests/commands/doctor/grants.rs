//! Why there are no subordinate IDs, or too few.

use crate::doctor::{assert_found, doctor, examined};
use subroot_tests::sandbox::Sandbox;

/// A host with these lines in the grant files.
fn granting(subuid: &str, subgid: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/subuid", subuid);
    sandbox.host.write("/etc/subgid", subgid);
    sandbox
}

const GOOD: &str = "alice:100000:65536\n";

#[test]
fn no_line_in_either_file_or_in_one_of_them() {
    for (subuid, subgid, cause, fix) in [
        (
            "bob:100000:65536\n",
            GOOD,
            "/etc/subuid has no line for alice",
            "as root: usermod --add-subuids 165536-231071 alice",
        ),
        (GOOD, "", "/etc/subgid has no line for alice", "as root: usermod --add-subgids 165536-231071 alice"),
        (
            "",
            "",
            "/etc/subuid has no line for alice",
            "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice",
        ),
    ] {
        assert_found(&examined(&granting(subuid, subgid)), 1, cause, fix);
    }
}

#[test]
fn no_file() {
    let sandbox = Sandbox::new();
    sandbox.host.remove("/etc/subuid");
    assert_found(
        &examined(&sandbox),
        1,
        "/etc/subuid is not there",
        "as root: (umask 022 && echo alice:231072:65536 | tee -a /etc/subuid)",
    );
}

#[test]
fn a_file_that_the_user_may_not_read() {
    for file in ["/etc/subuid", "/etc/subgid"] {
        let sandbox = granting(GOOD, GOOD);
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(file, closed).expect("closing the file");
        let (cause, fix) = (format!("{file} cannot be read by you (mode 600)"), format!("chmod 644 {file}"));
        assert_found(&examined(&sandbox), 1, &cause, &format!("as root: {fix}"));
        let launch = sandbox.host.output(&mut sandbox.alice.shell("subroot run rootfs -- id -u"));
        assert_eq!((launch.stdout.as_str(), launch.code()), ("0\n", 0), "{launch:?}");
        assert!(launch.stderr.contains(&cause) && launch.stderr.contains(&fix), "{launch:?}");
        sandbox.host.output(&mut sandbox.host.user("root").shell(&fix)).ok();
        assert_eq!(examined(&sandbox).code(), 0);
    }
}

#[test]
fn a_line_that_grants_nothing() {
    for (line, why) in [
        ("alice:100000:", "a number is missing"),
        ("alice:100000:x", "decimal"),
        ("alice:0:1000", ""),
        ("alice:900:65536", "holds the ID of alice (1000)"),
        ("alice:4294967000:65536", ""),
    ] {
        let sandbox = granting(&format!("# first\n{line}\n"), GOOD);
        let cause = "/etc/subuid, line 2, grants nothing: ";
        let outcome = examined(&sandbox);
        assert_found(&outcome, 1, cause, "as root: cp /etc/subuid");
        let said = outcome.stdout.lines().find(|line| line.contains(cause)).expect("the cause");
        assert!(said.contains(why), "{line}: {said}");
    }
}

#[test]
fn a_range_of_another_user() {
    let sandbox = granting("bob:100:5\nbob:165535:10\nalice:100000:65536\n", GOOD);
    let cause = "/etc/subuid, line 3, grants IDs that line 2 grants to bob, too";
    let fix = "sed '3{/:100000:65536$/s/.*//;}' /etc/subuid- >/etc/subuid && usermod --add-subuids 165545-231080 alice";
    assert_found(&examined(&sandbox), 1, cause, fix);
}

#[test]
fn a_range_that_is_too_small() {
    let small = granting("alice:100000:2000\n", "alice:100000:2000\n");
    assert_found(
        &examined(&small),
        1,
        "2000 user IDs granted, and a Debian root needs 2001",
        "usermod --add-subuids 102000-167535 --add-subgids 102000-167535 alice",
    );
    drop(small);
}

/// As many as `grants suggest`, the guide and the recipes advise.
#[test]
fn each_number_of_ids_that_is_advised_is_enough_for_apt() {
    for count in [2001, 65_536] {
        let line = format!("alice:100000:{count}\n");
        let sandbox = granting(&line, &line);
        let outcome = examined(&sandbox);
        let signs = outcome.stdout.lines().filter(|line| line.starts_with(['!', '✗'])).count();
        assert_eq!((outcome.code(), signs), (0, 0), "{count}: {outcome:?}");
        sandbox.add("etc/passwd", "root:x:0:0::/root:/bin/sh\n_apt:x:42:65534::/:/bin/sh\n", 0o644);
        sandbox.add("etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644);
        let script = "su _apt -c id && touch /tmp/x && chown _apt:nogroup /tmp/x && stat -c '%u %g' /tmp/x";
        let seen = sandbox.prints(&[], script);
        assert_eq!(seen, "uid=42(_apt) gid=65534(nogroup) groups=65534(nogroup)\n42 65534\n", "{count}");
    }
}

#[test]
fn settings_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    sandbox.host.configure_mapper("nonsense\n");
    assert_found(&examined(&sandbox), 1, "/etc/subroot/mapper.conf, line 1", "as root: correct that line");
}

#[test]
fn an_account_that_no_file_knows() {
    let sandbox = Sandbox::new();
    let stranger = sandbox.host.uid(4711);
    let outcome = sandbox.host.output(&mut doctor(&stranger, &[]));
    assert_found(
        &outcome,
        1,
        "uid 4711 has no account",
        "as root: echo 4711:231072:65536 | tee -a /etc/subuid /etc/subgid",
    );
}

#[test]
fn groups_that_the_administrator_denies() {
    let sandbox = Sandbox::new();
    sandbox.host.configure_mapper("setgroups = deny\n");
    assert_found(&examined(&sandbox), 1, "setgroups is denied by /etc/subroot/mapper.conf", "setgroups-deny");
    drop(sandbox);
    let none = granting("", "");
    let outcome = examined(&none);
    assert!(
        outcome.stdout.contains("! groups      setgroups is denied, which follows from maps\n"),
        "{outcome:?}"
    );
}

#[test]
fn root_may_ask_for_another_user() {
    let sandbox = granting("bob:200000:65536\n", "bob:200000:65536\n");
    let root = sandbox.host.user("root");
    let outcome = sandbox.host.output(&mut doctor(&root, &["--for-user", "alice"]));
    assert_found(&outcome, 1, "/etc/subuid has no line for alice", "--add-subuids");
    let outcome = sandbox.host.output(&mut doctor(&root, &["--for-user", "bob"]));
    assert!(
        outcome.code() == 0 && outcome.stdout.contains("65537 user IDs and 65537 group IDs"),
        "{outcome:?}"
    );
    for (user, name, said) in
        [(&root, "nobody-of-this-name", "there is no user"), (&sandbox.alice, "bob", "only root can be bob")]
    {
        let outcome = sandbox.host.output(&mut doctor(user, &["--for-user", name]));
        subroot_tests::sandbox::assert_refused(&outcome, 125, &["--for-user", said]);
    }
}
