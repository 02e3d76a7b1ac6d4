//! subroot, the unprivileged launcher: starts a program in its own root file system, as root inside and as nobody
//! special outside.
//!
//! A launch reads top to bottom: [`cli`] has what was typed, [`plan`] what is meant, [`launch`] clones the child and has its
//! IDs mapped, [`child`] builds the new root and starts the command, and [`relay`] waits for its end.

pub mod child;
pub mod cli;
pub mod command;
pub mod covering;
pub mod device_folder;
pub mod error;
pub mod explain;
pub mod failure;
pub mod grants;
pub mod host_root;
pub mod id_plan;
pub mod id_report;
pub mod init;
pub mod kernel;
pub mod launch;
pub mod mapper;
pub mod mount_points;
pub mod new_root;
pub mod plan;
pub mod relay;
pub mod report;
pub mod watcher;

use clap::Parser as _;
use cli::{Cli, Verb};
use error::Error;
use std::process::ExitCode;

/// The program: reads the command line, does what it says, and ends with its status.
pub fn main() -> ExitCode {
    let status = run().unwrap_or_else(|error| {
        report::failure(&error);
        error.downcast_ref::<Error>().map_or(error::OWN_FAILURE, Error::status)
    });
    ExitCode::from(status)
}

fn run() -> anyhow::Result<u8> {
    if kernel::is_secure_execution() {
        return Err(Error::Setuid.into());
    }
    if std::env::var_os("SUBROOT_LOG").is_some() {
        env_logger::Builder::from_env("SUBROOT_LOG").init();
    }
    let (words, command) = cli::split_command(std::env::args_os());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(message) => return Ok(report::usage(&message)),
    };
    match cli.verb {
        Verb::Run(typed) => launch::launch(plan::run(typed, command)?),
        Verb::Unshare(typed) => launch::launch(plan::unshare(typed, command)?),
        Verb::Idmap(typed) => id_report::print(&typed),
    }
}
