//! The command that a command line names, with everything that it accepts.

use crate::cli::args::Cli;
use crate::cli::help::explained;
use clap::{Arg, Command, CommandFactory as _};
use std::ffi::OsString;

/// A command, and the program that has it.
pub(crate) struct Typed {
    program: Command,
    command: Command,
}

impl Typed {
    /// Finds the last command that the arguments name before the refused one; the program itself if they name
    /// none.
    pub(crate) fn new(args: &[OsString], refused: &str) -> Typed {
        let mut program = explained(Cli::command());
        program.build();
        let mut command = &program;
        for arg in args.iter().skip(1).map(|arg| arg.to_string_lossy()) {
            match command.find_subcommand(&*arg) {
                Some(below) => command = below,
                None if arg.starts_with('-') && arg != refused => {}
                None => break,
            }
        }
        Typed { command: command.clone(), program }
    }

    /// The program itself instead, if only that has this option.
    pub(crate) fn with(self, option: &str) -> Typed {
        let is_elsewhere = find(&self.command, option).is_none() && find(&self.program, option).is_some();
        if is_elsewhere { Typed { command: self.program.clone(), program: self.program } } else { self }
    }

    /// The command as it is typed, such as `subroot grants lint`.
    pub(crate) fn name(&self) -> &str {
        self.command.get_bin_name().unwrap_or("subroot")
    }

    /// The same without the program's name.
    pub(crate) fn verb(&self) -> &str {
        self.name().trim_start_matches("subroot").trim_start()
    }

    /// The names of its subcommands.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &str> {
        self.command.get_subcommands().map(Command::get_name)
    }

    /// The long names of its options, with their hyphens.
    pub(crate) fn options(&self) -> Vec<String> {
        let long = |arg: &Arg| arg.get_long().map(|long| format!("--{long}"));
        self.command.get_arguments().filter_map(long).collect()
    }

    /// True for an option of `subroot` that is typed after one of its commands.
    pub(crate) fn is_option_of_program(&self, option: &str) -> bool {
        !self.verb().is_empty() && find(&self.program, option).is_some()
    }

    /// The values of an option or argument that takes one of a few.
    pub(crate) fn possible_values(&self, name: &str) -> Vec<String> {
        let possible = find(&self.command, name).map(Arg::get_possible_values).unwrap_or_default();
        possible.iter().map(|value| value.get_name().to_owned()).collect()
    }
}

/// The option or argument with this name, as the parser's errors spell it.
fn find<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    let is_named = |arg: &&Arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| name == format!("-{short}")) || arg.to_string() == name,
    };
    command.get_arguments().find(is_named)
}
