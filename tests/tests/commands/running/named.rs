//! `--name`, `ps` and `kill`.

use crate::running::{READY, listed, unique_name};
use std::process::Stdio;
use subroot_tests::Started;
use subroot_tests::running::{GONE_WITHIN, PATIENCE, Running, assert_all_gone, soon, unique_word};
use subroot_tests::sandbox::{Sandbox, assert_refused, listing};

/// A sandbox of alice with its own name.
fn named(sandbox: &Sandbox, name: &str) -> Running {
    Running::new(&mut sandbox.shell(&["--name", name], READY))
}

#[test]
fn a_sandbox_is_listed_for_as_long_as_it_runs() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    let running = named(&sandbox, &name);
    assert!(listed(&sandbox, &name).is_some_and(|line| line.ends_with(READY)));
    let json = sandbox.says(&["ps", "--json"]).ok();
    for part in [format!("\"name\":\"{name}\""), format!("\"launcher\":{}", running.pid())] {
        assert!(json.contains(&part), "{part} is not in {json}");
    }
    running.signal(9);
    assert!(soon(GONE_WITHIN, || listed(&sandbox, &name).is_none()));
}

#[test]
fn one_without_a_name_is_listed_by_its_pid() {
    let sandbox = Sandbox::new();
    let running = Running::new(&mut sandbox.shell(&[], READY));
    let json = sandbox.says(&["ps", "--json"]).ok();
    let own = json.split('{').find(|object| object.contains(&format!("\"launcher\":{}", running.pid())));
    assert!(own.is_some_and(|object| object.contains("\"name\":null")), "{json}");
    sandbox.says(&["kill", &running.pid().to_string()]).ok();
    assert_eq!(running.end().code(), 137);
}

/// A launcher may inherit any descriptors from its caller.
#[test]
fn it_is_found_among_any_descriptors() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    for (opened, name) in
        [("63</dev/null 64</dev/null", unique_name()), ("62</dev/null 65</dev/null", unique_name())]
    {
        let line = format!("exec {opened}; exec subroot run --name {name} {root} -- sh -c '{READY}'");
        let running = Running::new(sandbox.alice.command("bash").args(["-c", &line]));
        assert!(listed(&sandbox, &name).is_some(), "{opened}");
        running.signal(9);
        drop(running.end());
    }
    let line =
        format!("ulimit -n 40; subroot run --name few {root} -- touch /mark; subroot run {root} -- echo ran");
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&line));
    assert!(outcome.stderr.contains("the entry of a named sandbox: Too many open files"), "{outcome:?}");
    assert_eq!((outcome.stdout.as_str(), sandbox.has_mark()), ("ran\n", false), "{outcome:?}");
}

#[test]
fn nobody_elses_sandboxes_are_listed_or_killed() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    let running = named(&sandbox, &name);
    let bob = sandbox.host.user("bob");
    assert!(!sandbox.host.output(bob.command("subroot").arg("ps")).ok().contains(&name));
    let killed = sandbox.host.output(bob.command("subroot").args(["kill", &name]));
    assert_refused(&killed, 125, &[&name, "no running sandbox"]);
    running.signal(9);
}

#[test]
fn nothing_is_left_of_an_entry_on_any_disk() {
    let sandbox = Sandbox::new();
    let before = listing("/tmp".as_ref());
    let running = named(&sandbox, &unique_name());
    running.signal(9);
    drop(running.end());
    assert_eq!(listing("/tmp".as_ref()), before);
}

#[test]
fn of_several_that_start_with_one_name_one_runs() {
    let sandbox = Sandbox::new();
    for _ in 0..4 {
        let name = unique_name();
        // The one that runs does not end before all others have.
        let start = || {
            let mut command = sandbox.shell(&["--name", &name], "echo ran; read line");
            Started::new(command.stdin(Stdio::piped()))
        };
        let mut started: Vec<Started> = (0..5).map(|_| start()).collect();
        let inputs: Vec<_> = started.iter_mut().map(|started| started.child().stdin.take()).collect();
        let others_ended = || {
            started.iter_mut().filter_map(|started| started.child().try_wait().expect("a look at it")).count()
                == 4
        };
        assert!(soon(PATIENCE, others_ended));
        drop(inputs);
        let ends: Vec<_> = started.into_iter().map(|started| started.end_within(PATIENCE)).collect();
        let ran = ends.iter().filter(|end| end.code() == 1 && end.stdout == "ran\n").count();
        let said = format!("reserving the name {name}: a sandbox with that name is already running");
        let refused = ends.iter().filter(|end| end.code() == 125 && end.stderr.contains(&said)).count();
        assert_eq!((ran, refused), (1, 4), "{ends:?}");
    }
}

#[test]
fn a_name_is_free_again_after_the_end() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    for script in ["exit 0", "kill -9 $$", "exit 3"] {
        assert_eq!(sandbox.output(&["--name", &name], script).stderr, "", "{script}");
    }
    let running = named(&sandbox, &name);
    running.signal(9);
    drop(running.end());
    sandbox.output(&["--name", &name], "true").ok();
}

#[test]
fn a_name_is_a_name() {
    let sandbox = Sandbox::new();
    for name in ["", "12", "a/b", ".hidden", "-x", "a b", "\u{fc}"] {
        let option = format!("--name={name}");
        assert_refused(&sandbox.output(&[&option], "true"), 125, &["reading --name", "invalid name"]);
    }
}

#[test]
fn kill_ends_everything_and_waits_for_the_end() {
    let (sandbox, name, word) = (Sandbox::new(), unique_name(), unique_word());
    let script = "sleep 1000 & setsid sleep 1000 & echo ready; wait";
    let running = Running::new(&mut sandbox.run(&["--name", &name], &["sh", "-c", script, &word]));
    sandbox.says(&["kill", &name]).ok();
    assert_eq!(listed(&sandbox, &name), None);
    assert_all_gone(&word);
    assert_eq!(running.end().code(), 137);
}

#[test]
fn kill_sends_other_signals_to_the_command() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    for (signal, status) in [("TERM", 143), ("SIGUSR1", 138), ("12", 140), ("usr2", 140)] {
        let running = named(&sandbox, &name);
        sandbox.says(&["kill", "-s", signal, &name]).ok();
        assert_eq!(running.end().code(), status, "{signal}");
    }
    assert_refused(&sandbox.says(&["kill", "-s", "NOPE", &name]), 125, &["unknown signal NOPE"]);
    assert_refused(&sandbox.says(&["kill", &name]), 125, &[&name, "no running sandbox"]);
}

/// The payload is root of its own user namespace, may use any name, and has everything that a launcher has,
/// including its PID.
#[test]
fn a_payload_cannot_publish_an_entry() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    let inner = ["subroot", "run", "--name", &name, "/", "--", "sh", "-c", READY];
    for options in [["run", "--"].as_slice(), &["run", "--pid", "host", "--"]] {
        let running = Running::new(&mut sandbox.subroot(&[options, &inner].concat()));
        assert_eq!(listed(&sandbox, &name), None, "{options:?}");
        running.signal(9);
        drop(running.end());
    }
}
