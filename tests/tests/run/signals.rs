//! Signals reach the command, whatever signal state the launcher inherits, and the command starts with a
//! clean one.

use crate::running::{
    PATIENCE, Running, assert_all_gone, is_stopped, process_inside, send, soon, unique_word,
};
use std::io::Write;
use std::process::Stdio;
use subroot_tests::sandbox::{Sandbox, script};
use subroot_tests::{Outcome, Started, Step, processes_with_word, start_with};

const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];

/// HUP, INT, QUIT, USR1, USR2, TERM, CONT, TSTP, WINCH, and two real-time signals.
const CATCHABLE: [i32; 11] = [1, 2, 3, 10, 12, 15, 18, 20, 28, 34, 64];

/// Reports which of those it receives, and ends after the first.
fn catching_script() -> String {
    let traps = CATCHABLE.map(|number| format!("trap 'echo got {number}; exit 40' {number}"));
    format!("{}\necho ready\nwhile :; do sleep 0.02; done", traps.join("\n"))
}

#[test]
fn every_catchable_signal_reaches_the_command() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for number in CATCHABLE {
            let running = Running::new(&mut sandbox.shell(options, &catching_script()));
            running.signal(number);
            let outcome = running.end();
            let expected = (40, format!("got {number}\n"));
            assert_eq!((outcome.code(), outcome.stdout), expected, "{options:?}");
        }
    }
}

#[test]
fn a_signal_that_the_command_does_not_handle_ends_it() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for number in [1, 2, 10, 15, 40] {
            let word = unique_word();
            let running =
                Running::new(&mut sandbox.shell(options, &format!("echo ready; exec sleep {word}")));
            // Until then it is a shell that handles SIGINT by sending it to itself.
            assert!(soon(PATIENCE, || !processes_with_word(&word).is_empty()));
            running.signal(number);
            let outcome = running.end();
            assert_eq!((outcome.code(), outcome.stderr.as_str()), (128 + number, ""), "{options:?}");
        }
    }
}

#[test]
fn a_signal_that_the_command_ignores_leaves_it_alone() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let script = "trap '' TERM; trap 'exit 3' USR1; echo ready; while :; do sleep 0.02; done";
        let running = Running::new(&mut sandbox.shell(options, script));
        running.signal(15);
        running.signal(10);
        assert_eq!(running.end().code(), 3, "{options:?}");
    }
}

#[test]
fn a_window_that_changes_its_size_ends_nothing() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let running = Running::new(&mut sandbox.shell(options, "echo ready; sleep 0.3; exit 5"));
        running.signal(28);
        assert_eq!(running.end().code(), 5, "{options:?}");
    }
}

#[test]
fn a_stopped_command_can_be_continued() {
    let sandbox = Sandbox::new();
    for (options, number) in [(BOTH[0], "2"), (BOTH[1], "1")] {
        let word = unique_word();
        let script = "echo ready; read line; exit 6";
        let mut command = sandbox.run(options, &["sh", "-c", script, &word]);
        let mut running = Running::new(command.stdin(Stdio::piped()));
        let command = process_inside(&word, number);
        running.signal(20);
        assert!(soon(PATIENCE, || is_stopped(command)), "{options:?}");
        running.signal(18);
        assert!(soon(PATIENCE, || !is_stopped(command)), "{options:?}");
        running.input().write_all(b"go\n").expect("writing to the command");
        assert_eq!(running.end().code(), 6, "{options:?}");
    }
}

#[test]
fn the_status_is_right_whatever_signal_state_is_inherited() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for steps in inherited_states() {
            let mut command = sandbox.shell(options, "sh -c 'exit 3'; echo $?; exit 7");
            let outcome = sandbox.host.output(start_with(&mut command, steps));
            let seen = (outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str());
            assert_eq!(seen, (7, "3\n", ""), "{options:?}");
        }
    }
}

#[test]
fn the_command_starts_with_no_signal_blocked_or_ignored() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for steps in inherited_states() {
            let mut command = sandbox.run(options, &["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]);
            let masks = sandbox.host.output(start_with(&mut command, steps)).ok();
            assert_eq!(masks, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", "{options:?}");
        }
    }
}

#[test]
fn signals_reach_the_command_though_all_were_blocked_or_ignored() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for steps in inherited_states() {
            let mut command = sandbox.shell(options, &catching_script());
            let running = Running::new(start_with(&mut command, steps));
            running.signal(15);
            assert_eq!(running.end().code(), 40, "{options:?}");
        }
    }
}

fn inherited_states() -> [Vec<Step>; 4] {
    [
        vec![],
        vec![Step::BlockAllSignals],
        vec![Step::IgnoreAllSignals],
        vec![Step::BlockAllSignals, Step::IgnoreAllSignals],
    ]
}

#[test]
fn a_signal_before_the_command_starts_ends_the_launch() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let helper = script(&sandbox.alice, "slow", "echo > /home/alice/asked; sleep 1; exit 1");
    let mut command = sandbox.run(&["--helper", &helper], &["sleep", &word]);
    let started = Started::new(&mut command);
    assert!(soon(PATIENCE, || sandbox.alice.home.join("asked").exists()));
    send(started.pid(), 15);
    let outcome = started.end_within(PATIENCE);
    assert!(outcome.code() == 143 || outcome.code() == 125, "{outcome:?}");
    assert_all_gone(&word);
}

#[test]
fn a_terminals_interrupt_reaches_the_command_once() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let script = "trap 'echo interrupted' INT; sleep 1.5 & wait; wait; exit 9";
        let outcome = in_a_terminal(&sandbox, options, script, "sleep 0.7; printf '\\003'; sleep 2");
        let times = outcome.stdout.matches("interrupted").count();
        assert_eq!((outcome.code(), times), (9, 1), "{options:?} {outcome:?}");
    }
}

#[test]
fn a_terminals_interrupt_ends_a_command_that_does_not_handle_it() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let outcome = in_a_terminal(&sandbox, options, "exec sleep 30", "sleep 0.7; printf '\\003'; sleep 1");
        assert_eq!(outcome.code(), 130, "{options:?} {outcome:?}");
    }
}

/// A launch in its own terminal, in which `typing` is what the user types.
fn in_a_terminal(sandbox: &Sandbox, options: &[&str], inner: &str, typing: &str) -> Outcome {
    sandbox.add("bin/inner", format!("#!/bin/sh\n{inner}\n"), 0o755);
    let launch = format!("exec subroot run {} {} -- inner", options.join(" "), sandbox.rootfs.path.display());
    let typed = format!("{{ {typing}; }} | SHELL=/bin/sh script -q -e -c '{launch}' /dev/null");
    sandbox.host.output(&mut sandbox.alice.shell(&typed))
}
