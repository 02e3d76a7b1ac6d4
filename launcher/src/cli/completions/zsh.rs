//! The script for zsh: for each command, a function that calls `_arguments`. They use the functions of
//! `engine.zsh`.

use crate::cli::completions::table::{Argument, Entry, OptionEntry};
use crate::cli::completions::values::Value;
use std::fmt::Write as _;

const ENGINE: &str = include_str!("engine.zsh");

/// The end of the script. zsh runs it either as a completion function or by `source`.
const END: &str = r#"
if [[ $funcstack[1] == _subroot ]]; then
    _subroot "$@"
else
    compdef _subroot subroot
fi
"#;

/// The script.
pub(crate) fn script(commands: &[Entry]) -> String {
    let mut text = ENGINE.to_owned();
    commands.iter().for_each(|entry| add_function(entry, &mut text));
    text.push_str(END);
    text
}

fn function(path: &str) -> String {
    format!("_subroot {path}").trim_end().replace(' ', "_")
}

fn add_function(entry: &Entry, text: &mut String) {
    let _ = write!(text, "\n{}() {{\n    local -a typed=(\"$words[@]\")\n", function(&entry.path));
    if entry.commands.is_empty() {
        let _ = writeln!(text, "    _arguments -s -S : \\\n{}", specs(entry).join(" \\\n"));
    } else {
        add_dispatch(entry, text);
    }
    text.push_str("}\n");
}

/// Appends the code that completes subcommands and calls the function of each.
fn add_dispatch(entry: &Entry, text: &mut String) {
    text.push_str("    local curcontext=$curcontext state line ret=1\n    local -A opt_args\n");
    let places = ["        '1: :->command'".to_owned(), "        '*:: :->rest'".to_owned()];
    let specs: Vec<String> = specs(entry).into_iter().chain(places).collect();
    let _ = writeln!(text, "    _arguments -C -s -S -A '-*' : \\\n{} && ret=0", specs.join(" \\\n"));
    text.push_str("    case $state in\n    command)\n        local -a commands=(\n");
    for (name, about) in &entry.commands {
        let _ = writeln!(text, "            {}", quoted(&format!("{name}:{}", about.replace(':', "\\:"))));
    }
    text.push_str("        )\n        _describe -t commands command commands && ret=0 ;;\n    rest)\n");
    text.push_str("        curcontext=${curcontext%:*:*}:subroot-$words[1]:\n        case $words[1] in\n");
    for (name, _) in &entry.commands {
        let called = function(format!("{} {name}", entry.path).trim_start());
        let _ = writeln!(text, "        {name}) {called} && ret=0 ;;");
    }
    text.push_str("        esac ;;\n    esac\n    return ret\n");
}

/// The arguments for `_arguments`.
fn specs(entry: &Entry) -> Vec<String> {
    let arguments = entry.arguments.iter().enumerate();
    let has_command = entry.arguments.iter().any(|argument| argument.value == Value::Command);
    let options = entry.options.iter().flat_map(option_specs);
    let specs = options.chain(arguments.map(|(at, argument)| argument_spec(at, argument, has_command)));
    specs.map(|spec| format!("        {}", quoted(&spec))).collect()
}

fn option_specs(option: &OptionEntry) -> impl Iterator<Item = String> {
    let before = if option.repeats { "*".to_owned() } else { format!("({})", option.names.join(" ")) };
    let about = escaped(&option.about);
    option.names.iter().map(move |name| {
        let Some(taken) = &option.value else { return format!("{before}{name}[{about}]") };
        let mark = match (taken.is_attached, name.starts_with("--")) {
            (true, _) => "=-",
            (false, true) => "=",
            (false, false) => "+",
        };
        let colons = if taken.is_attached { "::" } else { ":" };
        let action = action(&taken.value);
        format!("{before}{name}{mark}[{about}]{colons}{}:{action}", escaped(&taken.name))
    })
}

fn argument_spec(at: usize, argument: &Argument, precedes_command: bool) -> String {
    let name = escaped(&argument.name);
    let action = match argument.value {
        Value::Directory if precedes_command => " _subroot_rootfs".to_owned(),
        _ => action(&argument.value),
    };
    match (&argument.value, argument.repeats) {
        (Value::Command, _) => format!("*:::{name}:{action}"),
        (_, true) => format!("*:{name}:{action}"),
        (_, false) => format!("{}:{name}:{action}", at + 1),
    }
}

/// The action of a spec. A space before the function keeps `_arguments` from inserting options of compadd
/// before its words.
fn action(value: &Value) -> String {
    let call = |function: &str, words: &[String]| format!(" {function} {}", escaped(&words.join(" ")));
    match value {
        Value::Text => " ".to_owned(),
        Value::Words(words) => call("_subroot_words", words),
        Value::Keys(words) => call("_subroot_keys", words),
        Value::Fields(words) => call("_subroot_fields", words),
        Value::Command => " _subroot_command".to_owned(),
        Value::Directory => " _subroot_directories".to_owned(),
        Value::Path => "_files".to_owned(),
        Value::Sandbox => " _subroot_sandboxes".to_owned(),
        Value::Job => " _subroot_sandboxes --all".to_owned(),
        Value::Image => " _subroot_image_names".to_owned(),
        Value::User => "_users".to_owned(),
        Value::Group => " _subroot_group".to_owned(),
        Value::Variable => "_parameters -g '*export*'".to_owned(),
    }
}

/// Escapes text for a spec, in which brackets and colons are special.
fn escaped(text: &str) -> String {
    let mark =
        |letter: char| if "[]:\\".contains(letter) { format!("\\{letter}") } else { letter.to_string() };
    text.chars().map(mark).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
