//! A user with a root filesystem, and the launcher started by that user: the setup of most tests here.

use crate::{Host, Outcome, Rootfs, User};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The launcher's default map for alice.
pub const FULL_MAP: [&str; 2] = ["0 1000 1", "1 100000 65536"];

/// alice and her busybox root.
pub struct Sandbox {
    /// The test's own host.
    pub host: Host,
    /// The user who starts launches.
    pub alice: User,
    /// alice's root.
    pub rootfs: Rootfs,
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

impl Sandbox {
    /// With a complete root.
    pub fn new() -> Sandbox {
        Sandbox::without(&[])
    }

    /// With a root that has none of the usual mount points.
    pub fn bare() -> Sandbox {
        Sandbox::without(&["proc", "dev", "sys"])
    }

    fn without(missing: &[&str]) -> Sandbox {
        let host = Host::new();
        let alice = host.user("alice");
        let rootfs = Rootfs::busybox_without(&alice, missing);
        Sandbox { host, alice, rootfs }
    }

    /// `subroot run OPTIONS ROOTFS -- WORDS`, by alice.
    pub fn run(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.arg("run").args(options).arg(&self.rootfs.path).arg("--").args(words);
        command
    }

    /// The same for a shell script.
    pub fn shell(&self, options: &[&str], script: &str) -> Command {
        self.run(options, &["sh", "-c", script])
    }

    /// The outcome of such a script.
    pub fn output(&self, options: &[&str], script: &str) -> Outcome {
        self.host.output(&mut self.shell(options, script))
    }

    /// The output of a shell script that prints nothing on standard error.
    #[track_caller]
    pub fn prints(&self, options: &[&str], script: &str) -> String {
        let outcome = self.output(options, script);
        assert_eq!(outcome.stderr, "", "{options:?}");
        outcome.ok()
    }

    /// The lines of both maps.
    #[track_caller]
    pub fn maps(&self, options: &[&str]) -> [Vec<String>; 2] {
        ["uid_map", "gid_map"].map(|map| map_lines(&self.prints(options, &format!("cat /proc/self/{map}"))))
    }

    /// `subroot WORDS`, by alice.
    pub fn subroot(&self, words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.args(words);
        command
    }

    /// Its outcome.
    pub fn says(&self, words: &[&str]) -> Outcome {
        self.host.output(&mut self.subroot(words))
    }

    /// A directory of alice's next to the root, with these files.
    pub fn dir(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let dir = self.alice.home.join(name);
        self.host.make_dir(&dir, &self.alice);
        for (name, content) in files {
            let path = dir.join(name);
            fs::write(&path, content).expect("writing a file");
            give(&path, &self.alice, 0o644);
        }
        dir
    }

    /// Writes a seccomp profile in alice's home. Returns the option that uses it.
    pub fn profile(&self, text: &str) -> String {
        let path = self.alice.home.join("profile.json");
        fs::write(&path, text).expect("writing a profile");
        format!("--security-opt=seccomp={}", path.display())
    }

    /// The duration of a launch whose command does nothing.
    pub fn duration_of_a_start(&self) -> Duration {
        let start = Instant::now();
        (0..5).for_each(|_| drop(self.output(&[], "true").ok()));
        start.elapsed() / 5
    }

    /// Writes a file of alice's into the root, with this mode.
    pub fn add(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.rootfs.path.join(name);
        fs::write(&path, content).expect("writing into the root");
        give(&path, &self.alice, mode);
    }

    /// True if the command of [`Sandbox::leaving_a_mark`] has run.
    pub fn has_mark(&self) -> bool {
        self.rootfs.path.join("mark").exists()
    }

    /// A launch whose command creates a mark in the root.
    pub fn leaving_a_mark(&self, options: &[&str]) -> Command {
        self.run(options, &["touch", "/mark"])
    }
}

/// Gives a file to a user, with this mode.
pub fn give(path: &Path, user: &User, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    lchown(path, Some(user.uid), Some(user.gid)).expect("giving a file to its user");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changing a mode");
}

/// Writes an executable script in alice's home. Returns its path.
pub fn script(alice: &User, name: &str, text: &str) -> String {
    let path = alice.home.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("writing a script");
    give(&path, alice, 0o755);
    path.to_str().expect("UTF-8").to_owned()
}

/// The lines of a map, as `IN OUT COUNT`.
pub fn map_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// All mounts of this test's host; a launch must not add any.
pub fn mounts() -> String {
    fs::read_to_string("/proc/thread-self/mountinfo").expect("reading the mounts")
}

/// Everything in a directory, at any depth, with values that show changes. Files that vanish during the
/// listing are left out.
pub fn listing(dir: &Path) -> BTreeMap<String, (u32, u32, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.expect("reading a directory").path();
            let Ok(file) = path.symlink_metadata() else { continue };
            if file.is_dir() {
                dirs.push(path.clone());
            }
            // A directory's time changes when mount points are created in it for a run and removed again.
            let (seconds, nanoseconds) =
                if file.is_dir() { (0, 0) } else { (file.mtime(), file.mtime_nsec()) };
            let facts = (file.mode(), file.uid(), file.size(), seconds, nanoseconds);
            found.insert(path.display().to_string(), facts);
        }
    }
    found
}

/// Fails the test unless the launcher ended with this status and printed one line with all of these words,
/// and at most a fix.
#[track_caller]
pub fn assert_refused(outcome: &Outcome, status: i32, words: &[&str]) {
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (status, ""), "{outcome:?}");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(lines.first().is_some_and(|line| line.starts_with("subroot: ")), "{outcome:?}");
    assert!(
        lines[1..].iter().all(|line| line.starts_with("subroot: fix: ")) && lines.len() <= 2,
        "{outcome:?}"
    );
    assert!(words.iter().all(|word| lines[0].contains(word)), "not {words:?}: {outcome:?}");
}

/// Fails the test unless the launcher printed exactly one line, with all of these words, and its command
/// succeeded.
#[track_caller]
pub fn assert_warned(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let is_one_line = outcome.stderr.starts_with("subroot: ") && outcome.stderr.matches('\n').count() == 1;
    assert!(is_one_line && words.iter().all(|word| outcome.stderr.contains(word)), "{outcome:?}");
}
