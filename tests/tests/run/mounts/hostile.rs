//! A rootfs that changes while it is in use cannot redirect a mount (property L2).

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use subroot_tests::sandbox::{Sandbox, listing, mounts};

#[test]
fn a_target_that_is_swapped_meanwhile_stays_inside() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let root = sandbox.rootfs.path.clone();
    let (outside, here) = (sandbox.dir("outside", &[]), listing("/home/alice/outside".as_ref()));
    let (goes_on, before) = (AtomicBool::new(true), mounts());
    std::thread::scope(|scope| {
        let (swapped, goes_on) = (root.join("swap"), &goes_on);
        let outside = outside.clone();
        scope.spawn(move || {
            while goes_on.load(Ordering::Relaxed) {
                let _one = fs::create_dir(&swapped);
                let _two = fs::remove_dir(&swapped);
                let _three = symlink(&outside, &swapped);
                let _four = fs::remove_file(&swapped);
                let _five = symlink("../../outside", &swapped);
                let _six = fs::remove_file(&swapped);
            }
        });
        for _ in 0..60 {
            let outcome = sandbox.output(&["-v", "/home/alice/data:/swap/deep"], "cat /swap/deep/x");
            assert!([0, 1, 125].contains(&outcome.code()), "{outcome:?}");
        }
        goes_on.store(false, Ordering::Relaxed);
    });
    assert_eq!(listing("/home/alice/outside".as_ref()), here);
    assert_eq!(mounts(), before);
}

#[test]
fn symlinks_in_the_place_of_proc_dev_and_sys_are_refused() {
    for name in ["proc", "dev", "sys"] {
        let sandbox = Sandbox::new();
        let place = sandbox.rootfs.path.join(name);
        fs::remove_dir(&place).expect("removing a directory");
        symlink("/tmp", &place).expect("a symlink");
        let outcome = sandbox.output(&[], "touch /mark");
        subroot_tests::sandbox::assert_refused(&outcome, 125, &[name, "Not a directory"]);
        assert!(!sandbox.has_mark());
    }
}

#[test]
fn a_loop_of_symlinks_is_no_target() {
    let sandbox = Sandbox::new();
    symlink("loop", sandbox.rootfs.path.join("loop")).expect("a symlink");
    sandbox.dir("data", &[]);
    let outcome = sandbox.output(&["-v", "/home/alice/data:/loop/x"], "touch /mark");
    subroot_tests::sandbox::assert_refused(&outcome, 125, &["/loop/x", "Too many levels of symbolic links"]);
}

/// A path up from a missing directory leads nowhere, and not out of the root, whether the mount point would
/// be created for the run, in memory, or in a covering layer.
#[test]
fn a_symlink_up_from_nothing_makes_nothing_outside() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let kept = format!("--overlay={}", sandbox.dir("kept", &[]).display());
    let root = &sandbox.rootfs.path;
    symlink("nothere/../../evil", root.join("link")).expect("a symlink");
    symlink("nothere/../../../evil", root.join("etc/link")).expect("a symlink");
    let before = names("/home/alice");
    let tries = |options: &[&str]| {
        for (source, target) in [("data", "/link"), ("data/x", "/etc/link"), ("data", "/link/deep")] {
            let volume = format!("/home/alice/{source}:{target}");
            let outcome = sandbox.output(&[options, &["-v", &volume]].concat(), "touch /mark");
            subroot_tests::sandbox::assert_refused(&outcome, 125, &[target, "No such file or directory"]);
            assert_eq!(names("/home/alice"), before, "{options:?} {target}");
        }
    };
    tries(&[]);
    tries(&["--overlay"]);
    tries(&[&kept]);
    for dir in [root.clone(), root.join("etc")] {
        chown(dir, Some(100_005), Some(100_005)).expect("giving a directory away");
    }
    tries(&[]);
}

/// Replaces a directory above a mount point, which is removed at the end, by a symlink.
pub(crate) const SWAP: &str = "mv /a /z; ln -s /home/alice/outside /a; readlink /a";

/// A directory outside with the name and mode of the one that SWAP removed.
pub(crate) fn marked_dir(sandbox: &Sandbox) -> PathBuf {
    sandbox.dir("outside", &[]);
    let marked = sandbox.dir("outside/b", &[]);
    fs::set_permissions(&marked, Permissions::from_mode(0o1000)).expect("a mode");
    marked
}

#[test]
fn nothing_outside_is_removed_in_the_place_of_a_mount_point() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let marked = marked_dir(&sandbox);
    let seen = sandbox.prints(&["-v", "/home/alice/data:/a/b"], SWAP);
    assert_eq!((seen.as_str(), marked.exists()), ("/home/alice/outside\n", true));
}

fn names(dir: &str) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}
