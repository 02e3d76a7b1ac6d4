//! `--user`: looked up in the account files of the rootfs, whatever they contain.

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::symlink;
use subroot_tests::sandbox::{Sandbox, assert_refused};

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv/web:/bin/sh\nnohome:x:40:40:::\nweb:x:99:99::/second:/bin/sh\nbad:x:x:1::/:\n";
const GROUP: &str = "root:x:0:\nweb:x:34:\ndisk:x:6:other,web\nextra:x:7:web\n";

fn with_accounts() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add("etc/passwd", PASSWD, 0o644);
    sandbox.add("etc/group", GROUP, 0o644);
    sandbox
}

#[test]
fn a_user_is_named_or_numbered() {
    let sandbox = with_accounts();
    for (user, expected) in [
        ("web", "33 34 6 7 34 /srv/web"),
        ("33", "33 34 6 7 34 /srv/web"),
        ("web:disk", "33 6 6 /srv/web"),
        ("web:1234", "33 1234 1234 /srv/web"),
        ("4321", "4321 0 0 /"),
        ("4321:5", "4321 5 5 /"),
        ("nohome", "40 40 40 /"),
        ("root", "0 0 0 /root"),
        ("0", "0 0 0 /root"),
    ] {
        let script = "echo $(id -u) $(id -g) $(id -G | tr ' ' '\\n' | sort -n) $HOME";
        assert_eq!(sandbox.prints(&["-u", user], script).trim(), expected, "{user}");
    }
}

#[test]
fn one_who_is_not_there_is_named() {
    let sandbox = with_accounts();
    for (user, said) in [
        ("nobody", "looking up user nobody: /etc/passwd of the rootfs has no such user"),
        ("bad", "looking up user bad"),
        ("web:none", "looking up group none: /etc/group of the rootfs has no such group"),
        ("70000", "becoming user 70000"),
        ("", "a name is empty"),
        ("4294967295", "invalid ID 4294967295"),
        ("99999999999", "invalid ID 99999999999"),
    ] {
        assert_refused(&sandbox.output(&["-u", user], "touch /mark"), 125, &[said]);
    }
    assert!(!sandbox.has_mark());
}

#[test]
fn accounts_may_be_anything() {
    let sandbox = with_accounts();
    let passwd = sandbox.rootfs.path.join("etc/passwd");
    let refused = |sandbox: &Sandbox| {
        assert_refused(&sandbox.output(&["-u", "web"], "true"), 125, &["looking up user web"])
    };
    fs::remove_file(&passwd).expect("removing passwd");
    refused(&sandbox);
    mkfifo(&passwd, Mode::from_bits_truncate(0o644)).expect("a fifo");
    refused(&sandbox);
    for target in ["/dev/zero", "/proc/self/mem", "/proc/kmsg", "passwd", "/", "../../../../../../etc/passwd"]
    {
        let _before = fs::remove_file(&passwd);
        symlink(target, &passwd).expect("a symlink");
        refused(&sandbox);
    }
    fs::remove_file(&passwd).expect("removing passwd");
    let sparse = fs::File::create(&passwd).expect("a file");
    sparse.set_len(4 << 40).expect("a sparse file of 4 TiB");
    refused(&sandbox);
    let long = format!("{}:x:1:1::/:\nweb:x:33:33::/srv:/bin/sh", "x".repeat(200_000));
    sandbox.add("etc/passwd", long, 0o644);
    assert_eq!(sandbox.prints(&["-u", "web"], "id -u"), "33\n");
    sandbox.add(
        "etc/passwd",
        "web:x:+33:33::/srv:/bin/sh\nweb:x:034:33::/:\nweb:x:35:35::/srv\r:/bin/sh\r\n",
        0o644,
    );
    assert_eq!(sandbox.prints(&["-u", "web"], "id -u"), "35\n");
}

#[test]
fn the_users_rights_are_those_of_that_user() {
    let sandbox = with_accounts();
    let script = "touch /etc/x 2>/dev/null || echo refused; cat /proc/self/status | grep -E 'Cap(Inh|Prm|Eff|Amb)' | grep -vc 0000000000000000";
    let outcome = sandbox.output(&["-u", "web"], script);
    assert_eq!(outcome.stdout, "refused\n0\n");
    let closed = sandbox.rootfs.path.join("closed");
    sandbox.host.make_dir(&closed, &sandbox.alice);
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a mode");
    assert_refused(
        &sandbox.output(&["-u", "web", "-w", "/closed"], "true"),
        125,
        &["/closed", "Permission denied"],
    );
    assert_eq!(sandbox.prints(&["-w", "/closed"], "pwd"), "/closed\n");
}

#[test]
fn a_user_needs_ids() {
    let sandbox = with_accounts();
    let outcome = sandbox.output(&["-u", "web", "--userns", "host-id"], "touch /mark");
    assert_refused(&outcome, 125, &["becoming user web"]);
    assert!(!sandbox.has_mark());
}

/// Only the caller is mapped if nothing is granted.
#[test]
fn without_a_grant_root_is_the_one_who_can_be_asked_for() {
    let sandbox = with_accounts();
    ["/etc/subuid", "/etc/subgid"].iter().for_each(|file| sandbox.host.write(file, ""));
    let only = "subroot: only your own ID is mapped (/etc/subuid has no line for alice); \
        fix: as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice\n";
    let unmapped = "its ID, or that of a group, is not mapped here (see subroot idmap)\n";
    let denied = "setgroups is denied here, as no group ID is granted (see subroot idmap)\nsubroot: fix: ";
    for (options, who, why) in [
        (["-u", "web"], "becoming user web", unmapped),
        (["-u", "33:0"], "becoming user web", unmapped),
        (["-u", "0:34"], "becoming user root", unmapped),
        (["--group-add", "disk"], "adding groups disk", denied),
    ] {
        let outcome = sandbox.output(&options, "touch /mark");
        let said = format!("{only}subroot: {who}: {why}");
        assert!(outcome.code() == 125 && outcome.stderr.starts_with(&said), "{options:?}: {outcome:?}");
    }
    assert!(!sandbox.has_mark());
    for options in [["-u", "root"], ["-u", "0:0"], ["--group-add", "root"], ["--userns", "auto"]] {
        let outcome = sandbox.output(&options, "id -u; id -G");
        assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), (only, "0\n0\n"), "{options:?}");
    }
}
