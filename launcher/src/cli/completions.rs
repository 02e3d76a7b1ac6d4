//! `subroot completions`: prints a script with which a shell completes the command line. It is generated from
//! the same structs as the help.

pub(crate) mod bash;
pub(crate) mod fish;
pub(crate) mod table;
pub(crate) mod values;
pub(crate) mod zsh;

use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::help::explained;
use crate::cli::output;
use crate::cli::values::shells::{SHELL, Shell};
use crate::error::Error;
use clap::CommandFactory as _;

/// Prints the script for a shell. Only this command builds the whole tree of commands.
///
/// # Errors
/// The shell is unknown, or standard output cannot be written.
pub(crate) fn print(typed: &CompletionsArgs) -> anyhow::Result<u8> {
    let shell = SHELL.read(Some(&typed.shell)).map_err(|why| Error::Usage { what: "SHELL", why })?;
    let commands = table::commands(explained(Cli::command()));
    output::output(&match shell {
        Shell::Bash => bash::script(&commands),
        Shell::Zsh => zsh::script(&commands),
        Shell::Fish => fish::script(&commands),
    })?;
    Ok(0)
}
