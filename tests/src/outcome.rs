//! A started command and how it ended.

use crate::start::{Step, start_with};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How a command ended and what it printed.
#[derive(Debug)]
pub struct Outcome {
    /// The status from the kernel.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// The exit status as a shell shows it: 128 plus the signal's number if a signal killed it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Fails the test unless the command succeeded. Returns its standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code(), 0, "{self:?}");
        self.stdout
    }
}

/// A started command, which leads its own process group.
pub struct Started(Child);

impl Started {
    /// Starts a command and captures its output, except for what the command redirects itself with
    /// [`Command::stdout`].
    pub fn new(command: &mut Command) -> Started {
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        Started::with_own_descriptors(command)
    }

    /// The same in a new session, as the shells of terminals, ssh and cron are started: a process that adopts
    /// what it leaves is then not in its session.
    pub fn in_a_session(command: &mut Command) -> Started {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Started::with_own_descriptors(start_with(command, vec![Step::LeadSession]))
    }

    /// Starts a command with the descriptors it was given. A program that a test has just written cannot be
    /// executed (ETXTBSY) while a process forked by another test still has it open, until that process's
    /// execve.
    #[track_caller]
    pub fn with_own_descriptors(command: &mut Command) -> Started {
        for _ in 0..1000 {
            match command.spawn() {
                Ok(child) => return Started(child),
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    thread::sleep(Duration::from_millis(5))
                }
                Err(error) => panic!("starting {command:?}: {error}"),
            }
        }
        panic!("starting {command:?}: its program stays open for writing");
    }

    /// Its process ID.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).expect("a PID"))
    }

    /// The handle of the standard library, for operations that are not offered here.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for the end. Kills the process group and fails the test if that takes too long.
    #[track_caller]
    pub fn end_within(self, limit: Duration) -> Outcome {
        let pid = self.pid();
        let (ended, watch) = mpsc::channel();
        let watchdog = thread::spawn(move || {
            let too_long = watch.recv_timeout(limit).is_err();
            if too_long {
                let _already_gone = killpg(pid, Signal::SIGKILL);
            }
            too_long
        });
        let output = self.0.wait_with_output().expect("waiting for a command");
        let _watchdog_gone = ended.send(());
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let outcome =
            Outcome { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!watchdog.join().expect("the watchdog"), "not done within {limit:?}: {outcome:?}");
        outcome
    }
}
