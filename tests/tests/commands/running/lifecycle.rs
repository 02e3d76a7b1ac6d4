//! What a payload can do to its own sandbox, but not to the launch.

use subroot_tests::is_nested;
use subroot_tests::running::{GONE_WITHIN, PATIENCE, is_stopped, pid_1, process_inside};
use subroot_tests::running::{Running, assert_all_gone, soon, unique_word};
use subroot_tests::sandbox::Sandbox;

#[test]
fn orphans_by_the_thousand_are_reaped() {
    let sandbox = Sandbox::new();
    let script = "n=0; while [ $n -lt 1000 ]; do (true &); n=$((n + 1)); done
        while grep -q '^State:.*zombie' /proc/[0-9]*/status 2>/dev/null; do sleep 0.1; done; echo reaped; exit 4";
    let outcome = sandbox.output(&[], script);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (4, "reaped\n"), "{outcome:?}");
}

#[test]
fn killing_and_stopping_everything_it_can_reach_leaves_init_alone() {
    let sandbox = Sandbox::new();
    let script = "sleep 1000 & kill -STOP -1; kill -STOP 1; kill -KILL 1; kill -TERM 1; kill -9 -1; kill -CONT -1; echo alive; exit 5";
    let outcome = sandbox.output(&[], script);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (5, "alive\n"), "{outcome:?}");
}

/// SIGSTOP and the signals that the C library uses cannot be read by the launcher and init, which relay the others.
#[test]
fn kill_sends_every_signal_to_the_command_and_not_to_the_launcher() {
    let sandbox = Sandbox::new();
    for (options, number) in [(&[][..], "2"), (&["--as-pid-1"], "1")] {
        for signal in ["TERM", "33", "RTMIN+2", "64"] {
            let word = unique_word();
            // With --as-pid-1, a signal without a handler ends the sandbox.
            let handled =
                format!("trap 'exit 7' 15 36 64; echo ready; while :; do sleep 0.02; done # {word}");
            let script = if number == "1" { handled } else { format!("echo ready; exec sleep {word}") };
            let name = format!("kill-{word}");
            let running = Running::new(
                &mut sandbox.run(&[&["--name", &name], options].concat(), &["sh", "-c", &script, &word]),
            );
            let command = process_inside(&word, number);
            sandbox.says(&["kill", "-s", "STOP", &name]).ok();
            assert!(soon(PATIENCE, || is_stopped(command)), "{options:?}");
            assert!(!is_stopped(running.pid()), "{options:?}");
            sandbox.says(&["kill", "-s", "CONT", &name]).ok();
            assert!(soon(PATIENCE, || !is_stopped(command)), "{options:?}");
            sandbox.says(&["kill", "-s", signal, &name]).ok();
            let expected = match (number, signal) {
                (_, "33") => 161,
                ("1", _) => 7,
                (_, "TERM") => 143,
                (_, "RTMIN+2") => 128 + 36,
                _ => 192,
            };
            // A launcher that the signal itself ended has no exit status.
            assert_eq!(running.end().status.code(), Some(expected), "{options:?} {signal}");
        }
    }
}

#[test]
fn a_detached_command_is_stopped_and_continues() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let name = format!("stop-{word}");
    sandbox.output(&["-d", "--name", &name], &format!("exec sleep {word}")).ok();
    let command = process_inside(&word, "2");
    sandbox.says(&["kill", "-s", "STOP", &name]).ok();
    assert!(soon(PATIENCE, || is_stopped(command)));
    assert!(sandbox.says(&["ps", "-q"]).ok().contains(&name));
    sandbox.says(&["kill", "-s", "CONT", &name]).ok();
    assert!(soon(PATIENCE, || !is_stopped(command)));
    sandbox.says(&["kill", "-s", "STOP", &name]).ok();
    sandbox.says(&["kill", &name]).ok();
    assert_eq!(sandbox.says(&["wait", &name]).ok(), "137\n");
}

#[test]
fn everything_stopped_still_ends_with_the_launcher() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let script = "sleep 1000 & echo ready; kill -STOP -1; kill -STOP $$";
    let running = Running::new(&mut sandbox.run(&[], &["sh", "-c", script, &word]));
    assert!(soon(PATIENCE, || subroot_tests::processes_with_word(&word).into_iter().any(is_stopped)));
    assert!(is_nested() || !is_stopped(pid_1(&word)), "init is stopped");
    running.signal(9);
    assert_all_gone(&word);
}

#[test]
fn a_stopped_command_goes_on() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let script = "echo ready; kill -STOP $$; echo went on; exit 6";
    let running = Running::new(&mut sandbox.run(&[], &["sh", "-c", script, &word]));
    let stopped = || subroot_tests::processes_with_word(&word).into_iter().any(is_stopped);
    assert!(soon(PATIENCE, stopped));
    running.signal(18);
    let outcome = running.end();
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (6, "went on\n"));
}

#[test]
fn daemons_do_not_outlive_the_command() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let script = "for n in 1 2 3 4 5; do (setsid nohup sleep 1000 >/dev/null 2>&1 &); done; exit 0";
    assert_eq!(sandbox.host.output(&mut sandbox.run(&[], &["sh", "-c", script, &word])).code(), 0);
    assert!(soon(GONE_WITHIN, || subroot_tests::processes_with_word(&word).is_empty()));
}
