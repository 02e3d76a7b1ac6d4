//! `stop` and `wait`.

use crate::detached::{LIMIT, assert_status, detach, unique_name};
use subroot_tests::Started;
use subroot_tests::running::{Running, assert_all_gone, unique_word};
use subroot_tests::sandbox::{Sandbox, assert_refused};

#[test]
fn a_command_that_heeds_term_ends_by_itself() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "trap 'exit 6' TERM; while :; do sleep 0.05; done");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(sandbox.says(&["stop", &name]).ok(), format!("{name}: ended, exit status 6\n"));
}

#[test]
fn a_command_that_ignores_term_is_killed() {
    let sandbox = Sandbox::new();
    for options in [[].as_slice(), &["--pid", "host"], &["-t"]] {
        let word = unique_word();
        let script = format!("trap '' TERM; echo ready; while :; do sleep 0.05; done; echo {word}");
        let name = detach(&sandbox, options, &script);
        assert!(subroot_tests::running::soon(LIMIT, || sandbox
            .says(&["logs", &name])
            .stdout
            .starts_with("ready")));
        let said = sandbox.says(&["stop", "-t", "1", &name]).ok();
        assert_eq!(said, format!("{name}: killed after 1 second, exit status 137\n"), "{options:?}");
        assert_status(&sandbox, &name, "exited (137)");
    }
}

#[test]
fn a_command_that_floods_its_log_is_stopped() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let name = detach(&sandbox, &[], &format!("yes {word} & exec yes {word}"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(sandbox.says(&["stop", &name]).ok(), format!("{name}: ended, exit status 143\n"));
    assert_all_gone(&word);
}

#[test]
fn a_sandbox_of_the_foreground_is_stopped_as_well() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    let running = Running::new(&mut sandbox.shell(&["--name", &name], "echo ready; exec sleep 1000"));
    assert_eq!(sandbox.says(&["stop", &name]).ok(), format!("{name}: ended\n"));
    assert_eq!(running.end().code(), 143);
}

#[test]
fn kill_ends_it_at_once_and_the_status_is_recorded() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let name = detach(&sandbox, &[], &format!("sleep {word} & exec sleep {word}"));
    sandbox.says(&["kill", &name]).ok();
    assert_all_gone(&word);
    let waited = sandbox.says(&["wait", &name]);
    assert_eq!((waited.stdout.as_str(), waited.stderr.as_str()), ("137\n", ""));
    assert_status(&sandbox, &name, "exited (137)");
}

#[test]
fn wait_prints_each_status_whether_it_has_ended_or_not() {
    let sandbox = Sandbox::new();
    let (short, long) =
        (detach(&sandbox, &[], "exit 3"), detach(&sandbox, &["--rm"], "sleep 0.5; kill -9 $$"));
    assert_eq!(sandbox.says(&["wait", &short, &long, &short]).ok(), "3\n137\n3\n");
    assert_refused(&sandbox.says(&["wait", &long]), 125, &["no sandbox has that name"]);
    assert_refused(&sandbox.says(&["wait", "../x"]), 125, &["no sandbox has that name"]);
}

/// A record that is removed at the end is read by everyone who waits for it.
#[test]
fn all_who_wait_get_the_status() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["--rm"], "sleep 1; exit 8");
    let waiting: Vec<Started> =
        (0..5).map(|_| Started::new(&mut sandbox.subroot(&["wait", &name]))).collect();
    for waiting in waiting {
        assert_eq!(waiting.end_within(LIMIT).ok(), "8\n");
    }
}

#[test]
fn only_detached_ones_have_a_status() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    let running = Running::new(&mut sandbox.shell(&["--name", &name], "echo ready; exec sleep 1000"));
    for verb in ["wait", "logs", "attach"] {
        assert_refused(&sandbox.says(&[verb, &name]), 125, &["it was not started by subroot run --detach"]);
    }
    running.signal(9);
}

/// One name that is wrong does not keep the others running.
#[test]
fn stop_and_kill_and_rm_go_on_after_a_name_that_is_missing() {
    let sandbox = Sandbox::new();
    let names = [(); 4].map(|()| detach(&sandbox, &[], "exec sleep 1000"));
    let [first, second, third, fourth] = names.each_ref().map(String::as_str);
    let stopped = sandbox.says(&["stop", first, "nosuch", second]);
    assert_eq!((stopped.code(), stopped.stdout.lines().count()), (125, 2), "{stopped:?}");
    assert!(stopped.stderr.contains("nosuch: no running sandbox has that name"), "{stopped:?}");
    let killed = sandbox.says(&["kill", third, "nosuch", fourth]);
    assert_refused(&killed, 125, &["nosuch", "no running sandbox has that name"]);
    let waited = sandbox.says(&["wait", first, second, third, fourth]);
    assert_eq!(waited.stdout, "143\n143\n137\n137\n");
    assert_refused(&sandbox.says(&["rm", first, "nosuch", second]), 125, &["nosuch", "no ended sandbox"]);
    assert_refused(&sandbox.says(&["logs", second]), 125, &["no sandbox has that name"]);
}
