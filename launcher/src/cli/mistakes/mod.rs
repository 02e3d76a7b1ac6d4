//! What is wrong with a command line: the parser's error as one line, with what to do instead.

pub(crate) mod counsel;
pub(crate) mod nearest;
pub(crate) mod spellings;
mod typed;

use crate::cli::mistakes::nearest::{not_one_of, question};
use crate::cli::mistakes::typed::Typed;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;
use std::num::ParseIntError;

/// Explains why these arguments could not be read; then a command to use instead, or the one that prints the
/// right help.
#[cold]
pub(crate) fn explain(error: &clap::Error, args: &[OsString]) -> (String, Option<String>) {
    let refused = bare(text(error, ContextKind::InvalidArg));
    let typed = Typed::new(args, refused);
    // The parser reads the program's own options to the end before it compares them.
    let typed = if error.kind() == ErrorKind::ArgumentConflict { typed.with(refused) } else { typed };
    let counsel = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            counsel::of(typed.name(), text(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument => counsel::of(typed.verb(), text(error, ContextKind::InvalidArg)),
        _ => None,
    };
    match counsel {
        Some((instead, fix)) => (format!("{}: {instead}", missing(error, &typed)), fix.map(str::to_owned)),
        None => (reason(error, &typed), Some(format!("{} --help", typed.name()))),
    }
}

fn reason(error: &clap::Error, typed: &Typed) -> String {
    let arg = text(error, ContextKind::InvalidArg);
    let option = bare(arg);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let command = text(error, ContextKind::InvalidSubcommand);
            missing(error, typed) + &question(command, &mut typed.commands())
        }
        ErrorKind::MissingSubcommand => {
            format!("{} needs a command: {}", typed.name(), typed.commands().collect::<Vec<_>>().join(", "))
        }
        ErrorKind::UnknownArgument => unknown_argument(error, option, typed),
        ErrorKind::InvalidValue => invalid_value(arg, text(error, ContextKind::InvalidValue), typed),
        ErrorKind::ValueValidation => refused_value(error, option),
        ErrorKind::ArgumentConflict => conflict(error, option),
        ErrorKind::TooManyValues => format!("{option} takes no value"),
        ErrorKind::MissingRequiredArgument => missing_arguments(error, typed),
        _ => first_line(error),
    }
}

/// What the command line names that does not exist.
fn missing(error: &clap::Error, typed: &Typed) -> String {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            format!("{} has no command {}", typed.name(), text(error, ContextKind::InvalidSubcommand))
        }
        _ => format!("{} has no option {}", typed.name(), text(error, ContextKind::InvalidArg)),
    }
}

fn unknown_argument(error: &clap::Error, arg: &str, typed: &Typed) -> String {
    if !arg.starts_with('-') {
        return format!("{} takes no argument {arg}", typed.name());
    }
    if typed.is_option_of_program(arg) {
        return format!("{arg} comes before the command: subroot {arg} {}", typed.verb());
    }
    missing(error, typed) + &question(arg, &mut typed.options().iter().map(String::as_str))
}

/// A value that is missing, or not one of a few.
fn invalid_value(arg: &str, value: &str, typed: &Typed) -> String {
    let (option, possible) = (bare(arg), typed.possible_values(bare(arg)));
    match (value, possible.is_empty()) {
        ("", true) => format!("{option} needs a value: {}", value_name(arg)),
        ("", false) => format!("{option} needs a value: {}", possible.join(", ")),
        _ => format!("{option}: {}", not_one_of(value, &mut possible.iter().map(String::as_str))),
    }
}

fn refused_value(error: &clap::Error, option: &str) -> String {
    let value = text(error, ContextKind::InvalidValue);
    match error.source() {
        Some(source) if source.is::<ParseIntError>() => format!("{option}: invalid number {value}"),
        Some(source) => format!("{option}: {source}"),
        None => format!("{option}: invalid value {value}"),
    }
}

fn conflict(error: &clap::Error, option: &str) -> String {
    let others: Vec<&str> = texts(error, ContextKind::PriorArg).into_iter().map(bare).collect();
    match others.as_slice() {
        [other] if *other == option => format!("{option} is given twice"),
        others => format!("{option} cannot be used with {}", others.join(", ")),
    }
}

fn missing_arguments(error: &clap::Error, typed: &Typed) -> String {
    let args = texts(error, ContextKind::InvalidArg);
    let names: Vec<&str> = args.iter().map(|arg| value_name(arg)).collect();
    let possible = args.iter().flat_map(|arg| typed.possible_values(arg)).collect::<Vec<_>>();
    match possible.is_empty() {
        true => format!("{} needs {}", typed.name(), names.join(" and ")),
        false => format!("{} needs {}: {}", typed.name(), names.join(" and "), possible.join(", ")),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn text(error: &clap::Error, kind: ContextKind) -> &str {
    texts(error, kind).first().copied().unwrap_or_default()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text],
        Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `--name` of `--name <NAME>`, of `--name[=<NAME>]` and of `--name...`.
fn bare(arg: &str) -> &str {
    arg.split([' ', '[', '=']).next().unwrap_or_default().trim_end_matches("...")
}

/// `NAME` of `--name <NAME>` and of `<NAME>...`.
fn value_name(arg: &str) -> &str {
    let value = arg.split_once('<').map_or(arg, |(_, value)| value);
    value.rsplit_once('>').map_or(value, |(value, _)| value)
}
