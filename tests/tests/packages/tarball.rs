//! The tarball and its installer, for hosts that have no package: as root and as an ordinary user.

use crate::built::{build_script, only, package, target, version};
use crate::documents::assert_documented;
use crate::root::{IMPORT, IMPORTED, Root, capabilities};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;
use subroot_tests::{skip, workspace};

const GRANTED: [&str; 6] = ["0", "1000", "1", "1", "100000", "65536"];
const NO_DEBIAN: &str = "no Debian root file system was made";
/// Lists every file and directory except the scratch space, for comparing a root after uninstalling.
const LIST: &str =
    "find / -xdev -path /srv -prune -o -path /home/alice/rootfs -prune -o -path /tmp -prune -o -print | sort";

/// A Debian with the tarball unpacked as `/srv/subroot`.
fn unpacked() -> Option<Root> {
    let tarball = fs::read(package("subroot", ".tar.gz")).expect("the tarball");
    let root = Root::debian()?;
    fs::write(root.file("/srv/subroot.tar.gz"), tarball).expect("writing the tarball");
    root.root("mkdir /srv/subroot && tar -C /srv/subroot --strip-components=1 -xzf /srv/subroot.tar.gz").ok();
    Some(root)
}

fn words(map: &str) -> Vec<&str> {
    map.split_whitespace().collect()
}

#[test]
fn root_installs_for_all_and_a_plain_user_runs_with_all_granted_ids() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    let said = root.root("/srv/subroot/install.sh").ok();
    let expected = "installed: /usr/local/bin/subroot\n\
        IDs granted in /etc/subuid and /etc/subgid are mapped by /usr/libexec/subroot/newidmap-helper\n";
    assert_eq!(said, expected);
    let run = root.alice("subroot run rootfs -- cat /proc/self/uid_map");
    assert_eq!(words(&run.ok()), GRANTED);
    let facts = root.root("cd /usr; stat -c '%a %u:%g %n' libexec/subroot/* local/bin/subroot local/libexec/subroot/* local/share/man/man1/subroot.1");
    let expected = "4755 0:0 libexec/subroot/newidmap-helper\n755 0:0 local/bin/subroot\n\
        755 0:0 local/libexec/subroot/subroot-image\n644 0:0 local/share/man/man1/subroot.1\n";
    assert_eq!(facts.ok(), expected);
    assert_eq!(root.alice(IMPORT).ok(), IMPORTED);
}

#[test]
fn the_mapper_has_file_capabilities_instead_where_root_says_so() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    // Debian's minimal system has no setcap, so the host's is used.
    let refused = root.root("/srv/subroot/install.sh --mapper=caps --drop-ins");
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert!(refused.stderr.starts_with("install.sh: --mapper=caps needs setcap"), "{refused:?}");
    fs::copy("/usr/sbin/setcap", root.file("/usr/sbin/setcap")).expect("lending setcap");
    root.root("/srv/subroot/install.sh --mapper=caps --drop-ins").ok();
    for (path, expected) in [
        ("/usr/libexec/subroot/newidmap-helper", " cap_setgid,cap_setuid=p"),
        ("/usr/local/bin/newuidmap", " cap_setuid=ep"),
        ("/usr/local/bin/newgidmap", " cap_setgid=ep"),
    ] {
        let mode = fs::metadata(root.file(path)).expect("an installed program").mode() & 0o7777;
        assert_eq!((mode, capabilities(&root.file(path)).as_str()), (0o755, expected), "{path}");
    }
    assert_eq!(words(&root.alice("subroot run rootfs -- cat /proc/self/uid_map").ok()), GRANTED);
    root.alice("unshare --map-auto --map-root-user true").ok();
}

#[test]
fn the_drop_ins_serve_unshare() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    assert_ne!(root.alice("unshare --map-auto --map-root-user true").code(), 0);
    root.root("/srv/subroot/install.sh --mapper=setuid --drop-ins").ok();
    root.alice("unshare --map-auto --map-root-user true").ok();
}

#[test]
fn without_the_mapper_root_is_shown_what_is_mapped() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    let said = root.root("/srv/subroot/install.sh --mapper=none").ok();
    assert!(
        said.contains("\nonly your own ID is mapped: this host has neither newidmap-helper nor newuidmap"),
        "{said}"
    );
    assert!(!root.file("/usr/libexec/subroot").exists());
}

#[test]
fn the_documents_of_what_is_installed_are_there_and_no_link_in_them_is_dead() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    root.root("/srv/subroot/install.sh --mapper=none").ok();
    let share = root.file("/usr/local/share/doc");
    assert_documented(&share, &["subroot"]);
    assert!(!share.join("newidmap-helper").exists());
    root.root("/srv/subroot/install.sh").ok();
    assert_documented(&share, &["subroot", "newidmap-helper"]);
}

#[test]
fn uninstalling_leaves_nothing() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    let before = root.root(LIST).ok();
    root.root("/srv/subroot/install.sh --drop-ins").ok();
    assert_ne!(root.root(LIST).ok(), before);
    // Again with fewer parts, and from the installer that the first installation has copied.
    root.root("/srv/subroot/install.sh").ok();
    assert!(!root.file("/usr/local/bin/newuidmap").exists());
    root.root("/usr/local/share/subroot/install.sh --uninstall").ok();
    assert_eq!(root.root(LIST).ok(), before);
}

#[test]
fn a_plain_user_installs_the_launcher_in_the_home_directory() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    let before = root.alice("find . | sort").ok();
    let said = root.alice("/srv/subroot/install.sh").ok();
    let expected = "installed: /home/alice/.local/bin/subroot\n\
        only your own ID is mapped: this host has neither newidmap-helper nor newuidmap, and installing them takes root\n\
        /home/alice/.local/bin is not in PATH\n";
    assert_eq!(said, expected);
    let run = root.alice(".local/bin/subroot -q run rootfs -- cat /proc/self/uid_map");
    assert_eq!(words(&run.ok()), ["0", "1000", "1"]);
    // Only her own ID is mapped.
    assert_eq!(root.alice(&format!("PATH=~/.local/bin:$PATH; {IMPORT}")).ok(), "1000:1000\n");
    root.alice("/srv/subroot/install.sh --uninstall").ok();
    assert_eq!(root.alice("find . | sort").ok(), before);
}

#[test]
fn a_plain_user_is_refused_what_takes_root_and_nothing_is_done() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    let before = root.root(LIST).ok();
    for options in
        ["--mapper=setuid", "--mapper=caps", "--drop-ins", "--prefix=/usr/local", "--prefix=/nowhere/below"]
    {
        let refused = root.alice(&format!("/srv/subroot/install.sh {options}"));
        assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""), "{refused:?}");
        assert!(
            refused.stderr.starts_with("install.sh: ") && refused.stderr.lines().count() == 1,
            "{refused:?}"
        );
        assert_eq!(root.root(LIST).ok(), before, "{options}");
    }
}

/// The mapper's directory comes late: everything that was written before is removed again.
#[test]
fn where_one_place_cannot_be_written_nothing_is_installed() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    let before = root.root(LIST).ok();
    let refused = root.root(
        "mkdir /tmp/libexec; mkdir -p /usr/libexec; mount -t tmpfs -o ro tmpfs /usr/libexec
        /srv/subroot/install.sh; code=$?; umount /usr/libexec; exit $code",
    );
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert_eq!(refused.stderr, "install.sh: making /usr/libexec/subroot: not permitted, or no space left\n");
    root.root("rmdir /usr/libexec || true").ok();
    assert_eq!(root.root(&format!("mkdir -p /usr/libexec; {LIST}")).ok(), before);
}

#[test]
fn what_a_package_has_put_there_is_not_replaced() {
    let Some(root) = unpacked() else { skip!("{NO_DEBIAN}") };
    root.root("mkdir -p /usr/libexec/subroot; echo packaged >/usr/libexec/subroot/newidmap-helper").ok();
    let before = root.root(LIST).ok();
    let refused = root.root("/srv/subroot/install.sh");
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert!(
        refused.stderr.contains("newidmap-helper already exists, and not from this installer"),
        "{refused:?}"
    );
    assert_eq!(root.root(LIST).ok(), before);
    root.root("/srv/subroot/install.sh --mapper=none && /srv/subroot/install.sh --uninstall").ok();
    assert_eq!(root.root("cat /usr/libexec/subroot/newidmap-helper").ok(), "packaged\n");
}

#[test]
fn the_installer_is_posix_shell() {
    let script = workspace("packaging/tarball/install.sh");
    let checked = Command::new("shellcheck").arg("--shell=sh").arg(script).output();
    let checked = checked.expect("shellcheck, of shellcheck");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn the_same_programs_make_the_same_tarball() {
    let first = package("subroot", ".tar.gz");
    let again = target().join("tarball/again");
    let _not_there_yet = fs::remove_dir_all(&again);
    fs::create_dir_all(&again).expect("making a directory");
    let unpacked = Command::new("tar").arg("-C").arg(&again).arg("-xzf").arg(&first).status();
    assert!(unpacked.expect("starting tar").success());
    let license = format!("subroot-{}-{}/share/doc/subroot/LICENSE-MIT", version(), std::env::consts::ARCH);
    let date = fs::metadata(again.join(license)).expect("a file of the tarball").mtime();
    symlink(target().join("release"), again.join("release")).expect("a link");
    let build = |date: &str| {
        let mut build = build_script("tarball", date);
        build.env("CARGO_TARGET_DIR", &again).env("TZ", "Asia/Tokyo").env("LANG", "C");
        assert!(build.status().expect("starting packaging/tarball/build").success());
        only(&again.join("packages"), "subroot", ".tar.gz")
    };
    let second = build(&date.to_string());
    assert!(fs::read(first).expect("the tarball") == fs::read(second).expect("the tarball"));
    let listed = Command::new("tar").args(["--utc", "-tvzf"]).arg(build("86400")).output();
    let listed = String::from_utf8(listed.expect("starting tar").stdout).expect("names in UTF-8");
    assert!(listed.lines().count() > 30, "{listed}");
    assert!(listed.lines().all(|line| line.contains(" 0/0 ") && line.contains(" 1970-01-02 ")), "{listed}");
}
