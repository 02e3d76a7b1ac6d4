//! Nested sandboxes: subroot in subroot, as root and as a user with a separate mapper, and unshare as podman
//! uses it.

use crate::job::{Debian, GRANTED, NO_ROOT};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;
use subroot_tests::{MAPPER, skip};

const LAUNCHER: &str = "/usr/local/bin/subroot";

/// A copy of a host file in the root, owned by root inside.
fn bring(debian: &Debian, from: &str, to: &str, mode: u32) {
    let place = debian.rootfs.path.join(to);
    let dir = place.parent().expect("a directory");
    debian.output(&format!("mkdir -p /{}", Path::new(to).parent().expect("a directory").display()));
    assert!(dir.is_dir());
    fs::copy(from, &place).unwrap_or_else(|error| panic!("copying {from}: {error}"));
    lchown(&place, Some(debian.alice.uid), Some(debian.alice.gid)).expect("giving it to alice");
    fs::set_permissions(&place, fs::Permissions::from_mode(mode)).expect("changing a mode");
}

/// With subroot installed in it, and a small root in /srv/inner.
fn with_launcher() -> Option<Debian> {
    let debian = Debian::new()?;
    bring(&debian, LAUNCHER, "usr/local/bin/subroot", 0o755);
    bring(&debian, "/bin/busybox", "srv/inner/bin/busybox", 0o755);
    debian.output("cd /srv/inner; mkdir dev etc proc sys tmp; bin/busybox --install bin; echo root:x:0:0::/:/bin/sh >etc/passwd");
    Some(debian)
}

#[test]
fn root_inside_runs_subroot_with_all_that_it_has() {
    let Some(debian) = with_launcher() else { skip!("{NO_ROOT}") };
    let outcome = debian.outcome(
        "subroot run /srv/inner -- sh -c 'id -u; ps -o comm; awk \"{ print \\$1, \\$3 }\" /proc/self/uid_map
            touch /made; chown 7:8 /made; ls /; exit 9' || echo status $?
        stat -c %u:%g /srv/inner/made
        subroot run -- sh -c 'id -un; touch /etc/only-in-memory; test -e /srv/inner/made && echo sees the outer root'
        ls /etc/only-in-memory 2>/dev/null || echo gone",
    );
    let expected = "0\nCOMMAND\nsubroot-init\nsh\nps\n0 1\n1 65536\n\
        bin\ndev\netc\nmade\nproc\nsys\ntmp\nstatus 9\n7:8\nroot\nsees the outer root\ngone\n";
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (0, expected, ""));
    let made = fs::metadata(debian.rootfs.path.join("srv/inner/made")).expect("the file");
    assert_eq!((made.uid(), made.gid()), (GRANTED + 6, GRANTED + 7));
}

#[test]
fn subroot_in_subroot_in_subroot_works() {
    let Some(debian) = with_launcher() else { skip!("{NO_ROOT}") };
    let run = "subroot run / -- ";
    let outcome = debian.outcome(&format!(
        "{run}{run}{run}sh -c 'id -u; cat /proc/sys/kernel/random/boot_id | wc -l; ps -o pid=,comm= | head -n 1 | tr -s \" \"; exit 3'"
    ));
    assert_eq!(
        (outcome.code(), outcome.stdout.trim_end(), outcome.stderr.as_str()),
        (3, "0\n1\n 1 subroot-init", "")
    );
}

#[test]
fn a_user_inside_runs_subroot_with_a_mapper_that_is_installed_inside() {
    let Some(debian) = with_launcher() else { skip!("{NO_ROOT}") };
    bring(&debian, MAPPER, &MAPPER[1..], 0o4755);
    let outcome = debian.outcome(
        "useradd --create-home worker
        echo worker:20000:10000 | tee /etc/subuid >/etc/subgid
        cp -a /srv/inner /home/worker/inner; chown -R worker: /home/worker/inner
        su worker -c 'subroot run ~/inner -- sh -c \"id -u; touch /made; chown 5:6 /made; cat /proc/self/uid_map | tr -s \\\" \\\"\"'
        stat -c %u:%g /home/worker/inner/made; id -u worker
        su worker -c 'subroot unshare rm ~/inner/made'; ls /home/worker/inner/made 2>/dev/null || echo removed
        su nobody -s /bin/sh -c 'subroot unshare id -u' 2>&1",
    );
    let expected = "0\n 0 1000 1\n 1 20000 9999\n 65534 29999 1\n20004:20005\n1000\nremoved\n\
        subroot: only your own ID is mapped (/etc/subuid has no line for nobody); \
        fix: as root: usermod --add-subuids 1001-3001 --add-subgids 1001-3001 nobody\n0\n";
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (0, expected, ""));
}

/// Debian's newuidmap, setuid root, needs a capability that a sandbox has only on request.
#[test]
fn a_user_inside_with_debians_mapper_is_given_the_reason_and_both_fixes() {
    let Some(debian) = with_launcher() else { skip!("{NO_ROOT}") };
    for program in ["usr/bin/newuidmap", "usr/bin/newgidmap"] {
        bring(&debian, &format!("/{program}"), program, 0o4755);
    }
    let prepared = "useradd --create-home worker; echo worker:20000:10000 | tee /etc/subuid >/etc/subgid";
    assert_eq!(debian.output(prepared), "");
    let script = "su worker -c 'subroot unshare grep -c . /proc/self/uid_map'";
    let outcome = debian.outcome(script);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "1\n"), "{outcome:?}");
    let expected =
        "Operation not permitted; /usr/bin/newuidmap writes maps only with CAP_SYS_ADMIN, which is missing";
    let fix = "; fix: start the sandbox or container around this one with --cap-add SYS_ADMIN, or install newidmap-helper in it";
    assert!(outcome.stderr.contains(expected) && outcome.stderr.trim_end().ends_with(fix), "{outcome:?}");
    let refused =
        debian.outcome("su worker -c 'subroot run --uidmap 0:1:9 --gidmap 0:1:9 /srv/inner -- true'");
    assert_eq!(refused.code(), 125, "{refused:?}");
    assert!(refused.stderr.trim_end().ends_with(&fix[2..]), "{refused:?}");
    let mut allowed = debian.alice.command("subroot");
    allowed.args(["run", "--cap-add", "SYS_ADMIN"]).arg(&debian.rootfs.path).args(["--", "sh", "-c", script]);
    assert_eq!(debian.host.output(&mut allowed).ok(), "3\n");
    bring(&debian, MAPPER, &MAPPER[1..], 0o4755);
    assert_eq!(debian.output(script), "3\n");
}

#[test]
fn unshare_makes_every_kind_of_namespace_inside() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        "unshare --user --map-root-user --mount --pid --fork --mount-proc --ipc --uts --net --cgroup sh -c '
            mount -t tmpfs none /mnt; touch /mnt/file; ls /mnt
            hostname other 2>/dev/null || echo other >/proc/sys/kernel/hostname; uname -n
            ps -o pid=,comm= | wc -l; ls /sys/class/net >/dev/null; ip link 2>/dev/null || true
            mkdir /tmp/root /tmp/root/old; mount --rbind / /tmp/root; chroot /tmp/root id -u'
        ls /mnt | wc -l
        chroot / id -u
        useradd worker
        su worker -c 'unshare --user --map-root-user --mount sh -c \"id -u; mount -t tmpfs none /mnt && echo mounted\"'",
    );
    assert_eq!(seen, "file\nother\n3\n0\n0\n0\n0\nmounted\n");
}
