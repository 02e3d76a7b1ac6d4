//! Sandboxes that run without a terminal: `run --detach`, and `logs`, `attach`, `wait`, `stop` and `rm`.

mod attached;
mod kept;
mod log;
mod started;
mod stopped;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use subroot_tests::running::{soon, unique_word};
use subroot_tests::sandbox::Sandbox;

/// Longer than anything but a hang takes.
const LIMIT: Duration = Duration::from_secs(20);

/// A name that no other test's sandbox has.
fn unique_name() -> String {
    format!("job-{}", unique_word())
}

/// Starts a detached sandbox with these options, and returns its name.
#[track_caller]
fn detach(sandbox: &Sandbox, options: &[&str], script: &str) -> String {
    let name = unique_name();
    let options = [&["-d", "--name", &name], options].concat();
    let outcome = sandbox.output(&options, script);
    assert_eq!(outcome.stderr, "", "{outcome:?}");
    assert_eq!(outcome.ok(), format!("{name}\n"));
    name
}

/// The line of `ps --all` for this name.
fn listed(sandbox: &Sandbox, name: &str) -> Option<String> {
    let list = sandbox.says(&["ps", "--all"]).ok();
    list.lines().find(|line| line.starts_with(&format!("{name} "))).map(str::to_owned)
}

/// Waits until `ps --all` shows this status.
#[track_caller]
fn assert_status(sandbox: &Sandbox, name: &str, status: &str) {
    let is_it = || listed(sandbox, name).is_some_and(|line| line.contains(status));
    assert!(soon(LIMIT, is_it), "{:?} instead of {status}", listed(sandbox, name));
}

/// The directories of detached sandboxes on this host.
fn directory(sandbox: &Sandbox) -> PathBuf {
    let state = sandbox.alice.home.join(".local/state/subroot");
    let entries = std::fs::read_dir(&state).expect("the directory for state");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_it =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("detached."));
    paths.into_iter().find(is_it).expect("the directory of detached sandboxes")
}

/// A directory of alice's on a filesystem of this size, with a file `filler` of so many bytes.
fn small_disk(sandbox: &Sandbox, size: &str, filled: usize) -> PathBuf {
    let dir = sandbox.alice.home.join("small");
    sandbox.host.make_dir(&dir, &sandbox.alice);
    let options = format!("size={size},uid={},mode=700", sandbox.alice.uid);
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&dir).status();
    assert!(mount.is_ok_and(|status| status.success()));
    std::fs::write(dir.join("filler"), vec![0; filled]).expect("filling it");
    dir
}
