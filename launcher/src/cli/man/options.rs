//! The section OPTIONS of a man page: the help of each option, and what `run/options.txt` adds only for the
//! page.

use crate::cli::help::text_of;
use crate::cli::man::text::{inline, paragraphs, verbatim};
use clap::{Arg, Command};

/// More text for the options of `subroot run`, each below a line `# --OPTION`.
pub(super) const RUN: &str = include_str!("run/options.txt");

/// The section, with a heading for each group of options.
pub(super) fn section(command: &Command, further: &str) -> String {
    let shown: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
    let mut roff = ".SH OPTIONS\n".to_owned();
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
        shown.into_iter().partition(|arg| arg.is_positional());
    roff.extend(positional.iter().map(|arg| entry(arg, "")));
    for group in options.chunk_by(|one, next| one.get_help_heading() == next.get_help_heading()) {
        roff.extend(group[0].get_help_heading().map(|heading| format!(".SS {heading}\n")));
        roff.extend(group.iter().map(|arg| entry(arg, text_of(arg.get_long().unwrap_or_default(), further))));
    }
    roff
}

fn entry(arg: &Arg, further: &str) -> String {
    let help = |help: Option<&clap::builder::StyledStr>| help.map(ToString::to_string).unwrap_or_default();
    let (short, long) = (help(arg.get_help()), help(arg.get_long_help()));
    let rest = long.strip_prefix(&short).unwrap_or_default().trim();
    let texts = [rest.to_owned(), values(arg), further.to_owned()];
    let texts = texts.iter().filter(|text| !text.is_empty()).map(|text| paragraphs(text, ".IP"));
    format!(".TP\n{}\n{}.\n{}", names(arg), inline(&short), texts.collect::<String>())
}

/// The option's names in bold, and its value's name in italics: man-pages(7).
fn names(arg: &Arg) -> String {
    let bold = |name: String| format!("\\fB{}\\fR", verbatim(&name));
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.and_then(|names| names.first()).map(|name| format!("\\fI{}\\fR", verbatim(name)));
    if arg.is_positional() {
        return value.unwrap_or_default();
    }
    let short = arg.get_short().map(|short| bold(format!("-{short}")));
    let long = arg.get_long().map(|long| bold(format!("--{long}")));
    let names = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    match value {
        Some(value) if arg.is_require_equals_set() => format!("{names}[={value}]"),
        Some(value) => format!("{names} {value}"),
        None => names,
    }
}

/// The list of possible values and the default, if there is a fixed set of values.
fn values(arg: &Arg) -> String {
    let is_listed = arg.get_action().takes_values() && !arg.is_hide_possible_values_set();
    let values = if is_listed { arg.get_possible_values() } else { Vec::new() };
    let item = |value: &clap::builder::PossibleValue| {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("- {}: {help}\n", value.get_name())
    };
    let list = if values.is_empty() { String::new() } else { "Possible values:\n".to_owned() };
    let defaults = arg.get_default_values().iter().filter(|_| arg.get_action().takes_values());
    let default: String = defaults.map(|value| format!("\n\nDefault: {}.", value.display())).collect();
    format!("{list}{}{default}", values.iter().map(item).collect::<String>()).trim().to_owned()
}
