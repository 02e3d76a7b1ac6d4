//! Sandboxes that are running: named, listed, joined, watched and ended, and what their ends take with them.

mod bounded;
mod hidden;
mod joined;
mod lifecycle;
mod named;
mod names;
mod nohup;
mod orphaned;
pub(crate) mod person;
mod plan;
mod scale;
mod signals;
mod status;
mod terminal;

use subroot_tests::sandbox::Sandbox;

/// A script that reports when it runs, and continues until it is killed.
pub(crate) const READY: &str = "echo ready; exec sleep 1000";

/// A name that no other test's sandbox has; all sandboxes belong to alice.
pub(crate) fn unique_name() -> String {
    format!("web-{}", subroot_tests::running::unique_word())
}

/// The line of `ps` for the sandbox with this name.
fn listed(sandbox: &Sandbox, name: &str) -> Option<String> {
    let list = sandbox.says(&["ps"]).ok();
    list.lines().find(|line| line.starts_with(&format!("{name} "))).map(str::to_owned)
}
