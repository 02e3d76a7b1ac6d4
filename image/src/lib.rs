//! subroot-image brings root filesystems in: it unpacks an archive, or the layers of an image, below a directory,
//! with the owners that the caller's subordinate IDs allow. `subroot import` runs it.
//!
//! `export` makes an archive of a tree or an image. `pack` is its process, which walks the tree in a user namespace.
//!
//! The modules follow the way of the bytes: `source` opens an image or an archive and decompresses it, `tar` reads
//! the entries, and `apply` makes the files. `unpack` is the process that does so, in namespaces in which only the
//! target directory exists; `unpacker` starts it for a `task`. `import` gives the complete tree its name as a
//! directory; `store` keeps images and their unpacked layers, and `commands` are what users call. Every byte of an
//! archive is hostile: see docs/threat-model.md.

pub mod apply;
mod args;
mod bars;
mod commands;
pub mod digest;
mod error;
mod export;
mod ids;
mod import;
mod input;
mod output;
mod pack;
mod probe;
mod progress;
mod pull;
mod registry;
mod signals;
pub mod source;
mod spool;
mod store;
mod sys;
pub mod tar;
mod target;
mod task;
mod terminal;
mod unpack;
mod unpacker;

pub use error::{Error, Hint};

use crate::args::Command;
use crate::commands::import::{Request, Target};
use crate::commands::{
    commit as committing, export as exporting, images, import as importing, inspect, login, prune,
    pull as pulling, rmi,
};
use std::ffi::OsString;
use std::process::ExitCode;

/// The exit status of every error, as that of subroot.
const FAILED: u8 = 125;

/// The program: reads the command line, runs the command, and returns its exit status.
#[doc(hidden)] // for main.rs
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    ExitCode::from(match args::read(&args) {
        Ok(command) => run(command),
        Err(error) => {
            output::line(&error.to_string());
            FAILED
        }
    })
}

fn run(command: Command) -> u8 {
    let quiet = match &command {
        Command::Import(request, _) | Command::Prepare(request) | Command::Pull(request, _) => {
            request.is_quiet
        }
        Command::Export(export) => export.request.is_quiet,
        Command::Commit(commit) => commit.request.is_quiet,
        _ => false,
    };
    if quiet {
        output::be_quiet();
    }
    match command {
        Command::Import(request, target) => run_import(&request, &target),
        Command::Prepare(request) => status(importing::prepare(&request)),
        Command::Pull(request, names) => status(pulling::pull(&request, &names)),
        Command::Export(request) => status(exporting::export(&request)),
        Command::Commit(request) => status(committing::commit(&request)),
        Command::Login(request) => status(login::login(&request)),
        Command::Logout(registry) => status(login::logout(&registry)),
        Command::Images(listing) => match images::list(listing) {
            Ok(is_complete) => u8::from(!is_complete),
            Err(error) => status(Err(error)),
        },
        Command::Prune => status(prune::prune()),
        Command::Remove(names) => status(rmi::remove(&names)),
        Command::Inspect(names) => status(inspect::inspect(&names)),
        Command::Unpack(task) => u8::from(!unpack::run(&task)),
        Command::Pack(task) => u8::from(!pack::run::run(&task)),
        Command::Probe => u8::from(!probe::run()),
    }
}

fn run_import(request: &Request, target: &Target) -> u8 {
    match importing::import(request, target) {
        Ok(imported) => {
            if !request.is_quiet {
                output::summary(&request.source, target, &imported);
            }
            0
        }
        Err(Error::Interrupted { signal }) => interrupted(signal),
        Err(error) => {
            output::error(&error, &request.source, target);
            FAILED
        }
    }
}

/// The exit status of a command about the store.
fn status(done: Result<(), Error>) -> u8 {
    match done {
        Ok(()) => 0,
        Err(Error::Interrupted { signal }) => interrupted(signal),
        Err(error) => {
            output::store_error(&error);
            FAILED
        }
    }
}

/// As a shell reports a command that a signal has ended.
fn interrupted(signal: i32) -> u8 {
    // Error ignored: no signal has such a number.
    u8::try_from(128 + signal).ok().unwrap_or(FAILED)
}
