//! Sandboxes that are running: named, listed, joined, watched and ended, and what their ends take with them.

#[path = "../launcher/sandbox.rs"]
#[allow(dead_code)] // other tests use the rest
mod sandbox;

mod bounded;
mod hidden;
mod joined;
mod life;
mod named;
mod names;
mod orphaned;
mod scale;
mod status;
mod terminal;

use sandbox::Sandbox;
use std::process::Command;
use subroot_tests::Outcome;

/// A script that says when it runs, and goes on until it is killed.
const READY: &str = "echo ready; exec sleep 1000";

/// A name that no sandbox of any other test has: all of them are alice's.
fn unique_name() -> String {
    format!("web-{}", subroot_tests::running::unique_word())
}

impl Sandbox {
    /// `subroot WORDS`, by alice.
    fn subroot(&self, words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.args(words);
        command
    }

    /// What becomes of it.
    fn says(&self, words: &[&str]) -> Outcome {
        self.host.output(&mut self.subroot(words))
    }

    /// The line of `ps` about a sandbox of this name.
    fn listed(&self, name: &str) -> Option<String> {
        let list = self.says(&["ps"]).ok();
        list.lines().find(|line| line.starts_with(&format!("{name} "))).map(str::to_owned)
    }
}
