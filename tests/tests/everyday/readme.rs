//! The README, run: each how-to succeeds that needs neither the network nor a cluster.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use subroot_tests::{Host, Outcome, skip};

const README: &str = include_str!("../../../README.md");

/// Commands that need what a test's host does not have.
const SKIPPED: [&str; 2] = ["apt-get", "srun"];

/// The blocks of shell commands below "How to".
fn how_tos() -> impl Iterator<Item = &'static str> {
    let (_, section) = README.split_once("\n## How to\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("the next section");
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split_once("```").expect("the end of a block").0)
}

/// Runs commands in alice's home; waits for what is started in the background.
fn by_alice(host: &Host, commands: &str) -> Outcome {
    let script = commands.replace(" &\n", " &\nuntil subroot ps | grep -q devel; do sleep 0.1; done\n");
    let mut command: Command = host.user("alice").command("bash");
    command.args(["-ec", &script]).current_dir("/home/alice").env("HOME", "/home/alice");
    host.output(&mut command)
}

#[test]
fn each_how_to_of_the_readme_works() {
    let Some((host, rootfs)) = Host::with_everyday_root() else {
        skip!("no Debian root: see what tests/run says of it")
    };
    symlink(rootfs.path, "/home/alice/rootfs").expect("a link to the root");
    fs::write("/home/alice/Makefile", "all:\n\techo built\n").expect("a makefile");
    let run: Vec<&str> = how_tos().filter(|block| !SKIPPED.iter().any(|word| block.contains(word))).collect();
    assert!(run.len() >= 8, "{run:?}");
    for commands in run {
        let outcome = by_alice(&host, commands);
        assert_eq!(outcome.code(), 0, "{commands}{outcome:?}");
    }
}
