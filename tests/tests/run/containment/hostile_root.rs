//! A root in which every path that a launch looks up is a symlink to a file of the host, and a host that
//! shows whether a symlink was followed.

use nix::fcntl::OFlag;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::Path;
use subroot_tests::sandbox::{Sandbox, give, listing};
use subroot_tests::{Outcome, Step};

/// The content of every file on the host. No output of a launch may contain it.
const KEY: &str = "HOST-KEY";
/// The symlink's path in the sandbox.
pub(crate) const LINK: &str = "/link";

/// The targets of symlinks: the descriptors of the process that looks them up. If they start at 0, also its
/// other magic links and init's.
pub(crate) fn targets(descriptors: std::ops::Range<u32>) -> Vec<String> {
    let fixed =
        ["/proc/1/root", "/proc/1/cwd", "/proc/self/root/..", "/proc/self/cwd/..", "/proc/thread-self/root"];
    let is_all = descriptors.start == 0;
    let numbered = descriptors.map(|number| match number % 4 {
        3 => format!("/proc/thread-self/fd/{number}"),
        _ => format!("/proc/self/fd/{number}"),
    });
    let fixed = fixed.into_iter().filter(|_| is_all).map(str::to_owned);
    fixed.chain(numbered).collect()
}

/// alice's sandbox, and the files next to its root on the host.
pub(crate) struct HostileRoot {
    pub(crate) sandbox: Sandbox,
    before: BTreeMap<String, (u32, u32, u64, i64, i64)>,
}

impl HostileRoot {
    /// Creates a file, a program, a loader and accounts next to the root, which symlinks can lead to.
    pub(crate) fn new() -> HostileRoot {
        let sandbox = Sandbox::new();
        let home = sandbox.alice.home.clone();
        let put = |name: &str, text: &str, mode| {
            let path = home.join(name);
            fs::write(&path, text).expect("writing a file of the host");
            give(&path, &sandbox.alice, mode);
        };
        put("secret", KEY, 0o600);
        put("program", &format!("#!/bin/sh\necho {KEY}\n"), 0o755);
        put("passwd", &format!("guest:x:0:0::/{KEY}:/bin/sh\n"), 0o644);
        put("group", "guest:x:0:\n", 0o644);
        for name in ["data", "kept"] {
            fs::create_dir(home.join(name)).expect("a directory of the host");
            give(&home.join(name), &sandbox.alice, 0o755);
        }
        let before = beside_the_root(&sandbox);
        HostileRoot { sandbox, before }
    }

    /// Replaces a file of the root by a symlink.
    pub(crate) fn link(&self, name: &str, target: &str) {
        let path = self.sandbox.rootfs.path.join(name.trim_start_matches('/'));
        let _not_there = fs::remove_file(&path);
        symlink(target, &path).expect("a symlink in the root");
    }

    /// Fails the test if anything on the host was read, listed, executed or changed.
    #[track_caller]
    pub(crate) fn assert_contained(&self, outcome: &Outcome, what: &dyn std::fmt::Debug) {
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains(KEY) && !said.contains("secret"), "{what:?}: {outcome:?}");
        assert_eq!(beside_the_root(&self.sandbox), self.before, "{what:?}: {outcome:?}");
    }
}

/// The listing without the root, the changes that an overlay keeps, and the locks of names.
fn beside_the_root(sandbox: &Sandbox) -> BTreeMap<String, (u32, u32, u64, i64, i64)> {
    let changed =
        [sandbox.rootfs.path.clone(), sandbox.alice.home.join("kept"), sandbox.alice.home.join(".local")];
    let mut found = listing(&sandbox.alice.home);
    found.retain(|path, _| !changed.iter().any(|changed| Path::new(path).starts_with(changed)));
    found
}

/// Opens alice's home in the program, at every descriptor up to 63.
pub(crate) fn home_everywhere(sandbox: &Sandbox) -> Vec<Step> {
    (3..64).map(|number| Step::Pass(open(&sandbox.alice.home), number)).collect()
}

fn open(path: &Path) -> OwnedFd {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options()
        .read(true)
        .custom_flags(OFlag::O_DIRECTORY.bits())
        .open(path)
        .expect("opening a directory")
        .into()
}
