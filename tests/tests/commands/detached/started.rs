//! The start of a detached sandbox: what fails is reported as usual, and nothing of the caller is kept.

use crate::detached::{LIMIT, assert_status, detach, directory, listed, small_disk, unique_name};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};
use std::fs;
use std::process::Stdio;
use std::time::Duration;
use subroot_tests::running::{assert_all_gone, soon, unique_word};
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Started, Step, Terminal, processes_with_word, start_with};

#[test]
fn a_failure_has_its_usual_message_and_status() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    for (words, status, message) in [
        (["run", "-d", root, "missing"].as_slice(), 127, "running missing"),
        (&["run", "-d", root, "/etc"], 126, "running /etc"),
        (&["run", "-d", "--workdir", "/missing", root, "true"], 125, "changing to working directory"),
        (&["run", "-d", "./missing", "true"], 125, "opening rootfs"),
        (&["run", "--rm=false", root, "true"], 125, "--rm=false"),
    ] {
        assert_refused(&sandbox.says(words), status, &[message]);
    }
    let left = fs::read_dir(directory(&sandbox)).expect("the directory").count();
    assert_eq!(left, 0, "something is left of a launch that failed");
}

#[test]
fn a_name_is_generated_and_usable() {
    let sandbox = Sandbox::new();
    let names: Vec<String> =
        (0..2).map(|_| sandbox.output(&["-d"], "sleep 1000").ok().trim_end().to_owned()).collect();
    assert!(names[0] != names[1] && names.iter().all(|name| name.len() == 15), "{names:?}");
    for name in names {
        assert_eq!(sandbox.says(&["exec", &name, "echo", "in"]).ok(), "in\n");
        sandbox.says(&["kill", &name]).ok();
        assert_status(&sandbox, &name, "exited (137)");
    }
}

/// The streams are pipes that are read to their end, as by a command substitution or ssh.
#[test]
fn the_callers_streams_are_free_at_once() {
    let sandbox = Sandbox::new();
    for options in [[].as_slice(), &["-t"], &["-i"], &["--as-pid-1"], &["--pid", "host"]] {
        let name = unique_name();
        let all = [&["-d", "--name", &name], options].concat();
        let mut command = sandbox.shell(&all, "sleep 1000");
        let outcome = Started::in_a_session(command.stdin(Stdio::piped())).end_within(LIMIT);
        assert_eq!(outcome.ok(), format!("{name}\n"), "{options:?}");
        sandbox.says(&["kill", &name]).ok();
    }
}

#[test]
fn it_goes_on_when_its_session_and_its_terminal_end() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let root = sandbox.rootfs.path.display();
    let terminal = Terminal::of(&sandbox.alice);
    let line = format!("subroot run -d --name s{word} {root} -- sleep {word}; kill -9 $$");
    let mut shell = sandbox.alice.command("setsid");
    let session = terminal.start(shell.args(["--ctty", "--wait", "sh", "-c", &line]));
    drop(session.end_within(LIMIT));
    drop(terminal);
    assert!(!soon(Duration::from_millis(700), || processes_with_word(&word).is_empty()), "it has ended");
    let launcher = launcher(&sandbox, &format!("s{word}"));
    assert_eq!(getsid(Some(launcher)), Ok(launcher), "it is in a session of its own");
    assert_eq!(fs::read_link(format!("/proc/{launcher}/cwd")).expect("its directory").to_str(), Some("/"));
    for number in 0..3 {
        let stream = fs::read_link(format!("/proc/{launcher}/fd/{number}")).expect("a stream");
        assert_eq!(stream.to_str(), Some("/dev/null"));
    }
    sandbox.says(&["kill", &format!("s{word}")]).ok();
    assert_all_gone(&word);
}

/// The PID of the supervisor.
fn launcher(sandbox: &Sandbox, name: &str) -> Pid {
    let list = sandbox.says(&["ps", "--json"]).ok();
    let own =
        list.split('{').find(|object| object.contains(&format!("\"name\":\"{name}\""))).expect("an object");
    let number = own.split("\"launcher\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a PID");
    Pid::from_raw(number.parse().expect("a number"))
}

#[test]
fn the_end_of_its_supervisor_ends_it() {
    let sandbox = Sandbox::new();
    for options in [[].as_slice(), &["--as-pid-1"], &["--pid", "host"], &["-t"]] {
        let word = unique_word();
        let name = detach(&sandbox, options, &format!("exec sleep {word}"));
        kill(launcher(&sandbox, &name), Signal::SIGKILL).expect("killing the supervisor");
        assert_all_gone(&word);
        assert_status(&sandbox, &name, "lost");
        assert_eq!(sandbox.says(&["wait", &name]).stdout, "137\n");
        sandbox.output(&["-d", "--name", &name], "true").ok();
    }
}

/// The process that the user started is killed at an instant of the start: then nothing runs, or the sandbox
/// runs and is listed.
#[test]
fn it_runs_completely_or_not_at_all() {
    let sandbox = Sandbox::new();
    let (length, word) = (sandbox.duration_of_a_start(), unique_word());
    for round in 0..40_u32 {
        let name = unique_name();
        let mut command = sandbox.run(&["-d", "--rm", "--name", &name], &["sleep", &word]);
        let started = Started::in_a_session(&mut command);
        std::thread::sleep(length * round / 30);
        kill(started.pid(), Signal::SIGKILL).expect("killing it");
        drop(started.end_within(LIMIT));
        let is_settled = || {
            let runs = !processes_with_word(&word).is_empty();
            let is_listed = listed(&sandbox, &name).is_some();
            runs == is_listed
        };
        assert!(soon(LIMIT, is_settled), "round {round}");
        if listed(&sandbox, &name).is_some() {
            sandbox.says(&["kill", &name]);
        }
        assert_all_gone(&word);
    }
}

#[test]
fn ten_start_at_once() {
    let sandbox = Sandbox::new();
    let start = |number: u32| {
        let script = format!("echo {number}; exit {number}");
        (number, Started::new(&mut sandbox.shell(&["-d"], &script)))
    };
    let started: Vec<(u32, Started)> = (0..10).map(start).collect();
    for (number, started) in started {
        let name = started.end_within(LIMIT).ok().trim_end().to_owned();
        assert_eq!(sandbox.says(&["wait", &name]).ok(), format!("{number}\n"));
        assert_eq!(sandbox.says(&["logs", &name]).ok(), format!("{number}\n"));
    }
}

#[test]
fn start_and_end_are_reported_on_a_descriptor() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let line = format!(
        "subroot run -d --json-status 3 {root} -- sh -c 'exit 3' 3>status; \
         until grep -q ended status; do sleep 0.05; done; cat status"
    );
    let seen = sandbox.host.output(&mut sandbox.alice.shell(&line)).ok();
    assert!(seen.contains("{\"event\":\"ended\",\"signal\":null,\"status\":3}"), "{seen}");
    assert!(seen.contains("\"event\":\"started\""), "{seen}");
}

#[test]
fn without_a_directory_for_its_log_it_is_refused_with_a_fix_that_works() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    fs::write(sandbox.alice.home.join("file"), "").expect("a file");
    let run = format!("subroot run -d --name {} {root} -- true", unique_name());
    let line = format!("export XDG_RUNTIME_DIR=$(mktemp -d) XDG_STATE_HOME=~/file; {run}");
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&line));
    assert_refused(&outcome, 125, &["opening the directory of detached sandboxes", "file"]);
    let fix =
        outcome.stderr.lines().nth(1).and_then(|line| line.strip_prefix("subroot: fix: ")).expect("a fix");
    let fixed = format!("{fix}; {run}");
    sandbox.host.output(&mut sandbox.alice.shell(&fixed)).ok();
}

#[test]
fn on_a_full_disk_it_is_refused() {
    let sandbox = Sandbox::new();
    let state = small_disk(&sandbox, "4k", 4096);
    let mut command = sandbox.shell(&["-d"], "touch /mark");
    let outcome = sandbox.host.output(command.env("XDG_STATE_HOME", &state));
    assert_refused(&outcome, 125, &["writing the record of a detached sandbox", "No space left on device"]);
    assert!(outcome.stderr.contains("fix: remove files from the filesystem of "), "{outcome:?}");
    assert!(!sandbox.has_mark());
}

/// nohup is not needed, and does not keep signals of `subroot kill` from the command.
#[test]
fn a_hangup_of_kill_reaches_the_command() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    let script = "trap 'exit 9' HUP; echo ready; while :; do sleep 0.05; done";
    let mut command = sandbox.shell(&["-d", "--name", &name], script);
    sandbox.host.output(start_with(&mut command, vec![Step::IgnoreAllSignals])).ok();
    assert!(soon(LIMIT, || sandbox.says(&["logs", &name]).stdout == "ready\n"));
    sandbox.says(&["kill", "-s", "HUP", &name]).ok();
    assert_eq!(sandbox.says(&["wait", &name]).ok(), "9\n");
}
