//! Simulates a user at a terminal.

use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::write;
use std::process::{Child, Command};
use std::time::Duration;
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{Started, Terminal};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A user at a terminal. A launch runs in the foreground of the terminal's session.
pub(crate) struct Person {
    pub(crate) terminal: Terminal,
    pub(crate) launch: Started,
    seen: String,
}

impl Person {
    /// Starts a launch with its own terminal.
    pub(crate) fn new(sandbox: &Sandbox, options: &[&str], words: &[&str]) -> Person {
        Person::starts(sandbox, &sandbox.run(&[&["-t"], options].concat(), words))
    }

    /// Starts a program from the terminal, with /dev/null as its standard input.
    pub(crate) fn without_input(sandbox: &Sandbox, program: &Command) -> Person {
        let mut shell = sandbox.alice.command("sh");
        shell
            .args(["-c", "exec \"$@\" </dev/null", "sh"])
            .arg(program.get_program())
            .args(program.get_args());
        Person::starts(sandbox, &shell)
    }

    /// Closes the terminal, as if the user had closed its window or tmux pane.
    pub(crate) fn hangs_up(self) -> Started {
        self.launch
    }

    /// Starts a program from a terminal of 30 lines and 100 columns.
    pub(crate) fn starts(sandbox: &Sandbox, program: &Command) -> Person {
        let terminal = Terminal::of(&sandbox.alice);
        terminal.resize("30", "100");
        let mut command: Command = sandbox.alice.command("setsid");
        command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
        let launch = terminal.start(&mut command);
        Person { terminal, launch, seen: String::new() }
    }

    pub(crate) fn settings(&self) -> Termios {
        tcgetattr(&self.terminal.slave).expect("the terminal's settings")
    }

    pub(crate) fn types(&self, text: &str) {
        assert_eq!(write(&self.terminal.master, text.as_bytes()), Ok(text.len()));
    }

    /// Waits for this text, and discards the output up to its end.
    #[track_caller]
    pub(crate) fn assert_sees(&mut self, text: &str) {
        self.terminal.read_until(&mut self.seen, text, LIMIT);
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        self.launch.child()
    }

    pub(crate) fn ends_with(mut self, status: i32) -> Self {
        assert_eq!(
            self.child().wait().expect("waiting for the launch").code(),
            Some(status),
            "{}",
            self.seen
        );
        self
    }
}
