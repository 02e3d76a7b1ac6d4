//! subroot-run(1) explains every option of the help, with an example, and names every value that the code accepts.

use crate::documents::launcher::option;
use crate::documents::{has_word, page, printed, read, section};
use std::collections::{BTreeMap, BTreeSet};

/// The text of each option in the page's OPTIONS, by its long name.
fn paragraphs() -> BTreeMap<String, String> {
    let page = page("subroot-run.1");
    let mut paragraphs = BTreeMap::new();
    let mut current = String::new();
    let mut previous = "";
    for line in section(&page, ".SH OPTIONS").lines() {
        match option(line).filter(|_| previous == ".TP") {
            Some((long, _)) => current = long,
            None if line.starts_with(".SS ") => current.clear(),
            None => {}
        }
        if !current.is_empty() {
            *paragraphs.entry(current.clone()).or_insert_with(String::new) += &format!("{line}\n");
        }
        previous = line;
    }
    paragraphs
}

/// Each option of the help with its names, and the text below it.
fn help() -> Vec<(String, Option<String>, String)> {
    let help = printed("subroot", &["run", "--help"]);
    let mut options: Vec<(String, Option<String>, String)> = Vec::new();
    for line in help.lines() {
        match (option(line).filter(|_| !line.starts_with("          ")), options.last_mut()) {
            (Some((long, short)), _) => options.push((long, short, String::new())),
            (None, Some((_, _, text))) => *text += &format!("{}\n", line.trim()),
            (None, None) => {}
        }
    }
    assert!(options.len() > 35, "{} options", options.len());
    options
}

#[test]
fn each_option_has_a_paragraph_with_an_example_and_what_podman_does() {
    let paragraphs = paragraphs();
    for (long, short, _) in help() {
        let text = paragraphs.get(&long).unwrap_or_else(|| panic!("no {long} in the page"));
        let examples: Vec<&str> =
            text.split(".EX\n").skip(1).filter_map(|rest| rest.split(".EE").next()).collect();
        let names = [Some(&long), short.as_ref()];
        let is_shown = |example: &&str| {
            let has = |name: &String| has_word(example, name) || example.contains(&format!(" {name}"));
            example.contains("subroot run") && names.into_iter().flatten().any(has)
        };
        assert!(examples.iter().any(is_shown), "no example of {long}");
        assert!(has_word(text, "podman"), "nothing about podman at {long}");
    }
}

#[test]
fn each_value_that_the_help_lists_is_in_the_page() {
    let (paragraphs, mut count) = (paragraphs(), 0);
    for (long, _, text) in help() {
        let values = text.lines().filter_map(|line| line.strip_prefix("- "));
        for value in values.map(|item| item.split(": ").next().expect("a value")) {
            let named = value.replace('…', "\\[u2026]");
            assert!(paragraphs[&long].contains(&format!("\n.B {named}\n")), "{value} of {long}");
            count += 1;
        }
        for default in text.lines().filter_map(|line| line.strip_prefix("[default: ")?.strip_suffix(']')) {
            assert!(paragraphs[&long].contains(&format!("\nDefault: {default}.\n")), "the default of {long}");
        }
    }
    assert!(count > 45, "{count} values");
}

/// Where the code reads the values of an option: a file, and the words between which they are.
const SOURCES: [(&str, &str, &str, &str); 13] = [
    ("--userns", "launcher/src/cli/values/ids.rs", "match (mode, options) {", "_ => Err"),
    ("--uidmap", "launcher/src/cli/values/ids.rs", "let from = match from", "};"),
    ("--volume", "launcher/src/cli/values/mounts.rs", "fn bind_option", "\n}\n"),
    ("--volume", "launcher/src/request/mount_options.rs", "let (attribute, on) = match option", "};"),
    ("--volume", "launcher/src/request/mount_options.rs", "fn propagation", "\n}\n"),
    ("--mount", "launcher/src/cli/values/mounts.rs", "match key {", "_ => {"),
    ("--mount", "launcher/src/cli/values/mounts.rs", "let mut mount = match kind {", "other =>"),
    ("--mount", "launcher/src/cli/values/mounts.rs", "match (key, yes) {", "_ => {"),
    ("--tmpfs", "launcher/src/request/mount.rs", "const TMPFS_OPTIONS", ";\n\n"),
    ("--tmpfs", "launcher/src/request/mount_options.rs", "let (attribute, on) = match option", "};"),
    ("--security-opt", "launcher/src/cli/options.rs", "match (key.to_str(), value) {", "_ =>"),
    ("--security-opt", "launcher/src/request/process.rs", "match value.to_str() {", "_ =>"),
    ("--ulimit", "launcher/src/request/limits.rs", "resources! {", "\n}\n"),
];

/// The words in quotes, without texts for people and without a sign at their end.
fn literals(source: &str) -> BTreeSet<&str> {
    let is_value = |word: &&str| word.len() > 1 && !word.contains([' ', '{', '\n']);
    source.split('"').skip(1).step_by(2).map(|word| word.trim_end_matches('=')).filter(is_value).collect()
}

/// Where a paragraph has to name the values of an option: in a list, if each has an item of its own.
fn searched(option: &str, text: &str) -> String {
    let is_searched = |line: &&str| option != "--userns" || line.starts_with(".B ");
    text.lines().filter(is_searched).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_value_that_the_code_accepts_is_in_the_page() {
    let (paragraphs, mut count) = (paragraphs(), 0);
    for (option, file, from, to) in SOURCES {
        let source = read(file);
        let (_, after) = source.split_once(from).unwrap_or_else(|| panic!("no {from} in {file}"));
        let values = literals(after.split(to).next().expect("a part"));
        for value in &values {
            // With an r before it, as the page says.
            let plain =
                ["private", "slave", "shared", "unbindable"].iter().find(|name| value[1..] == ***name);
            let named = plain.copied().unwrap_or(value);
            assert!(has_word(&searched(option, &paragraphs[option]), named), "{value} of {option}");
        }
        count += values.len();
    }
    assert!(count > 70, "{count} values");
}
