//! subroot, the unprivileged launcher: starts a program in its own root file system, as root inside and as nobody
//! special outside.
//!
//! [`Sandbox`] describes what is to be run; [`Sandbox::spawn`] starts it and gives a [`Running`]. The program is made of the
//! same: `cli` has what was typed, `options` what is asked for, `plan` what is meant, `launch` clones the child and has
//! its IDs mapped, `child` builds the new root and starts the command, and `relay` waits for its end.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test that reads a wrong default fails"))]

mod child;
mod cli;
mod diagnose;
mod error;
mod failure;
mod grants;
mod parent;
mod plan;
mod request;
mod rootfs;
mod sys;

#[doc(hidden)] // for its tests, which run it by an interpreter
pub use child::seccomp;
pub use error::Error;
pub use parent::running::Running;
pub use request::ids::{Account, From, GivenLine, UserWord, Userns};
pub use request::mount::{Attributes, Bind, Content, Mount};
pub use request::namespaces::Network;
pub use request::root::Overlay;
pub use request::sandbox::Sandbox;

use cli::args::{Cli, ExecWords, RunWords, Verb};
use log::LevelFilter;
use std::ffi::OsString;
use std::process::ExitCode;

/// The program: reads the command line, does what it says, and ends with its status.
pub fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => ExitCode::from(cli::output::status(&error)),
    }
}

fn run() -> anyhow::Result<u8> {
    if sys::program::is_secure_execution() {
        return Err(Error::Setuid.into());
    }
    let (words, command) = cli::args::split_command(std::env::args_os());
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(message) => return Ok(cli::output::usage(&message)),
    };
    log_to_standard_error(cli.verbose);
    if cli.quiet {
        sys::standard_error::be_quiet();
    }
    match cli.verb {
        Verb::Run(typed) => run_sandbox(*typed, command),
        Verb::Exec(typed) => run_in_sandbox(typed, command),
        Verb::Ps(typed) => cli::listing::print(&typed),
        Verb::Kill(typed) => cli::listing::kill(&typed),
        Verb::Unshare(typed) => cli::options::unshare(typed, command).run(),
        Verb::Idmap(typed) => cli::idmap::print(&typed),
        Verb::Doctor(typed) => cli::doctor::print(&typed),
        Verb::Grants(typed) => cli::grants::print(&typed),
        Verb::Completions(typed) => cli::completions::print(&typed),
    }
}

/// What `-v` or SUBROOT_LOG asks for; the variable has the last word.
fn log_to_standard_error(verbose: u8) {
    if verbose == 0 && std::env::var_os("SUBROOT_LOG").is_none() {
        return;
    }
    let level = [LevelFilter::Warn, LevelFilter::Debug, LevelFilter::Trace];
    let level = level.get(usize::from(verbose)).copied().unwrap_or(LevelFilter::Trace);
    env_logger::Builder::new().filter_level(level).parse_env("SUBROOT_LOG").init();
}

fn run_sandbox(typed: RunWords, command: Option<Vec<OsString>>) -> anyhow::Result<u8> {
    let format = typed.print_plan.clone();
    let sandbox = cli::options::run(typed, command)?;
    match format {
        Some(format) => cli::print_plan::print(&sandbox, format == "json"),
        None => sandbox.run(),
    }
}

fn run_in_sandbox(typed: ExecWords, command: Option<Vec<OsString>>) -> anyhow::Result<u8> {
    let known = parent::registry::find(&typed.sandbox)?;
    let process = cli::options::exec(typed, command, &known.process)?;
    Ok(parent::join::run(&parent::join::Joined::new(&known, process)?, None)?)
}
