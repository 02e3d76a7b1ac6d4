//! Spellings of docker's and podman's that are accepted: each has the effect that its user expects.

use crate::running::{READY, unique_name};
use subroot_tests::running::Running;
use subroot_tests::sandbox::{FULL_MAP, Sandbox};

#[test]
fn security_options_can_be_spelled_as_for_docker() {
    let sandbox = Sandbox::new();
    for (option, expected) in [
        ("no-new-privileges:true", "1"),
        ("no-new-privileges=true", "1"),
        ("no-new-privileges:false", "0"),
        ("label=disable", "0"),
        ("label:disable", "0"),
        ("apparmor=unconfined", "0"),
        ("systempaths=unconfined", "0"),
    ] {
        let script = "grep NoNewPrivs /proc/self/status";
        let seen = sandbox.prints(&["--security-opt", option], script);
        assert_eq!(seen, format!("NoNewPrivs:\t{expected}\n"), "{option}");
    }
    let filter = |option| sandbox.prints(&["--security-opt", option], "grep Seccomp: /proc/self/status");
    assert_eq!(filter("seccomp:unconfined"), filter("seccomp=unconfined"));
}

#[test]
fn switches_take_true_and_false() {
    let sandbox = Sandbox::new();
    let first = "test $$ = 1 && echo first || echo second";
    for (option, script, expected) in [
        ("--rm=true", "echo ran", "ran\n"),
        ("--init=true", first, "second\n"),
        ("--init=false", first, "first\n"),
        ("--as-pid-1=true", first, "first\n"),
        ("--as-pid-1=false", first, "second\n"),
        ("--read-only=true", "touch /x 2>&-; echo $?", "1\n"),
        ("--read-only=false", "touch /x 2>&-; echo $?", "0\n"),
        ("-t=true", "test -t 1 && echo terminal", "terminal\r\n"),
        ("-it=false", "test -t 1 || echo none", "none\n"),
        ("-t=false", "test -t 1 || echo none", "none\n"),
    ] {
        assert_eq!(sandbox.output(&[option], script).ok(), expected, "{option}");
    }
}

#[test]
fn a_switch_of_the_command_stays_the_commands() {
    let sandbox = Sandbox::new();
    let words = ["echo", "--rm=true", "-t=true", "--rootfs", "help"];
    let outcome = sandbox.host.output(&mut sandbox.run(&["--rm=true"], &words));
    assert_eq!(outcome.ok(), "--rm=true -t=true --rootfs help\n");
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    let outcome = sandbox.says(&[&["run", "--rm=true", root], &words[..]].concat());
    assert_eq!(outcome.ok(), "--rm=true -t=true --rootfs help\n");
}

#[test]
fn the_root_can_follow_podmans_option() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    assert_eq!(sandbox.says(&["run", "--rootfs", root, "echo", "ran"]).ok(), "ran\n");
    assert_eq!(sandbox.says(&["run", "--rm", &format!("--rootfs={root}"), "echo", "ran"]).ok(), "ran\n");
}

#[test]
fn the_hosts_user_namespace_is_rootless_podmans() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.maps(&["--userns=host"]), [FULL_MAP, FULL_MAP]);
}

#[test]
fn switches_can_be_repeated_and_bundled() {
    let sandbox = Sandbox::new();
    for options in [&["-it"][..], &["-ti"], &["-it", "-t", "-i"], &["-i", "-tt"]] {
        assert_eq!(sandbox.output(options, "test -t 1 && echo terminal").ok(), "terminal\r\n", "{options:?}");
    }
}

#[test]
fn running_sandboxes_are_listed_as_for_docker() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    let running = Running::new(&mut sandbox.shell(&["--name", &name], READY));
    // Other tests start and end sandboxes meanwhile.
    let listed = |words: &[&str]| {
        let all: serde_json::Value = serde_json::from_str(&sandbox.says(words).ok()).expect("JSON");
        let is_it = |known: &&serde_json::Value| known["name"] == name.as_str();
        all.as_array().and_then(|all| all.iter().find(is_it).cloned()).expect("it is listed")
    };
    let json = listed(&["ps", "--json"]);
    assert_eq!(listed(&["ps", "-a", "-q", "--format", "json"]), json);
    assert_eq!(listed(&["ps", "--all", "--format=json"]), json);
    for words in [&["ls"][..], &["ps", "--format", "table"], &["ps", "-a"]] {
        assert!(sandbox.says(words).ok().starts_with("NAME "), "{words:?}");
    }
    let names = sandbox.says(&["ps", "-aq"]).ok();
    assert!(names.lines().any(|line| line == name), "{names}");
    sandbox.says(&["kill", names.lines().find(|line| *line == name).expect("the name")]).ok();
    assert_eq!(running.end().code(), 137);
}

#[test]
fn a_sandbox_without_a_name_is_listed_by_its_pid() {
    let sandbox = Sandbox::new();
    let word = unique_name();
    let running = Running::new(&mut sandbox.run(&[], &["sh", "-c", READY, &word]));
    let json: serde_json::Value = serde_json::from_str(&sandbox.says(&["ps", "--json"]).ok()).expect("JSON");
    let is_it = |known: &&serde_json::Value| known["command"].to_string().contains(&word);
    let pid =
        json.as_array().and_then(|all| all.iter().find(is_it)).expect("it is listed")["pid"].to_string();
    assert!(sandbox.says(&["ps", "-q"]).ok().lines().any(|line| line == pid));
    sandbox.says(&["kill", &pid]).ok();
    assert_eq!(running.end().code(), 137);
}

#[test]
fn help_and_the_version_can_be_commands() {
    let sandbox = Sandbox::new();
    for (words, same) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "run"], &["run", "--help"]),
        (&["help", "grants", "lint"], &["grants", "lint", "--help"]),
        (&["grants", "help"], &["grants", "--help"]),
        (&["-q", "help", "ps"], &["ps", "--help"]),
        (&["version"], &["--version"]),
    ] {
        assert_eq!(sandbox.says(words).ok(), sandbox.says(same).ok(), "{words:?}");
    }
    let report = |words| (sandbox.says(words).code(), sandbox.says(words).stdout);
    assert_eq!(report(&["info"]), report(&["doctor"]));
}
