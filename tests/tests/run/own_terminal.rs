//! `--tty`: what passes between the command's terminal and the caller's standard streams.

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::Started;
use subroot_tests::running::PATIENCE;
use subroot_tests::sandbox::Sandbox;

/// Starts it, and reads its output in small pieces while the pipe is full.
fn read_slowly(mut command: Command) -> String {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).expect("a pipe");
    command.process_group(0).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let started = Started::with_own_descriptors(&mut command);
    drop(command);
    let (mut reader, mut output, mut chunk) = (File::from(reader), Vec::new(), [0; 8192]);
    sleep(Duration::from_millis(500));
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => output.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("reading the output: {error}"),
        }
        sleep(Duration::from_millis(2));
    }
    let outcome = started.end_within(PATIENCE);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""));
    String::from_utf8(output).expect("text")
}

#[test]
fn nothing_is_lost_if_standard_output_is_slow_and_does_not_block() {
    let sandbox = Sandbox::new();
    let expected: String = (1..=60_000).map(|number| format!("{number}\r\n")).collect();
    let seen = read_slowly(sandbox.run(&["--tty"], &["seq", "60000"]));
    assert!(seen == expected, "{} bytes instead of {}", seen.len(), expected.len());
}

#[test]
fn the_end_of_input_reaches_the_command() {
    let sandbox = Sandbox::new();
    let unreadable = OpenOptions::new().write(true).open("/dev/null").expect("/dev/null");
    for input in [Stdio::null(), Stdio::from(unreadable)] {
        let mut command = sandbox.run(&["--tty"], &["cat"]);
        let outcome = Started::new(command.stdin(input)).end_within(PATIENCE);
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""));
    }
}

/// A file that has ended has ended for every reader, also after the terminal has been in raw mode.
#[test]
fn the_end_of_input_reaches_every_program_that_reads() {
    let sandbox = Sandbox::new();
    for script in ["cat; cat; stty -icanon; stty icanon; cat; echo over", "cat; sh -i; cat; echo over"] {
        let mut command = sandbox.shell(&["--tty"], script);
        let outcome = Started::new(command.stdin(Stdio::null())).end_within(PATIENCE);
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{script}");
        assert!(outcome.stdout.contains("over"), "{script}: {}", outcome.stdout);
    }
}
