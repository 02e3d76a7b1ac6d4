//! A user with a root file system, and the launcher started by him: where most tests here begin.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use subroot_tests::{Host, Outcome, Rootfs, User};

/// What the launcher maps for alice unless told otherwise.
pub(crate) const FULL_MAP: [&str; 2] = ["0 1000 1", "1 100000 65536"];

/// alice and her busybox root.
pub(crate) struct Sandbox {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) rootfs: Rootfs,
}

impl Sandbox {
    /// With a complete root.
    pub(crate) fn new() -> Sandbox {
        Sandbox::without(&[])
    }

    /// With a root in which nothing can be mounted as it is.
    pub(crate) fn bare() -> Sandbox {
        Sandbox::without(&["proc", "dev", "sys"])
    }

    fn without(missing: &[&str]) -> Sandbox {
        let host = Host::new();
        let alice = host.user("alice");
        let rootfs = Rootfs::busybox_without(&alice, missing);
        Sandbox { host, alice, rootfs }
    }

    /// `subroot run OPTIONS ROOTFS -- WORDS`, by alice.
    pub(crate) fn run(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.arg("run").args(options).arg(&self.rootfs.path).arg("--").args(words);
        command
    }

    /// The same for a line of the shell's.
    pub(crate) fn shell(&self, options: &[&str], script: &str) -> Command {
        self.run(options, &["sh", "-c", script])
    }

    /// What becomes of such a line.
    pub(crate) fn output(&self, options: &[&str], script: &str) -> Outcome {
        self.host.output(&mut self.shell(options, script))
    }

    /// How long a launch takes whose command does nothing.
    pub(crate) fn duration_of_a_start(&self) -> Duration {
        let start = Instant::now();
        (0..5).for_each(|_| drop(self.output(&[], "true").ok()));
        start.elapsed() / 5
    }

    /// Puts a file of alice's into the root, with this mode.
    pub(crate) fn add(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.rootfs.path.join(name);
        fs::write(&path, content).expect("writing into the root");
        give(&path, &self.alice, mode);
    }

    /// True when the command of [`Sandbox::leaving_a_mark`] has run.
    pub(crate) fn has_mark(&self) -> bool {
        self.rootfs.path.join("mark").exists()
    }

    /// A launch whose command leaves a mark in the root.
    pub(crate) fn leaving_a_mark(&self, options: &[&str]) -> Command {
        self.run(options, &["touch", "/mark"])
    }
}

/// Gives a file to a user, with this mode.
pub(crate) fn give(path: &Path, user: &User, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    lchown(path, Some(user.uid), Some(user.gid)).expect("giving a file to its user");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changing a mode");
}

/// An executable script in alice's home; its path.
pub(crate) fn script(alice: &User, name: &str, text: &str) -> String {
    let path = alice.home.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("writing a script");
    give(&path, alice, 0o755);
    path.to_str().expect("UTF-8").to_owned()
}

/// The lines of a map, as `IN OUT COUNT`.
pub(crate) fn map_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Every mount that this test's host has: what a launch must not add to.
pub(crate) fn mounts() -> String {
    fs::read_to_string("/proc/thread-self/mountinfo").expect("reading the mounts")
}

/// All that is in a folder, at any depth, with what tells when it was changed. What vanishes meanwhile is not in it.
pub(crate) fn listing(folder: &Path) -> BTreeMap<String, (u32, u32, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("reading a folder").path();
            let Ok(file) = path.symlink_metadata() else { continue };
            if file.is_dir() {
                folders.push(path.clone());
            }
            // A folder's time changes by what was made in it for the run and removed again.
            let (seconds, nanoseconds) =
                if file.is_dir() { (0, 0) } else { (file.mtime(), file.mtime_nsec()) };
            let facts = (file.mode(), file.uid(), file.size(), seconds, nanoseconds);
            found.insert(path.display().to_string(), facts);
        }
    }
    found
}

/// Fails the test unless the launcher ended with this status and one line that has all of these words, and at most its fix.
#[track_caller]
pub(crate) fn assert_refused(outcome: &Outcome, status: i32, words: &[&str]) {
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (status, ""), "{outcome:?}");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(lines.first().is_some_and(|line| line.starts_with("subroot: ")), "{outcome:?}");
    assert!(
        lines[1..].iter().all(|line| line.starts_with("subroot: fix: ")) && lines.len() <= 2,
        "{outcome:?}"
    );
    assert!(words.iter().all(|word| lines[0].contains(word)), "not {words:?}: {outcome:?}");
}

/// Fails the test unless the launcher printed exactly one line, with all of these words, and its command succeeded.
#[track_caller]
pub(crate) fn assert_noted(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let is_one_line = outcome.stderr.starts_with("subroot: ") && outcome.stderr.matches('\n').count() == 1;
    assert!(is_one_line && words.iter().all(|word| outcome.stderr.contains(word)), "{outcome:?}");
}
