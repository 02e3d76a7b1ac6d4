//! The commands with their options and arguments, in the form that the scripts of all shells need.

use crate::cli::completions::values::{self, Value};
use clap::{Arg, ArgAction, Command};

/// A command.
pub(crate) struct Entry {
    /// Its name after `subroot`, such as `idmap explain`; empty for `subroot` itself.
    pub(crate) path: String,
    /// Its subcommands, each with its description.
    pub(crate) commands: Vec<(String, String)>,
    pub(crate) options: Vec<OptionEntry>,
    /// Its arguments, in order.
    pub(crate) arguments: Vec<Argument>,
}

/// An option.
pub(crate) struct OptionEntry {
    /// Its names with their hyphens: the short one first, if there is one, then the long ones.
    pub(crate) names: Vec<String>,
    /// Its line in the help.
    pub(crate) about: String,
    /// True if it can be given more than once.
    pub(crate) repeats: bool,
    /// Its value; `None` for a switch.
    pub(crate) value: Option<OptionValue>,
}

/// The value of an option.
pub(crate) struct OptionValue {
    /// Its name in the help.
    pub(crate) name: String,
    /// The kind of value.
    pub(crate) value: Value,
    /// True if it is optional and must follow `=`.
    pub(crate) is_attached: bool,
}

/// An argument.
pub(crate) struct Argument {
    /// Its name in the help.
    pub(crate) name: String,
    /// The kind of value.
    pub(crate) value: Value,
    /// True if it stands for all arguments that follow.
    pub(crate) repeats: bool,
}

impl OptionEntry {
    /// The names after which the next word is the value.
    pub(crate) fn names_before_a_value(&self) -> &[String] {
        let takes_next = self.value.as_ref().is_some_and(|value| !value.is_attached);
        if takes_next { &self.names } else { &[] }
    }
}

/// The command and all its subcommands.
pub(crate) fn commands(mut root: Command) -> Vec<Entry> {
    root.build();
    let mut entries = Vec::new();
    add(&root, "", &mut entries);
    entries
}

fn add(command: &Command, path: &str, entries: &mut Vec<Entry>) {
    let below = || command.get_subcommands().filter(|below| !below.is_hide_set());
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    entries.push(Entry {
        path: path.to_owned(),
        commands: below().map(|below| (below.get_name().to_owned(), about(below))).collect(),
        options: options(command),
        arguments: command.get_positionals().map(argument).collect(),
    });
    for below in below() {
        add(below, format!("{path} {}", below.get_name()).trim_start(), entries);
    }
}

fn options(command: &Command) -> Vec<OptionEntry> {
    let shown = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    shown.map(option).collect()
}

fn option(arg: &Arg) -> OptionEntry {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().into_iter().chain(arg.get_all_aliases().into_iter().flatten());
    OptionEntry {
        names: short.into_iter().chain(long.map(|long| format!("--{long}"))).collect(),
        about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        repeats: matches!(arg.get_action(), ArgAction::Append | ArgAction::Count),
        value: arg.get_action().takes_values().then(|| OptionValue {
            name: value_name(arg),
            value: values::of(arg),
            is_attached: arg.is_require_equals_set(),
        }),
    }
}

fn argument(arg: &Arg) -> Argument {
    Argument {
        name: value_name(arg),
        value: values::of(arg),
        repeats: arg.get_num_args().is_some_and(|count| count.max_values() > 1),
    }
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default()
}
