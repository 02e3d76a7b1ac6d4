//! When the launcher or PID 1 inside dies, everything ends within two seconds.

use crate::running::{
    GONE_WITHIN, Running, assert_all_gone, is_stopped, pid_1, process_inside, send, soon, unique_word,
};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use subroot_tests::sandbox::{Sandbox, mounts};

const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];

/// Children, orphans and daemons with their own sessions, all marked by `$0`.
const FAMILY: &str = "
    sleep $0 &
    (setsid sh -c 'trap \"\" HUP TERM INT; sleep $0 & sleep $0' $0 &)
    (setsid sleep $0 </dev/null >/dev/null 2>&1 &)
    echo ready
    sleep $0";

fn family(sandbox: &Sandbox, options: &[&str], word: &str) -> Command {
    sandbox.run(options, &["sh", "-c", FAMILY, word])
}

#[test]
fn nothing_outlives_a_killed_launcher() {
    for options in BOTH {
        for make in [Sandbox::new, Sandbox::bare] {
            let sandbox = make();
            let before = mounts();
            let word = unique_word();
            let running = Running::new(&mut family(&sandbox, options, &word));
            running.signal(9);
            assert_all_gone(&word);
            assert_eq!((running.end().code(), mounts()), (137, before), "{options:?}");
        }
    }
}

#[test]
fn a_bare_root_is_tidied_up_though_the_launcher_was_killed() {
    for options in BOTH {
        let sandbox = Sandbox::bare();
        let before = entries(&sandbox);
        let word = unique_word();
        let running = Running::new(&mut family(&sandbox, options, &word));
        running.signal(9);
        assert_all_gone(&word);
        assert!(soon(GONE_WITHIN, || entries(&sandbox) == before), "{options:?}: {:?}", entries(&sandbox));
    }
}

fn entries(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(&sandbox.rootfs.path).expect("reading the root").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_killed_pid_1_ends_everything_and_is_reported_as_137() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let word = unique_word();
        let running = Running::new(&mut family(&sandbox, options, &word));
        send(pid_1(&word), 9);
        assert_eq!(running.end().code(), 137, "{options:?}");
        assert_all_gone(&word);
    }
}

#[test]
fn the_commands_end_is_the_end_of_its_children() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let word = unique_word();
        let script = "(setsid sleep $0 </dev/null >/dev/null 2>&1 &); sleep $0 & exit 4";
        let outcome = sandbox.host.output(&mut sandbox.run(options, &["sh", "-c", script, &word]));
        assert_eq!(outcome.code(), 4, "{options:?}");
        assert_all_gone(&word);
    }
}

#[test]
fn a_command_without_its_death_signal_dies_with_the_launcher_too() {
    let sandbox = Sandbox::new();
    sandbox.add("etc/passwd", "root:x:0:0::/:/bin/sh\nother:x:7:7::/:/bin/sh\n", 0o644);
    let word = unique_word();
    // The kernel clears the death signal of a process that changes its user: credentials(7).
    let script = "exec su -s /bin/sh other -c 'echo ready; exec sleep $0' $0";
    let running =
        Running::new(&mut sandbox.run(&["--as-pid-1"], &["sh", "-c", &script.replace("$0", &word), &word]));
    running.signal(9);
    assert_all_gone(&word);
}

#[test]
fn a_stopped_command_dies_with_the_launcher() {
    let sandbox = Sandbox::new();
    for (options, number) in [(BOTH[0], "2"), (BOTH[1], "1")] {
        let word = unique_word();
        let running = Running::new(&mut family(&sandbox, options, &word));
        stop(&word, number);
        running.signal(9);
        assert_all_gone(&word);
    }
}

#[test]
fn a_stopped_init_dies_with_the_launcher() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let word = unique_word();
        // A shell above the launcher. Without it, the kernel itself would continue the stopped process group
        // when it becomes orphaned.
        let launch = format!("subroot run {} -- sh -c \"$FAMILY\" {word}", sandbox.rootfs.path.display());
        let mut shell = sandbox.alice.shell(&format!("{launch} & read line; kill -9 $!; sleep 3"));
        let mut running = Running::new(shell.env("FAMILY", FAMILY).stdin(Stdio::piped()));
        stop(&word, "1");
        running.input().write_all(b"\n").expect("telling the shell to kill the launcher");
        assert_all_gone(&word);
    }
}

fn stop(word: &str, number: &str) {
    let process = process_inside(word, number);
    send(process, 19);
    assert!(soon(GONE_WITHIN, || is_stopped(process)));
}

#[test]
fn a_command_cannot_stop_or_end_the_init_that_it_hangs_on() {
    let sandbox = Sandbox::new();
    let script =
        "for number in 1 2 3 9 10 15 19 20 34; do kill -$number 1; done; sleep 0.2; ps -o pid,stat; exit 3";
    let outcome = sandbox.output(&[], script);
    assert_eq!(outcome.code(), 3, "{outcome:?}");
    assert!(outcome.stdout.contains("    1 S"), "{outcome:?}");
}

#[test]
fn orphans_are_reaped() {
    let sandbox = Sandbox::new();
    let script = "
        for n in $(seq 50); do (sleep 0.1 &) ; done
        sleep 0.6
        ps -o pid,ppid,stat,comm
        true";
    let ps = sandbox.output(&[], script).ok();
    // ps itself, its shell, init and the heading.
    assert_eq!((ps.lines().count(), ps.matches('Z').count()), (4, 0), "{ps}");
}

#[test]
fn a_launcher_that_is_killed_while_a_mapper_runs_leaves_no_child() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let helper =
        subroot_tests::sandbox::script(&sandbox.alice, "slow", "echo > /home/alice/asked; exec sleep 1");
    for options in [["--helper", &helper, "--init"], ["--helper", &helper, "--as-pid-1"]] {
        let mut command = sandbox.run(&options, &["touch", "/mark", &word]);
        let started = subroot_tests::Started::new(&mut command);
        assert!(soon(GONE_WITHIN, || sandbox.alice.home.join("asked").exists()));
        send(started.pid(), 9);
        assert_all_gone(&word);
        assert!(!sandbox.has_mark());
        fs::remove_file(sandbox.alice.home.join("asked")).expect("the script's own mark");
    }
}
