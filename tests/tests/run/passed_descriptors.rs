//! `--preserve-fds`, and the sockets of a socket activator (property L3: only what was named).

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use subroot_tests::running::{PATIENCE, Running, soon, unique_word};
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Started, Step, skip, start_with};

const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];
const LIST: &str = "for fd in /proc/self/fd/*; do echo ${fd##*/}; done";

fn open(path: &str) -> OwnedFd {
    File::open(path).expect("a file of the host").into()
}

/// The command with this file as each of these descriptors.
fn with_descriptors<'c>(command: &'c mut Command, path: &str, numbers: &[i32]) -> &'c mut Command {
    start_with(command, numbers.iter().map(|number| Step::Pass(open(path), *number)).collect())
}

/// A sandbox that runs under a name until it is killed.
fn running(sandbox: &Sandbox, options: &[&str]) -> (Running, String) {
    let name = format!("passing-{}", unique_word());
    let options = [options, &["--name", &name]].concat();
    (Running::new(&mut sandbox.run(&options, &["sh", "-c", "echo ready; exec sleep 1000"])), name)
}

#[test]
fn the_command_gets_the_descriptors_that_were_named_and_no_others() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let options = [options, &["--preserve-fds", "2"]].concat();
        let mut command = sandbox.shell(&options, &format!("head -c 4 <&3; {LIST}"));
        let outcome = sandbox.host.output(with_descriptors(&mut command, "/etc/passwd", &[3, 4, 5, 9]));
        // 5 is the directory that the shell itself reads.
        assert_eq!(outcome.ok(), "root0\n1\n2\n3\n4\n5\n", "{options:?}");
    }
}

#[test]
fn exec_passes_descriptors_too() {
    let sandbox = Sandbox::new();
    let (running, name) = running(&sandbox, &[]);
    let mut command =
        sandbox.subroot(&["exec", "--preserve-fds", "1", &name, "head", "-c", "4", "/dev/fd/3"]);
    let outcome = sandbox.host.output(with_descriptors(&mut command, "/etc/passwd", &[3, 4]));
    assert_eq!(outcome.ok(), "root");
    running.signal(9);
}

#[test]
fn a_terminal_of_its_own_does_not_take_their_numbers() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.run(&["-t", "--preserve-fds", "1"], &["head", "-c", "4", "/dev/fd/3"]);
    let outcome = sandbox.host.output(with_descriptors(&mut command, "/etc/passwd", &[3]));
    assert_eq!(outcome.ok(), "root");
}

#[test]
fn a_descriptor_that_is_not_open_is_refused_by_its_number() {
    let sandbox = Sandbox::new();
    let (running, name) = running(&sandbox, &[]);
    let mut run = sandbox.leaving_a_mark(&["--preserve-fds", "3"]);
    let mut exec = sandbox.subroot(&["exec", "--preserve-fds", "3", &name, "touch", "/mark"]);
    for command in [&mut run, &mut exec] {
        let outcome = sandbox.host.output(with_descriptors(command, "/etc/passwd", &[3, 5]));
        assert_refused(&outcome, 125, &["--preserve-fds: descriptor 4 is not open"]);
    }
    assert!(!sandbox.has_mark());
    running.signal(9);
}

#[test]
fn a_directory_is_refused() {
    let sandbox = Sandbox::new();
    let (running, name) = running(&sandbox, &[]);
    let mut run = sandbox.leaving_a_mark(&["--preserve-fds", "1"]);
    let mut exec = sandbox.subroot(&["exec", "--preserve-fds", "1", &name, "touch", "/mark"]);
    for command in [&mut run, &mut exec] {
        let outcome = sandbox.host.output(with_descriptors(command, "/", &[3]));
        assert_refused(&outcome, 125, &["passing descriptor 3: it is a directory"]);
    }
    assert!(!sandbox.has_mark());
    running.signal(9);
}

#[test]
fn the_descriptor_of_the_status_stream_is_not_passed() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.leaving_a_mark(&["--preserve-fds", "2", "--json-status", "4"]);
    let outcome = sandbox.host.output(with_descriptors(&mut command, "/etc/passwd", &[3, 4]));
    assert_refused(&outcome, 125, &["--preserve-fds: descriptor 4 is that of --json-status"]);
    assert!(!sandbox.has_mark());
}

/// Nothing of subroot holds the descriptor: its other end sees when the command closes it.
#[test]
fn only_the_command_holds_the_descriptor() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let options = [options, &["--preserve-fds", "1"]].concat();
        let script = "echo ready; echo closing >&3; exec 3>&-; exec sleep 1000";
        let mut command = sandbox.shell(&options, script);
        let running = Running::of(Started::new(start_with(&mut command, vec![Step::Pass(theirs.into(), 3)])));
        // The test's own copy is in the steps of the command.
        drop(command);
        ours.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut text = String::new();
        let end = ours.read_to_string(&mut text);
        assert!(end.is_ok() && text == "closing\n", "{options:?} {end:?} {text}");
        running.signal(9);
    }
}

/// A launch with LISTEN_FDS=1 and this LISTEN_PID, `$$` being the launcher's own.
fn activated(sandbox: &Sandbox, pid: &str, options: &str, script: &str) -> Command {
    let root = sandbox.rootfs.path.display();
    let variables = format!("LISTEN_PID={pid} LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PIDFDID=7");
    sandbox
        .alice
        .shell(&format!("{variables} exec subroot run {options} {root} -- sh -c '{script}' 3</etc/passwd"))
}

#[test]
fn the_descriptors_of_a_socket_activator_are_the_commands() {
    let sandbox = Sandbox::new();
    let script = "head -c 4 <&3; echo \" $LISTEN_FDS $LISTEN_FDNAMES $LISTEN_PIDFDID\"; [ $LISTEN_PID = $$ ] || echo $LISTEN_PID is not $$";
    for options in ["", "--as-pid-1", "--env-host", "--pid host", "-e LISTEN_PID=1 -e LISTEN_FDS=9"] {
        let outcome = sandbox.host.output(&mut activated(&sandbox, "$$", options, script));
        assert_eq!(outcome.ok(), "root 1 web \n", "{options}");
    }
}

#[test]
fn variables_for_another_process_pass_nothing() {
    let sandbox = Sandbox::new();
    for pid in ["1", "x", ""] {
        let script = format!("{LIST}; echo $LISTEN_PID$LISTEN_FDS");
        let outcome = sandbox.host.output(&mut activated(&sandbox, pid, "", &script));
        assert_eq!(outcome.ok(), "0\n1\n2\n3\n\n", "{pid}");
    }
}

#[test]
fn a_wrong_count_of_an_activator_is_refused() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    for (count, why) in
        [("2", "LISTEN_FDS: descriptor 4 is not open"), ("-1", "LISTEN_FDS: invalid number -1")]
    {
        let line =
            format!("LISTEN_PID=$$ LISTEN_FDS={count} exec subroot run {root} -- touch /mark 3</etc/passwd");
        assert_refused(&sandbox.host.output(&mut sandbox.alice.shell(&line)), 125, &[why]);
    }
    assert!(!sandbox.has_mark());
}

#[test]
fn exec_inherits_no_activation_of_the_first_command() {
    let sandbox = Sandbox::new();
    let name = format!("activated-{}", unique_word());
    let options = format!("--env-host --name {name}");
    let running = Running::new(&mut activated(&sandbox, "$$", &options, "echo ready; exec sleep 1000"));
    let script = format!("env | grep LISTEN; {LIST}");
    assert_eq!(sandbox.says(&["exec", &name, "sh", "-c", &script]).ok(), "0\n1\n2\n3\n");
    running.signal(9);
}

/// A server in a sandbox, started by systemd's own activator at the first connection.
#[test]
fn a_server_is_started_by_systemds_activator() {
    const ACTIVATOR: &str = "/usr/bin/systemd-socket-activate";
    const SERVER: &str = r#"open(my $s, "+<&=", 3); accept(my $c, $s); $c->autoflush(1);
        print $c "$ENV{LISTEN_FDS} $ENV{LISTEN_FDNAMES} ", $ENV{LISTEN_PID} == $$ ? "mine" : "not mine", "\n""#;
    if !Path::new(ACTIVATOR).exists() {
        skip!("systemd-socket-activate is not installed");
    }
    let sandbox = Sandbox::new();
    let socket = sandbox.alice.home.join("socket");
    for options in BOTH {
        let mut command = sandbox.alice.command(ACTIVATOR);
        command.arg("-l").arg(&socket).args(["--fdname=web", "subroot", "run"]).args(options);
        let started = Started::new(command.args(["--", "perl", "-MIO::Handle", "-e", SERVER]));
        let mut text = String::new();
        let has_answered = || {
            let Ok(mut stream) = UnixStream::connect(&socket) else { return false };
            stream.read_to_string(&mut text).expect("an answer");
            true
        };
        assert!(soon(PATIENCE, has_answered), "{:?}", started.end_within(PATIENCE));
        assert_eq!(text, "1 web mine\n", "{:?}", started.end_within(PATIENCE));
        fs::remove_file(&socket).expect("removing the socket");
    }
}
