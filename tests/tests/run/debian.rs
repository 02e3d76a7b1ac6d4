//! A real Debian, in which an ordinary user with 65536 IDs installs a package.

use crate::tutorial::assert_old_root_is_gone;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use subroot_tests::sandbox::{FULL_MAP, map_lines};
use subroot_tests::{Host, Rootfs, SubordinateIds, User, skip};

const INSTALLATION: Duration = Duration::from_secs(240);
const GRANTED: std::ops::Range<u32> = 100_000..165_536;

fn run(alice: &User, rootfs: &Rootfs, script: &str) -> Command {
    let mut command = alice.command("subroot");
    command.arg("run").arg(&rootfs.path).args([
        "-e",
        "DEBIAN_FRONTEND=noninteractive",
        "--",
        "sh",
        "-c",
        script,
    ]);
    command
}

#[test]
fn a_package_that_makes_an_account_is_installed() {
    let host = Host::new();
    let alice = host.user("alice");
    let Some(rootfs) = Rootfs::debian(&host, &alice, SubordinateIds::after(&alice, 100_000)) else {
        skip!("no Debian root: tests/run makes one where mmdebstrap works");
    };
    let install = "apt-get install -y /srv/packages/uuid-runtime*.deb /srv/packages/*.deb 2>&1";
    let installed = host.output_within(INSTALLATION, &mut run(&alice, &rootfs, install));
    assert_eq!(installed.code(), 0, "{installed:?}");
    assert_owner_is_granted(&rootfs.path);
    assert_inside_is_root(&host, &alice, &rootfs);
    assert_only_the_inside_is_shown(&host, &alice, &rootfs);
}

/// _apt's group is nogroup, 65534. The guide and `grants suggest` advise 2001 IDs; a root of mmdebstrap belongs to the granted ones.
#[test]
fn apt_works_with_as_few_ids_as_are_advised_for_each_owner_of_the_root() {
    for (count, root, first) in [(2001, 1000, 100_000), (2001, 100_000, 100_001), (65_536, 100_000, 100_001)]
    {
        let host = Host::new();
        for file in ["/etc/subuid", "/etc/subgid"] {
            host.write(file, format!("alice:100000:{count}\n"));
        }
        let alice = host.user("alice");
        let ids = SubordinateIds { root: (root, root), first, count: 1999 };
        let Some(rootfs) = Rootfs::debian(&host, &alice, ids) else {
            skip!("no Debian root: tests/run makes one where mmdebstrap works");
        };
        let install = "apt-get update -o Dir::Etc::sourcelist=/dev/null &&
            apt-get install -y /srv/packages/uuid-runtime*.deb /srv/packages/*.deb &&
            touch /tmp/x && chown _apt:nogroup /tmp/x && su -s /bin/sh _apt -c 'id -gn; test -O /tmp/x' && su -c 'id -u'";
        let installed = host.output_within(INSTALLATION, &mut run(&alice, &rootfs, install));
        let said = format!("{count} IDs, root of {root}: {installed:?}");
        assert!(installed.code() == 0 && installed.stdout.ends_with("\nnogroup\n0\n"), "{said}");
        let is_chosen = installed.stderr.contains("owned by your subordinate ID 100000: running with");
        assert_eq!(is_chosen, root == 100_000, "{said}");
        assert!(!installed.stderr.contains("died unexpectedly"), "{said}");
        for (path, (_, uid, ..)) in subroot_tests::sandbox::listing(&rootfs.path) {
            assert!(uid == root || GRANTED.contains(&uid), "{path} belongs to {uid}");
        }
    }
}

/// The account's directory, and all other files, as seen from outside.
fn assert_owner_is_granted(rootfs: &Path) {
    let accounts = fs::read_to_string(rootfs.join("etc/passwd")).expect("the passwd inside");
    let account = accounts.lines().find(|line| line.starts_with("uuidd:")).expect("the package's account");
    let uid: u32 = account.split(':').nth(2).expect("a uid").parse().expect("a number");
    let dir =
        fs::metadata(rootfs.join("var/lib/libuuid")).or_else(|_| fs::metadata(rootfs.join("run/uuidd")));
    let owner = dir.expect("the account's directory").uid();
    assert_eq!(owner, GRANTED.start + uid - 1, "{account}");
    for (path, (_, uid, ..)) in subroot_tests::sandbox::listing(rootfs) {
        assert!(uid == 1000 || GRANTED.contains(&uid), "{path} belongs to {uid}");
    }
}

fn assert_inside_is_root(host: &Host, alice: &User, rootfs: &Rootfs) {
    let script = "id -u; id -G; ls -ldn /etc /var/mail | tr -s ' ' | cut -d' ' -f3,4; cat /proc/self/uid_map";
    let seen = host.output(&mut run(alice, rootfs, script)).ok();
    let (identity, map) = seen.split_at("0\n0\n0 0\n0 8\n".len());
    assert_eq!((identity, map_lines(map)), ("0\n0\n0 0\n0 8\n", FULL_MAP.map(str::to_owned).to_vec()));
}

fn assert_only_the_inside_is_shown(host: &Host, alice: &User, rootfs: &Rootfs) {
    let ps = rootfs.path.join("usr/local/bin/ps");
    fs::copy("/bin/busybox", &ps).expect("copying busybox");
    let processes = host.output(&mut run(alice, rootfs, "ps -o pid,comm; true")).ok();
    let processes: Vec<String> = processes.split_whitespace().map(str::to_owned).collect();
    assert_eq!(processes, ["PID", "COMMAND", "1", "subroot-init", "2", "sh", "3", "ps"]);
    assert_old_root_is_gone(&host.output(&mut run(alice, rootfs, "cat /proc/self/mountinfo")).ok());
}

#[test]
fn another_user_of_the_root_can_be_become_and_left_again() {
    let host = Host::new();
    let alice = host.user("alice");
    let Some(rootfs) = Rootfs::debian(&host, &alice, SubordinateIds::after(&alice, 100_000)) else {
        skip!("no Debian root: tests/run makes one where mmdebstrap works");
    };
    let script =
        "useradd -m worker && su worker -c 'id -un; touch ~/file; cat /etc/shadow' 2>/dev/null; id -un";
    let outcome = host.output_within(INSTALLATION, &mut run(&alice, &rootfs, script));
    assert_eq!(outcome.ok(), "worker\nroot\n");
    let file = fs::metadata(rootfs.path.join("home/worker/file")).expect("the worker's file");
    assert_eq!((file.uid(), file.gid()), (100_999, 100_999));
}
