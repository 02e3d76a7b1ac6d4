//! A list of all options: a new one must state whether it looks up a path inside, and be tried by `lookups`.

use std::collections::BTreeSet;
use subroot_tests::sandbox::Sandbox;

/// Options with a path, a name or a target that is looked up inside. Each is tried by `lookups`.
const INSIDE: &[&str] = &[
    "--workdir",
    "--entrypoint",
    "--user",
    "--group-add",
    "--volume",
    "--mount",
    "--tmpfs",
    "--symlink",
    "--dir",
    "--file",
    "--device",
    "--gpus",
    "--security-opt",
    "--tty",
    "--read-only",
    "--overlay",
    "--dev",
    "--as-pid-1",
];

/// Options that look up nothing inside.
const OUTSIDE: &[&str] = &[
    "--args",
    "--empty-root",
    "--init",
    "--name",
    "--outlive-parent",
    "--detach",
    "--rm",
    "--json-status",
    "--print-plan",
    "--pull",
    "--tls-verify",
    "--help",
    "--helper",
    "--read-only-tmpfs",
    "--proc",
    "--env",
    "--env-file",
    "--env-host",
    "--interactive",
    "--cap-add",
    "--cap-drop",
    "--preserve-fds",
    "--ulimit",
    "--umask",
    "--oom-score-adj",
    "--groups",
    "--userns",
    "--uidmap",
    "--gidmap",
    "--network",
    "--publish",
    "--dns",
    "--dns-search",
    "--dns-option",
    "--add-host",
    "--pid",
    "--ipc",
    "--uts",
    "--cgroupns",
    "--timens",
    "--hostname",
    "--passwd",
];

#[test]
fn each_option_says_whether_it_looks_a_path_up_inside() {
    let sandbox = Sandbox::new();
    let known: BTreeSet<String> = INSIDE.iter().chain(OUTSIDE).map(|name| (*name).to_owned()).collect();
    let mut offered = BTreeSet::new();
    for command in ["run", "exec"] {
        let help = sandbox.host.output(sandbox.alice.command("subroot").args([command, "--help"])).ok();
        offered.extend(help.lines().filter_map(option));
    }
    assert_eq!(offered, known, "put a new option into INSIDE, with its lookups, or into OUTSIDE");
}

/// The long option in a line of the help.
fn option(line: &str) -> Option<String> {
    let line = line.trim_start();
    let line = line.split_once(", ").filter(|_| !line.starts_with("--")).map_or(line, |(_, long)| long);
    let name: String =
        line.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    (name.len() > 2 && name.starts_with("--")).then_some(name)
}
