//! `--security-opt seccomp=` and `landlock=`, and the filter that every run has: on the real kernel.

mod default_filter;
mod landlock;
mod profiles;
mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use subroot_tests::{Host, Outcome, Rootfs, User};

pub(crate) const EPERM: i32 = 1;
pub(crate) const ENOSYS: i32 = 38;

/// alice, and her root with a program in it that makes system calls.
pub(crate) struct Sandbox {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) rootfs: Rootfs,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        let host = Host::new();
        let alice = host.user("alice");
        let rootfs = Rootfs::busybox(&alice);
        let source = alice.home.join("calls.c");
        fs::write(&source, include_str!("calls.c")).expect("writing the source");
        let mut compile = Command::new("gcc");
        compile.args(["-static", "-no-pie", "-O1", "-o"]).arg(rootfs.path.join("bin/calls")).arg(source);
        host.output(&mut compile).ok();
        Sandbox { host, alice, rootfs }
    }

    /// `subroot run OPTIONS ROOTFS -- WORDS`, by alice.
    pub(crate) fn run(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.arg("run").args(options).arg(&self.rootfs.path).arg("--").args(words);
        command
    }

    /// What becomes of a line of the shell's.
    pub(crate) fn output(&self, options: &[&str], script: &str) -> Outcome {
        self.host.output(&mut self.run(options, &["sh", "-c", script]))
    }

    /// The errno of each of these calls.
    pub(crate) fn calls(&self, options: &[&str], names: &[&str]) -> BTreeMap<String, i32> {
        errnos(&self.host.output(&mut self.run(options, &[&["calls"], names].concat())).ok())
    }

    /// A profile in alice's home; the option that takes it.
    pub(crate) fn profile(&self, text: &str) -> String {
        let path = self.alice.home.join("profile.json");
        fs::write(&path, text).expect("writing a profile");
        format!("--security-opt=seccomp={}", path.display())
    }
}

/// What the program has printed.
pub(crate) fn errnos(text: &str) -> BTreeMap<String, i32> {
    let line = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    text.lines().map(|text| line(text).unwrap_or_else(|| panic!("{text}"))).collect()
}

/// Fails the test unless the launcher refused with one line that has all of these words.
#[track_caller]
pub(crate) fn assert_refused(outcome: &Outcome, words: &[&str]) {
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (125, ""), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    assert!(words.iter().all(|word| outcome.stderr.contains(word)), "not {words:?}: {outcome:?}");
}
