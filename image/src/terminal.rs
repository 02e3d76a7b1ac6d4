//! Questions on the terminal, with and without an echo of the answer.

use crate::error::{Error, reason};
use crate::registry::refusal::Refusal;
use crate::signals::Signals;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;

const TERMINAL: &str = "/dev/tty";
/// Long enough that waiting for a person costs nothing, in milliseconds.
const INTERVAL: u16 = 1000;

/// Asks for a line.
///
/// # Errors
/// There is no terminal.
pub(crate) fn line(question: &str) -> Result<String, Refusal> {
    let terminal = open()?;
    ask(&terminal, question)?;
    read_line(&terminal)
}

/// Asks for a line that is not shown.
///
/// # Errors
/// There is no terminal, or it shows what is typed. [`Error::Interrupted`]: the terminal then shows again what is
/// typed.
pub(crate) fn secret(question: &str, failed: impl Fn(Refusal) -> Error) -> Result<String, Error> {
    let terminal = open().map_err(&failed)?;
    let signals = Signals::block()?;
    let read = {
        let _silent = Silent::new(&terminal).map_err(&failed)?;
        ask(&terminal, question).map_err(&failed)?;
        loop {
            match signals.wait_for(terminal.as_fd(), INTERVAL) {
                Ok(false) => {}
                Ok(true) => break read_line(&terminal).map_err(&failed),
                Err(error) => break Err(error),
            }
        }
    };
    signals.unblock()?;
    read
}

fn open() -> Result<File, Refusal> {
    let opened = OpenOptions::new().read(true).write(true).open(TERMINAL);
    opened.map_err(|_| Refusal::new("there is no terminal to ask on; use -u USER and --password-stdin"))
}

fn ask(mut terminal: &File, question: &str) -> Result<(), Refusal> {
    terminal.write_all(question.as_bytes()).map_err(|error| failed(&error))
}

fn read_line(terminal: &File) -> Result<String, Refusal> {
    let mut text = String::new();
    BufReader::new(terminal).read_line(&mut text).map_err(|error| failed(&error))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn failed(error: &io::Error) -> Refusal {
    Refusal::new(format!("reading from the terminal: {}", reason(error)))
}

/// A terminal without an echo, until this is dropped.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Silent<'_> {
    fn new(terminal: &File) -> Result<Silent<'_>, Refusal> {
        let failed = |errno: nix::Error| Refusal::new(format!("turning the echo off: {}", errno.desc()));
        let before = tcgetattr(terminal).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        silent.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(terminal, SetArg::TCSAFLUSH, &silent).map_err(failed)?;
        Ok(Silent { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Error ignored: nothing else could turn it on again.
        let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}
