//! `--json-status`.

use subroot_tests::sandbox::{Sandbox, assert_refused, give};

/// The lines that a launch writes to descriptor 3.
fn told(sandbox: &Sandbox, options: &str, script: &str) -> Vec<String> {
    let root = sandbox.rootfs.path.display();
    let line =
        format!("subroot run --json-status 3 {options} {root} -- {script} 3>told 2>/dev/null; cat told");
    sandbox.host.output(&mut sandbox.alice.shell(&line)).ok().lines().map(str::to_owned).collect()
}

#[test]
fn start_and_end_are_told() {
    let (sandbox, name) = (Sandbox::new(), crate::running::unique_name());
    let lines = told(&sandbox, &format!("--name {name}"), "sh -c 'exit 3'");
    assert_eq!(lines.len(), 2, "{lines:?}");
    for part in [
        "\"event\":\"started\"",
        &format!("\"name\":\"{name}\""),
        "\"uid_map\":[[0,1000,1],[1,100000,65536]]",
        "\"pid\":",
        "\"user\":",
    ] {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
    assert_eq!(lines[1], "{\"event\":\"ended\",\"signal\":null,\"status\":3}");
}

#[test]
fn a_failure_is_reported_instead_of_a_start() {
    let sandbox = Sandbox::new();
    let lines = told(&sandbox, "", "nothere");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("\"event\":\"failed\"") && lines[0].contains("\"status\":127"), "{lines:?}");
}

/// What stops a launch before anything is cloned is no exception.
#[test]
fn a_request_that_is_refused_is_reported() {
    let sandbox = Sandbox::new();
    for (options, reason) in
        [("-v /nothere:/mnt", "/nothere"), ("--name 'a b'", "--name"), ("--name 'a b' -d", "--name")]
    {
        let lines = told(&sandbox, options, "true");
        assert_eq!(lines.len(), 1, "{options}: {lines:?}");
        let parts = ["\"event\":\"failed\"", "\"status\":125", reason];
        assert!(parts.iter().all(|part| lines[0].contains(part)), "{options}: {lines:?}");
    }
}

#[test]
fn an_end_by_a_signal_is_reported_as_its_status() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let line = format!(
        "subroot run --json-status 3 {root} -- sleep 1000 3>told & until grep -q started told; do sleep 0.05; done
        kill -TERM $!; wait $!; tail -n 1 told"
    );
    let told = sandbox.host.output(&mut sandbox.alice.shell(&line)).ok();
    assert_eq!(told, "{\"event\":\"ended\",\"signal\":null,\"status\":143}\n");
}

#[test]
fn the_command_does_not_get_the_descriptor() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let line = format!("subroot run --json-status 3 {root} -- sh -c 'ls /proc/self/fd | wc -l' 3>told");
    assert_eq!(sandbox.host.output(&mut sandbox.alice.shell(&line)).ok(), "4\n");
}

#[test]
fn a_descriptor_that_is_not_open_is_refused() {
    let sandbox = Sandbox::new();
    assert_refused(
        &sandbox.output(&["--json-status", "77"], "true"),
        125,
        &["--json-status", "77 is not open"],
    );
}

/// A process that was killed closes the same pipe that a start closes.
#[test]
fn a_command_that_was_never_executed_has_not_started() {
    let sandbox = Sandbox::new();
    for call in ["pivot_root", "umount2", "keyctl"] {
        let rules = format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{{"names": ["{call}"], "action": "SCMP_ACT_KILL_PROCESS"}}]}}"#
        );
        std::fs::write("/home/alice/kills.json", rules).expect("writing a profile");
        give("/home/alice/kills.json".as_ref(), &sandbox.alice, 0o644);
        let inner = "subroot run --json-status 3 /home/alice/rootfs -- echo ran 3>/home/alice/told; echo $?";
        let mut around = sandbox.alice.command("subroot");
        around.args(["run", "--cap-add=ALL", "--security-opt=seccomp=/home/alice/kills.json"]);
        around.args(["-v/home/alice:/home/alice:suid,dev", "/", "--", "sh", "-c", inner]);
        let outcome = sandbox.host.output(&mut around);
        assert_eq!(outcome.stdout, "125\n", "{call}: {outcome:?}");
        assert!(outcome.stderr.contains("was killed before"), "{call}: {outcome:?}");
        let told = std::fs::read_to_string("/home/alice/told").expect("the reported events");
        assert!(told.contains(r#""event":"failed""#) && !told.contains("started"), "{call}: {told}");
    }
}
