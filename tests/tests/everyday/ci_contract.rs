//! What a CI runner relies on: exit statuses, signals, and that a cancelled job ends completely.

use crate::job::{Debian, NO_ROOT, in_parallel};
use crate::running::{Running, assert_all_gone, unique_word};
use subroot_tests::{Started, skip};

/// KILL and all signals that end a process by default, except CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG and
/// WINCH: signal(7).
const ENDING: [i32; 23] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 31, 34];

#[test]
fn every_exit_status_comes_through() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let statuses: Vec<i32> = (0..256).collect();
    let seen = in_parallel(4, &statuses, |status| {
        Started::new(&mut debian.script(&format!("exit {status}")))
            .end_within(crate::running::PATIENCE)
            .code()
    });
    assert_eq!(seen, statuses);
}

#[test]
fn every_signal_that_ends_the_command_is_reported_as_128_plus_its_number() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = in_parallel(4, &ENDING, |number| {
        let mut command = debian.run(&["sh", "-c", "kill -$0 $$; sleep 5", &number.to_string()]);
        let outcome = Started::new(&mut command).end_within(crate::running::PATIENCE);
        (outcome.code(), outcome.stderr)
    });
    assert_eq!(seen, ENDING.map(|number| (128 + number, String::new())));
}

/// A job with child processes that a cancellation must reach or end.
const JOB: &str = "
    trap 'echo cleaning up; touch /cleaned; exit 7' TERM INT
    (setsid sleep $0 >/dev/null 2>&1 &)
    perl -e '$SIG{TERM} = $SIG{INT} = $SIG{HUP} = \"IGNORE\"; sleep shift' $0 >/dev/null 2>&1 &
    make --silent --file=- <<END &
all:; sleep $0
END
    echo ready
    wait";

#[test]
fn a_cancelled_job_may_clean_up_and_is_gone() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    for number in [15, 2] {
        let word = unique_word();
        let running = Running::new(&mut debian.run(&["bash", "-c", JOB, &word]));
        running.signal(number);
        let outcome = running.end();
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (7, "cleaning up\n"), "{outcome:?}");
        assert_all_gone(&word);
        assert_eq!(debian.output("rm /cleaned; ls /"), debian.output("ls /"), "signal {number}");
    }
}

#[test]
fn a_job_that_does_not_care_is_ended_by_the_signal_or_by_the_last_resort() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    for (ignored, sent) in [("", &[15][..]), ("", &[2]), ("TERM INT HUP", &[2, 15, 9])] {
        let word = unique_word();
        let script = format!("for name in {ignored}; do trap '' $name; done; echo ready; exec sleep $0");
        let running = Running::new(&mut debian.run(&["bash", "-c", &script, &word]));
        sent.iter().for_each(|number| running.signal(*number));
        let last = sent.last().expect("a signal");
        assert_eq!(running.end().code(), 128 + last, "{ignored} {sent:?}");
        assert_all_gone(&word);
    }
}

#[test]
fn timeout_ends_a_launch_from_outside_and_a_command_from_inside() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let root = debian.rootfs.path.display();
    for (script, status) in [
        ("timeout 0.5 subroot run ROOT -- sleep WORD", 124),
        ("timeout --preserve-status 0.5 subroot run ROOT -- sleep WORD", 143),
        ("timeout --signal INT 0.5 subroot run ROOT -- sleep WORD", 124),
        (
            "timeout --kill-after 0.2 0.5 subroot run ROOT -- sh -c \"trap '' TERM; sleep WORD; sleep WORD\"",
            137,
        ),
        ("subroot run ROOT -- timeout 0.5 sleep WORD", 124),
        ("timeout 100 subroot run ROOT -- sh -c 'exit 9'", 9),
    ] {
        let word = unique_word();
        let script = script.replace("ROOT", &root.to_string()).replace("WORD", &word);
        let outcome = debian.host.output(&mut debian.alice.shell(&script));
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (status, ""), "{script}");
        assert_all_gone(&word);
    }
}

#[test]
fn a_failing_step_of_a_script_is_the_jobs_status() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    for (script, status) in [
        ("false; true", 1),
        ("true | false | true", 1),
        ("exec no-such-program", 127),
        ("/etc/passwd", 126),
        ("(exit 42)", 42),
        ("python3 -c 'import sys; sys.exit(3)'", 3),
        ("make --silent --file=/dev/null nothing 2>/dev/null", 2),
        ("perl -e 'kill 9, $$'", 137),
        ("bash -c 'kill -SEGV $$'", 139),
    ] {
        assert_eq!(debian.outcome(script).code(), status, "{script}");
    }
}

#[test]
fn a_step_has_its_own_environment_and_directory() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    debian.output("mkdir -p /srv/project");
    let mut command = debian.alice.command("subroot");
    command.args(["run", "-e", "CI=true", "-e", "TOKEN", "--env=NOTE=two words", "-w", "/srv/project"]);
    command.arg(&debian.rootfs.path).args(["--", "bash", "-c", "echo $CI $TOKEN $NOTE $SECRET; pwd"]);
    command.env("TOKEN", "passed on").env("SECRET", "not passed on");
    assert_eq!(debian.host.output(&mut command).ok(), "true passed on two words\n/srv/project\n");
}
