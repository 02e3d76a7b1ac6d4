//! The library: for each option of `subroot run`, `Sandbox` has a setter, or the option only makes sense in
//! the program.

use crate::documents::launcher::Shown;
use crate::documents::read;
use std::collections::BTreeSet;
use std::fs;
use subroot_tests::workspace;

/// Each option, and the setters that do the same.
const SETTERS: &[(&str, &[&str])] = &[
    ("--add-host", &["add_host"]),
    ("--as-pid-1", &["as_pid_1"]),
    ("--cap-add", &["cap_add"]),
    ("--cap-drop", &["cap_drop"]),
    ("--cgroupns", &["cgroupns"]),
    ("--dev", &["dev"]),
    ("--device", &["cdi_device", "device"]),
    ("--dir", &["dir"]),
    ("--dns", &["dns_server"]),
    ("--dns-option", &["dns_option"]),
    ("--dns-search", &["dns_search"]),
    ("--empty-root", &["empty"]),
    ("--env", &["env"]),
    ("--env-host", &["env_host"]),
    ("--file", &["file"]),
    ("--gidmap", &["userns"]),
    ("--gpus", &["cdi_device"]),
    ("--group-add", &["group_add", "keep_groups"]),
    ("--groups", &["map_groups"]),
    ("--helper", &["helper"]),
    ("--hostname", &["hostname"]),
    ("--ipc", &["ipc"]),
    ("--json-status", &["status_stream"]),
    ("--mount", &["mount"]),
    ("--name", &["name"]),
    ("--network", &["network", "network_option"]),
    ("--oom-score-adj", &["oom_score_adj"]),
    ("--outlive-parent", &["outlive_parent"]),
    ("--overlay", &["overlay"]),
    ("--passwd", &["passwd"]),
    ("--pid", &["pid"]),
    ("--preserve-fds", &["preserve_fd"]),
    ("--proc", &["proc"]),
    ("--publish", &["publish"]),
    ("--read-only", &["read_only"]),
    ("--read-only-tmpfs", &["writable_tmpfs"]),
    (
        "--security-opt",
        &["landlock", "mask", "mask_default", "native_calls_only", "no_new_privileges", "seccomp"],
    ),
    ("--symlink", &["symlink"]),
    ("--timens", &["timens"]),
    ("--tmpfs", &["tmpfs"]),
    ("--tty", &["tty"]),
    ("--uidmap", &["userns"]),
    ("--ulimit", &["ulimit"]),
    ("--umask", &["umask"]),
    ("--user", &["user"]),
    ("--userns", &["userns"]),
    ("--uts", &["uts"]),
    ("--volume", &["bind", "bind_read_only"]),
    ("--workdir", &["workdir"]),
];

/// Each option without a setter, and why.
const PROGRAM_ONLY: &[(&str, &str)] = &[
    ("--args", "it is about the command line"),
    ("--detach", "a caller of the library starts it in a process of its own"),
    ("--entrypoint", "a caller puts it before its own command"),
    ("--env-file", "a caller reads its own files, and sets each variable"),
    ("--help", "it is about the command line"),
    ("--init", "it is podman's name for the default"),
    ("--interactive", "it is podman's name for the default"),
    ("--pull", "the library runs only directories and stored images"),
    ("--print-plan", "its output is for people to read"),
    ("--rm", "it is about what --detach keeps"),
    ("--tls-verify", "it is about --pull"),
];

#[test]
fn each_option_of_run_has_a_setter_or_a_reason() {
    let run = Shown::all().into_iter().find(|shown| shown.words == ["run"]).expect("subroot run");
    let options: BTreeSet<&str> = run.options.iter().map(|(long, _)| long.as_str()).collect();
    let known = SETTERS.iter().map(|(option, _)| option).chain(PROGRAM_ONLY.iter().map(|(option, _)| option));
    assert_eq!(known.copied().collect::<BTreeSet<_>>(), options);
}

#[test]
fn each_setter_is_there() {
    let dir = workspace("launcher/src/request/sandbox");
    let files = fs::read_dir(&dir).expect("the setters").map(|entry| entry.expect("an entry").path());
    let files = files.chain([dir.with_extension("rs")]);
    let text: String = files.map(|file| fs::read_to_string(file).expect("a source")).collect();
    for setter in SETTERS.iter().flat_map(|(_, setters)| *setters) {
        assert!(text.contains(&format!("    pub fn {setter}(")), "{setter}");
    }
}

/// A doctest of the launcher runs the program in its own README.
#[test]
fn the_program_in_the_readme_is_the_one_that_is_run() {
    let program = |path: &str| {
        let text = read(path);
        let (_, after) = text.split_once("```rust\n").expect("a program");
        after.split_once("```\n").expect("its end").0.to_owned()
    };
    let shown = program("README.md");
    assert_eq!(shown, program("launcher/README.md"));
    assert!(shown.lines().count() <= 15, "{shown}");
    let library = read("launcher/src/lib.rs");
    assert!(library.contains("#[cfg(doctest)]\n#[doc = include_str!(\"../README.md\")]"), "it is not run");
}
