//! Where archives are unpacked, and what is beside it: a mount namespace in which everything else is read-only, so
//! that a fault of the applier cannot damage the host either.

use rustix::process::{getgid, getuid};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs.
const SCRATCH: &str = "/mnt";
/// The directory in which archives are unpacked.
pub(crate) const ROOT: &str = "/mnt/root";
/// What no archive may change.
const OUTSIDE: &str = "/mnt/outside";

/// Every path, and what changes with each change of a file: its mode, owner, inode, links, size and ctime.
pub(crate) type Snapshot = Vec<(PathBuf, [u64; 6], (i64, i64))>;

/// libFuzzer writes the inputs that it keeps below `$0`.
const MOUNTS: &str = "
    mount --make-rprivate / && mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro / &&
    mount -t tmpfs -o size=64m tmpfs /mnt";

/// Enters new user and mount namespaces, which works only before libFuzzer starts a thread.
pub(crate) fn enter() {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    // SAFETY: no flag concerns the descriptors of this process.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNS) }.expect("new namespaces");
    let write = |name: &str, text: &str| fs::write(format!("/proc/self/{name}"), text).expect("own maps");
    write("setgroups", "deny");
    write("uid_map", &format!("0 {uid} 1"));
    write("gid_map", &format!("0 {gid} 1"));
    let program = std::env::current_exe().expect("own path");
    let target = program.ancestors().nth(3).expect("TARGET/fuzz above TUPLE/release/archive");
    let mounted = Command::new("sh").args(["-c", MOUNTS]).arg(target).status().expect("starting sh");
    assert!(mounted.success(), "mounting");
}

/// Makes the files outside.
pub(crate) fn make() -> Snapshot {
    for dir in ["dir", "a"] {
        fs::create_dir_all(Path::new(OUTSIDE).join(dir)).expect("a directory outside");
    }
    for file in ["file", "dir/file", "a/b"] {
        fs::write(Path::new(OUTSIDE).join(file), "untouched").expect("a file outside");
    }
    now()
}

/// What is in the scratch space, except in the root.
pub(crate) fn now() -> Snapshot {
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::from(SCRATCH)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("reading the scratch space") {
            let path = entry.expect("an entry").path();
            if path == Path::new(ROOT) {
                continue;
            }
            let is = fs::symlink_metadata(&path).expect("examining a file outside");
            let owner = u64::from(is.uid()) << 32 | u64::from(is.gid());
            let numbers = [u64::from(is.mode()), owner, is.ino(), is.nlink(), is.size(), is.rdev()];
            found.push((path.clone(), numbers, (is.ctime(), is.ctime_nsec())));
            if is.is_dir() {
                dirs.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What a layer below may have: directories, files, and symlinks that lead out.
pub(crate) fn make_lower() {
    let path = |name: &str| Path::new(ROOT).join(name);
    for dir in ["a/b", "dir", ".wh.a"] {
        fs::create_dir_all(path(dir)).expect("a directory");
    }
    for file in ["file", "a/file", "dir/file"] {
        fs::write(path(file), "lower").expect("a file");
    }
    for (name, target) in
        [("up", "../outside"), ("absolute", OUTSIDE), ("magic", "/proc/self/root"), ("dir/up", "..")]
    {
        symlink(target, path(name)).expect("a symlink");
    }
}
