//! The long help of an option: a text and its possible values. It is added only if help or a completion
//! script is requested, so that a launch does not pay for it.

use crate::cli::print_plan::FORMAT;
use crate::cli::values::namespaces::{NAMESPACE, NETWORK};
use crate::cli::values::one_of::Listed;
use crate::cli::values::pull::PULL;
use crate::cli::values::root::{DEV, PROC};
use crate::cli::values::shells::SHELL;
use clap::{Arg, ArgAction, Command};

/// The text of each option, below a line `# --OPTION`.
const TEXTS: &str = include_str!("help/options.txt");

/// The options that take one of a few values, with the tables from which they are also read.
const LISTS: [(&str, Listed); 10] = [
    ("pull", Listed(|at| PULL.listed(at))),
    ("proc", Listed(|at| PROC.listed(at))),
    ("dev", Listed(|at| DEV.listed(at))),
    ("network", Listed(|at| NETWORK.listed(at))),
    ("pid", Listed(|at| NAMESPACE.listed(at))),
    ("ipc", Listed(|at| NAMESPACE.listed(at))),
    ("uts", Listed(|at| NAMESPACE.listed(at))),
    ("cgroupns", Listed(|at| NAMESPACE.listed(at))),
    ("print_plan", Listed(|at| FORMAT.listed(at))),
    ("shell", Listed(|at| SHELL.listed(at))),
];

/// Adds the long help to a command and its subcommands.
#[cold]
pub(crate) fn explained(command: Command) -> Command {
    command.mut_args(explained_option).mut_subcommands(explained)
}

/// Adds the long help, but lets `--help` print only one line for each option.
#[cold]
pub(crate) fn short(command: Command) -> Command {
    explained(command).mut_arg("help", |help| help.action(ArgAction::HelpShort))
}

#[cold]
fn explained_option(mut arg: Arg) -> Arg {
    let text = arg.get_long().map_or("", |long| text_of(long, TEXTS));
    if let Some(line) = arg.get_help().filter(|_| !text.is_empty()) {
        let long = format!("{line}\n\n{text}");
        arg = arg.long_help(long);
    }
    if let Some((_, listed)) = LISTS.iter().find(|(id, _)| arg.get_id() == id) {
        let default = (listed.0)(0).filter(|_| arg.get_long().is_some() && !arg.is_require_equals_set());
        arg = arg.value_parser(listed.clone()).default_values(default.map(|(name, _)| name));
    }
    arg
}

/// The part of `text` below the line `# --OPTION` of this option.
pub(crate) fn text_of<'t>(long: &str, text: &'t str) -> &'t str {
    let after = text.split_once(&format!("# --{long}\n")).map_or("", |(_, after)| after);
    after.split("\n# ").next().unwrap_or_default().trim_matches('\n')
}
