//! The script for fish: one `complete` command for each option and argument. Their conditions are functions
//! of `engine.fish`.

use crate::cli::completions::table::{Argument, Entry, OptionEntry};
use crate::cli::completions::values::Value;
use std::fmt::Write as _;

const ENGINE: &str = include_str!("engine.fish");

/// The script.
pub(crate) fn script(commands: &[Entry]) -> String {
    let mut text = ENGINE.to_owned();
    add_lists(commands, &mut text);
    text.push_str("\ncomplete -c subroot -f\n");
    text.push_str("complete -c subroot -n __subroot_in_other_command -a '(__subroot_other_command)'\n");
    for entry in commands {
        for (name, about) in &entry.commands {
            let at = quoted(&format!("__subroot_at {}", quoted(&format!("{} 1", entry.path))));
            let _ = writeln!(text, "complete -c subroot -n {at} -a {name} -d {}", quoted(about));
        }
        entry.options.iter().for_each(|option| add_option(entry, option, &mut text));
        for (at, argument) in entry.arguments.iter().enumerate() {
            add_argument(entry, at + 1, argument, &mut text);
        }
    }
    text
}

/// Appends the lists that the functions of `engine.fish` use.
fn add_lists(commands: &[Entry], text: &mut String) {
    let (mut below, mut valued, mut with_command, mut arguments) = (vec![], vec![], vec![], vec![]);
    for entry in commands {
        let path = &entry.path;
        below.extend(entry.commands.iter().map(|(name, _)| format!("{path} {name}")));
        let names = entry.options.iter().flat_map(OptionEntry::names_before_a_value);
        valued.extend(names.map(|name| format!("{path} {name}")));
        if let Some(at) = entry.arguments.iter().position(|argument| argument.value == Value::Command) {
            with_command.push(path.clone());
            arguments.push(format!("{path} {}", at + 1));
        }
    }
    for (name, list) in [
        ("commands", below),
        ("valued", valued),
        ("with_command", with_command),
        ("command_arguments", arguments),
    ] {
        let list: Vec<String> = list.iter().map(|item| quoted(item)).collect();
        let _ = write!(text, "\nset -g __subroot_{name} {}", list.join(" "));
    }
    text.push('\n');
}

fn add_option(entry: &Entry, option: &OptionEntry, text: &mut String) {
    let condition = quoted(&format!("__subroot_in {}", quoted(&entry.path)));
    let _ = write!(text, "complete -c subroot -n {condition}");
    for name in &option.names {
        text.push_str(&match name.strip_prefix("--") {
            Some(long) => format!(" -l {long}"),
            None => format!(" -s {}", name.trim_start_matches('-')),
        });
    }
    if let Some(taken) = &option.value {
        let needed = if taken.is_attached { "" } else { " -r" };
        let _ = write!(text, "{needed}{}", candidates(&taken.value));
    }
    let _ = writeln!(text, " -d {}", quoted(&option.about));
}

fn add_argument(entry: &Entry, number: usize, argument: &Argument, text: &mut String) {
    let condition = match argument.repeats && argument.value != Value::Command {
        true => format!("__subroot_in {}", quoted(&entry.path)),
        false => format!("__subroot_at {}", quoted(&format!("{} {number}", entry.path))),
    };
    let _ = writeln!(text, "complete -c subroot -n {}{}", quoted(&condition), candidates(&argument.value));
}

fn candidates(value: &Value) -> String {
    let called = |function: &str, words: &[String]| format!("({function} {})", words.join(" "));
    let list = match value {
        Value::Text => return " -f".to_owned(),
        Value::Path => return " -F".to_owned(),
        Value::Words(words) => words.join(" "),
        Value::Keys(words) => called("__subroot_keys", words),
        Value::Fields(words) => called("__subroot_fields", words),
        Value::Command => "(__subroot_other_command)".to_owned(),
        Value::Directory => "(__subroot_directories)".to_owned(),
        Value::Sandbox => "(__subroot_sandboxes)".to_owned(),
        Value::Job => "(__subroot_sandboxes --all)".to_owned(),
        Value::Image => "(__subroot_images)".to_owned(),
        Value::User => "(__fish_complete_users)".to_owned(),
        Value::Group => "keep-groups (__fish_complete_groups)".to_owned(),
        Value::Variable => "(set --names --export)".to_owned(),
    };
    format!(" -f -a {}", quoted(&list))
}

/// The text in single quotes. Inside them, fish interprets only \' and \\.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
