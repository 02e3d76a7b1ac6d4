//! Questions on the terminal, with and without an echo of the answer.

use crate::error::reason;
use crate::registry::refusal::Refusal;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};

const TERMINAL: &str = "/dev/tty";

/// Asks for a line.
///
/// # Errors
/// There is no terminal.
pub(crate) fn line(question: &str) -> Result<String, Refusal> {
    let terminal = open()?;
    answer(&terminal, question)
}

/// Asks for a line that is not shown.
///
/// # Errors
/// There is no terminal, or it shows what is typed.
pub(crate) fn secret(question: &str) -> Result<String, Refusal> {
    let terminal = open()?;
    let _silent = Silent::new(&terminal)?;
    answer(&terminal, question)
}

fn open() -> Result<File, Refusal> {
    let opened = OpenOptions::new().read(true).write(true).open(TERMINAL);
    opened.map_err(|_| Refusal::new("there is no terminal to ask on; use -u USER and --password-stdin"))
}

fn answer(mut terminal: &File, question: &str) -> Result<String, Refusal> {
    let failed = |error| Refusal::new(format!("reading from the terminal: {}", reason(&error)));
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let mut text = String::new();
    BufReader::new(terminal).read_line(&mut text).map_err(failed)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
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
