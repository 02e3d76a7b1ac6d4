//! subroot-image brings root filesystems in: it unpacks an archive, or the layers of an image, below a directory,
//! with the owners that the caller's subordinate IDs allow. `subroot import` runs it.
//!
//! The modules follow the way of the bytes: `source` opens an image or an archive and decompresses it, `tar` reads
//! the entries, and `apply` makes the files. `unpack` is the process that does so, in namespaces in which only the
//! target directory exists; `unpacker` starts it for a `task`, and `import` gives the complete tree its name. Every
//! byte of an archive is hostile: see docs/threat-model.md.

pub mod apply;
mod args;
pub mod digest;
mod error;
mod import;
mod input;
mod output;
mod progress;
pub mod source;
mod spool;
mod sys;
pub mod tar;
mod target;
mod task;
mod unpack;
mod unpacker;

pub use error::{Error, Hint};

use crate::args::Command;
use crate::import::Request;
use crate::unpacker::Ended;
use std::ffi::OsString;
use std::process::ExitCode;

/// The exit status of every error, as that of subroot.
const FAILED: u8 = 125;

/// The program: reads the command line, runs the command, and returns its exit status.
#[doc(hidden)] // for main.rs
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    ExitCode::from(match args::read(&args) {
        Ok(Command::Import(request)) => run_import(&request),
        Ok(Command::Unpack(task)) => u8::from(!unpack::run(&task)),
        Err(error) => {
            output::line(&error.to_string());
            FAILED
        }
    })
}

fn run_import(request: &Request) -> u8 {
    match import::import(request) {
        Ok(Ended::Complete(imported)) => {
            if !request.is_quiet {
                output::summary(request, &imported);
            }
            0
        }
        // As a shell reports a command that a signal has ended.
        Ok(Ended::Interrupted(signal)) => u8::try_from(128 + signal).unwrap_or(FAILED),
        Err(error) => {
            output::error(&error, request);
            FAILED
        }
    }
}
