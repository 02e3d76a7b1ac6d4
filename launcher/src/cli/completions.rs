//! `subroot completions`: what makes a shell complete the command line, from the same table as the help.

use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::help::explained;
use crate::cli::output;
use crate::cli::values::shells::SHELL;
use crate::error::Error;
use clap::CommandFactory as _;

/// Prints the script for a shell. The whole tree of commands is built here, and for no other command.
///
/// # Errors
/// Those of the output.
pub(crate) fn print(typed: &CompletionsArgs) -> anyhow::Result<u8> {
    let shell = SHELL.read(Some(&typed.shell)).map_err(|why| Error::Usage { what: "SHELL", why })?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut explained(Cli::command()), "subroot", &mut script);
    output::output(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
