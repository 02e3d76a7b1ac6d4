//! `--security-opt seccomp=` and `landlock=`, and the default filter of every run, on the real kernel.

mod default_filter;
mod landlock;
mod native_calls;
mod profiles;
mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use subroot_tests::Outcome;
use subroot_tests::sandbox::{self, Sandbox};

pub(crate) const EPERM: i32 = 1;
pub(crate) const ENOSYS: i32 = 38;

/// alice, and her root with a program that makes system calls.
pub(crate) fn with_calls() -> Sandbox {
    let sandbox = Sandbox::new();
    let source = sandbox.alice.home.join("calls.c");
    fs::write(&source, include_str!("seccomp/calls.c")).expect("writing the source");
    let mut compile = Command::new("gcc");
    compile.args(["-static", "-no-pie", "-O1", "-o"]).arg(sandbox.rootfs.path.join("bin/calls")).arg(source);
    sandbox.host.output(&mut compile).ok();
    sandbox
}

/// The errno of each of these calls.
pub(crate) fn calls(sandbox: &Sandbox, options: &[&str], names: &[&str]) -> BTreeMap<String, i32> {
    errnos(&sandbox.host.output(&mut sandbox.run(options, &[&["calls"], names].concat())).ok())
}

/// False if the kernel responds to `int 0x80` with SIGSEGV, as one without CONFIG_IA32_EMULATION does.
pub(crate) fn has_int_80(sandbox: &Sandbox) -> bool {
    sandbox.host.output(&mut sandbox.run(&[], &["calls", "i386:getpid"])).code() != 128 + 11
}

/// Parses the program's output.
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
    sandbox::assert_refused(outcome, 125, words);
}
