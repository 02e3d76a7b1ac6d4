//! Signals from the kernel and to process groups: each reaches the command of `run`, `exec` and `unshare`.

use crate::running::person::{LIMIT, Person};
use nix::libc;
use nix::unistd::{Pid, getpgid};
use std::process::Command;
use subroot_tests::running::{Running, assert_all_gone, inner_pid, process_inside, soon, unique_word};
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{Started, Step, processes_with_word, start_with};

/// alice's root filesystem, and a running sandbox to join.
struct Launches {
    sandbox: Sandbox,
    name: String,
    joined: Running,
}

impl Launches {
    fn new() -> Launches {
        let sandbox = Sandbox::new();
        let name = crate::running::unique_name();
        let joined = Running::new(&mut sandbox.shell(&["--name", &name], crate::running::READY));
        Launches { sandbox, name, joined }
    }

    /// Launches in alice's root filesystem whose command shares the caller's terminal.
    fn sharing_in_root(&self, words: &[&str]) -> Vec<Command> {
        vec![
            self.sandbox.run(&[], words),
            self.sandbox.run(&["--as-pid-1"], words),
            self.sandbox.run(&["--pid", "host"], words),
            self.sandbox.subroot(&[&["exec", &self.name], words].concat()),
        ]
    }

    /// These launches, and one in the host's own root filesystem.
    fn sharing(&self, words: &[&str]) -> Vec<Command> {
        let mut launches = self.sharing_in_root(words);
        launches.push(self.sandbox.subroot(&[&["unshare", "--"], words].concat()));
        launches
    }

    /// Launches whose command has its own terminal.
    fn apart(&self, words: &[&str]) -> Vec<Command> {
        vec![
            self.sandbox.run(&["-t"], words),
            self.sandbox.run(&["-t", "--as-pid-1"], words),
            self.sandbox.subroot(&[&["exec", "-t", &self.name], words].concat()),
        ]
    }

    fn all(&self, words: &[&str]) -> Vec<Command> {
        self.sharing(words).into_iter().chain(self.apart(words)).collect()
    }
}

impl Drop for Launches {
    fn drop(&mut self) {
        self.joined.signal(9);
    }
}

/// A command that prints a line when it runs, and has no signal handlers.
fn sleeping(word: &str) -> [String; 3] {
    ["sh".into(), "-c".into(), format!("echo ready; exec sleep {word}")]
}

#[test]
fn a_timers_signal_reaches_the_command() {
    let launches = Launches::new();
    let word = unique_word();
    for mut launch in launches.all(&["sleep", &word]) {
        // The command's process does not inherit the timer, so only the launcher gets its signal:
        // setitimer(2).
        let launch = start_with(&mut launch, vec![Step::Timer(0, 500_000)]);
        let status = Started::new(launch).end_within(LIMIT).code();
        assert_eq!(status, 128 + libc::SIGALRM, "{launch:?}");
        assert_all_gone(&word);
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_the_command() {
    let launches = Launches::new();
    let word = unique_word();
    let command = sleeping(&word);
    for launch in launches.all(&command.each_ref().map(String::as_str)) {
        let mut person = Person::starts(&launches.sandbox, &launch);
        person.assert_sees("ready");
        let status = person.hangs_up().end_within(LIMIT).code();
        assert_eq!(status, 128 + libc::SIGHUP, "{launch:?}");
        assert_all_gone(&word);
    }
}

/// A shell that ends at its terminal's hangup, with a launch in it.
fn below_a_shell(launches: &Launches, launch: &Command) -> Person {
    let mut shell = launches.sandbox.alice.command("sh");
    shell.args(["-c", "\"$@\"; true", "sh"]).arg(launch.get_program()).args(launch.get_args());
    Person::starts(&launches.sandbox, &shell)
}

#[test]
fn a_command_can_finish_what_it_does_at_a_hangup() {
    let launches = Launches::new();
    let word = unique_word();
    let mark = launches.sandbox.rootfs.path.join("mark");
    // The handler ends long after the terminal's shell.
    let handler = "trap 'sleep 0.7; echo >/mark; exit' HUP; echo ready; while :; do sleep 0.02; done";
    let words = ["sh", "-c", handler, &word];
    for launch in launches.sharing_in_root(&words).into_iter().chain(launches.apart(&words)) {
        let mut person = below_a_shell(&launches, &launch);
        person.assert_sees("ready");
        drop(person.hangs_up().end_within(LIMIT));
        assert!(soon(LIMIT, || mark.exists()), "{launch:?}");
        assert!(soon(LIMIT, || processes_with_word(&word).is_empty()), "{launch:?}");
        std::fs::remove_file(&mark).expect("removing the mark");
    }
}

#[test]
fn a_command_that_ignores_a_hangup_ends_some_time_after_the_shell() {
    let launches = Launches::new();
    let word = unique_word();
    let ignoring = format!("trap '' HUP; echo ready; exec sleep {word}");
    for launch in launches.all(&["sh", "-c", &ignoring]) {
        let mut person = below_a_shell(&launches, &launch);
        person.assert_sees("ready");
        assert!(soon(LIMIT, || !processes_with_word(&word).is_empty()), "{launch:?}");
        drop(person.hangs_up().end_within(LIMIT));
        assert!(soon(LIMIT, || processes_with_word(&word).is_empty()), "{launch:?}");
    }
}

#[test]
fn a_key_reaches_the_foreground_of_a_terminal_whose_launch_has_no_input() {
    let launches = Launches::new();
    let word = unique_word();
    // The process that the shell waits for must also get the signal.
    let script = format!("echo ready; sleep {word}; exit $?");
    for (key, signal) in [("\u{3}", libc::SIGINT), ("\u{1c}", libc::SIGQUIT)] {
        for launch in launches.apart(&["sh", "-c", &script]) {
            let mut person = Person::without_input(&launches.sandbox, &launch);
            person.assert_sees("ready");
            assert!(soon(LIMIT, || !processes_with_word(&word).is_empty()), "{launch:?}");
            person.types(key);
            assert_eq!(person.launch.end_within(LIMIT).code(), 128 + signal, "{launch:?}");
            assert_all_gone(&word);
        }
    }
}

#[test]
fn a_key_reaches_a_command_that_has_left_the_process_group() {
    let launches = Launches::new();
    let word = unique_word();
    let command = sleeping(&word);
    let words = [&["setsid"], &command.each_ref().map(String::as_str)[..]].concat();
    for launch in launches.sharing(&words) {
        let mut person = Person::starts(&launches.sandbox, &launch);
        person.assert_sees("ready");
        // Until then it is a shell that handles SIGINT by sending it to itself, which PID 1 does not get.
        assert!(soon(LIMIT, || !processes_with_word(&word).is_empty()), "{launch:?}");
        person.types("\u{3}");
        assert_eq!(person.launch.end_within(LIMIT).code(), 128 + libc::SIGINT, "{launch:?}");
        assert_all_gone(&word);
    }
}

/// A signal to the group reaches the command directly, and the launcher, which relays it. init would send it
/// once more.
#[test]
fn init_leaves_the_launchers_process_group_and_the_command_stays() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let running = Running::new(&mut sandbox.shell(&[], &format!("echo ready; exec sleep {word}")));
    let group = |pid: Pid| getpgid(Some(pid)).expect("a process group");
    let (init, command) = (pid_1_of(&running), process_inside(&word, "2"));
    assert!(soon(LIMIT, || group(init) == init));
    assert_eq!(group(command), group(running.pid()));
    running.signal(9);
}

fn pid_1_of(running: &Running) -> Pid {
    let children = subroot_tests::children(running.pid());
    let is_first = |pid: &Pid| inner_pid(*pid).as_deref() == Some("1");
    children.into_iter().find(is_first).expect("an init")
}
