//! The script for bash: tables for the functions of `engine.bash`.

use crate::cli::completions::table::Entry;
use crate::cli::completions::values::Value;
use std::fmt::Write as _;

const ENGINE: &str = include_str!("engine.bash");

/// The script.
pub(crate) fn script(commands: &[Entry]) -> String {
    let mut text = ENGINE.to_owned();
    text.push_str("\n# Sets what a command has: options, those of them before a value, and commands.\n");
    text.push_str("_subroot_command_table() {\n    case $1 in\n");
    for entry in commands {
        let commands: Vec<&str> = entry.commands.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(
            text,
            "    '{}')\n        options='{}'\n        valued='{}'\n        commands='{}' ;;",
            entry.path,
            offered(entry).join(" "),
            before_a_value(entry).join(" "),
            commands.join(" ")
        );
    }
    text.push_str(
        "    esac\n}\n\n# Sets what an option or an argument takes: `COMMAND OPTION` or `COMMAND NUMBER`.\n",
    );
    text.push_str("_subroot_value_table() {\n    kind='' choices=''\n    case $1 in\n");
    commands.iter().for_each(|entry| add_values(entry, &mut text));
    text.push_str("    esac\n}\n\ncomplete -F _subroot subroot\n");
    text
}

/// The names of options. An option whose value must follow `=` is also listed with `=`.
fn offered(entry: &Entry) -> Vec<String> {
    let mut names = Vec::new();
    for option in &entry.options {
        names.extend(option.names.iter().cloned());
        if option.value.as_ref().is_some_and(|value| value.is_attached) {
            names.extend(option.names.iter().map(|name| format!("{name}=")));
        }
    }
    names
}

fn before_a_value(entry: &Entry) -> Vec<&str> {
    entry.options.iter().flat_map(|option| option.names_before_a_value()).map(String::as_str).collect()
}

fn add_values(entry: &Entry, text: &mut String) {
    for option in &entry.options {
        if let Some(value) = &option.value {
            let patterns: Vec<String> =
                option.names.iter().map(|name| format!("'{} {name}'", entry.path)).collect();
            add_value(&patterns.join(" | "), &value.value, text);
        }
    }
    for (at, argument) in entry.arguments.iter().enumerate() {
        let pattern = match argument.repeats {
            true => format!("'{} '[0-9]*", entry.path),
            false => format!("'{} {}'", entry.path, at + 1),
        };
        add_value(&pattern, &argument.value, text);
    }
}

fn add_value(pattern: &str, value: &Value, text: &mut String) {
    let (kind, choices) = match value {
        Value::Text => return,
        Value::Words(words) => ("words", words.join(" ")),
        Value::Keys(words) => ("keys", words.join(" ")),
        Value::Fields(words) => ("fields", words.join(" ")),
        Value::Command => ("command", String::new()),
        Value::Directory => ("directory", String::new()),
        Value::Path => ("path", String::new()),
        Value::Sandbox => ("sandbox", String::new()),
        Value::Job => ("sandbox", "--all".to_owned()),
        Value::Image => ("image", String::new()),
        Value::User => ("user", String::new()),
        Value::Group => ("group", String::new()),
        Value::Variable => ("variable", String::new()),
    };
    let _ = writeln!(text, "    {pattern}) kind={kind} choices='{choices}' ;;");
}
