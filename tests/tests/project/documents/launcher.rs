//! The launcher: each command and option in its help is in its man page and in the README, which have no
//! others.

use crate::documents::{has_word, page, printed, read, section};
use std::collections::BTreeSet;

/// A command as its help shows it.
pub(crate) struct Shown {
    /// The words after `subroot`.
    pub(crate) words: Vec<String>,
    /// Each option, by its long name and its short one.
    pub(crate) options: Vec<(String, Option<String>)>,
}

impl Shown {
    /// The program itself, its commands, and theirs.
    pub(crate) fn all() -> Vec<Shown> {
        let mut all = Vec::new();
        Shown::add(Vec::new(), &mut all);
        assert!(all.len() > 7, "{} commands", all.len());
        all
    }

    fn add(words: Vec<String>, all: &mut Vec<Shown>) {
        let asked: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = printed("subroot", &asked);
        let below: Vec<String> =
            help.lines().skip_while(|line| *line != "Commands:").skip(1).map_while(named).collect();
        let options = help.lines().filter_map(option).collect();
        all.push(Shown { words: words.clone(), options });
        below.into_iter().for_each(|name| Shown::add([words.clone(), vec![name]].concat(), all));
    }

    fn page(&self) -> String {
        let name = ["subroot"]
            .into_iter()
            .chain(self.words.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("-");
        page(&format!("{name}.1"))
    }
}

/// The name in `  NAME  what it does`, for each line of the list.
fn named(line: &str) -> Option<String> {
    line.split_whitespace().next().map(str::to_owned)
}

/// `  -x, --long …`, as in the help and the man pages.
pub(crate) fn option(line: &str) -> Option<(String, Option<String>)> {
    let line = line.trim_start();
    let (short, rest) = match line.split_once(", ") {
        Some((short, rest)) if short.len() == 2 && short.starts_with('-') => (Some(short.to_owned()), rest),
        _ => (None, line),
    };
    let end =
        rest.find(|letter: char| !letter.is_ascii_lowercase() && !letter.is_ascii_digit() && letter != '-');
    let long = &rest[..end.unwrap_or(rest.len())];
    (long.len() > 2 && long.starts_with("--")).then(|| (long.to_owned(), short))
}

/// The options that only the help has, because every command has them.
fn is_of_all((long, _): &&(String, Option<String>)) -> bool {
    matches!(long.as_str(), "--help" | "--version")
}

#[test]
fn each_command_has_a_page_with_its_options_and_no_others() {
    for shown in Shown::all() {
        let page = shown.page();
        let (before, _) = page.split_once(".SH \"EXIT STATUS\"").expect("an exit status");
        let in_page = before.split(".TP\n").skip(1).filter_map(option);
        let expected: BTreeSet<_> = shown.options.iter().cloned().collect();
        assert_eq!(in_page.collect::<BTreeSet<_>>(), expected, "subroot {:?}", shown.words);
    }
}

#[test]
fn each_command_and_option_is_in_the_readme() {
    let readme = read("README.md");
    for Shown { words, options } in Shown::all() {
        let command = format!("subroot {}", words.join(" "));
        assert!(words.is_empty() || has_word(&readme, &command), "{command}");
        for (long, short) in options.iter().filter(|option| !is_of_all(option)) {
            let is_there =
                has_word(&readme, long) || short.as_ref().is_some_and(|short| has_word(&readme, short));
            assert!(is_there, "{long} of {command}");
        }
    }
}

#[test]
fn the_readme_has_no_option_that_is_not_there() {
    let known: BTreeSet<String> = Shown::all()
        .into_iter()
        .flat_map(|shown| shown.options)
        .flat_map(|(long, short)| [Some(long), short])
        .flatten()
        .collect();
    let readme = read("README.md");
    let rows = section(&readme, "## Commands").lines().filter(|line| line.starts_with("| "));
    // The code spans between backticks.
    let spans: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let words =
        spans.iter().flat_map(|span| span.split([' ', '[', ']', '=', '|'])).filter(|word| word.len() > 1);
    let unknown: Vec<&str> =
        words.filter(|word| word.starts_with('-') && *word != "--" && !known.contains(*word)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn each_script_of_completions_has_all_commands_and_options() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed("subroot", &["completions", shell]);
        for Shown { words, options } in Shown::all() {
            // fish lists the names of options without their hyphens.
            let bare = |long: &str| if shell == "fish" { long[2..].to_owned() } else { long.to_owned() };
            let options = options.iter().map(|(long, _)| bare(long));
            for word in words.iter().cloned().chain(options) {
                assert!(has_word(&script, &word), "{word} in {shell}");
            }
        }
    }
}
