//! The documents describe what the programs do: help, man pages, README and completions are compared.

mod ignored_errors;
mod kernels;
mod launcher;
mod library;
mod mapper;
mod pages;
mod run_page;
mod session;
mod synopses;
mod words;

use std::fs;
use std::process::Command;
use subroot_tests::{release_program, workspace};

/// A file of the workspace.
#[track_caller]
fn read(path: &str) -> String {
    fs::read_to_string(workspace(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A man page without the escapes before hyphens, and without fonts.
#[track_caller]
fn page(name: &str) -> String {
    read(&format!("packaging/man/{name}"))
        .replace("\\-", "-")
        .replace("\\fB", "")
        .replace("\\fR", "")
        .replace("\\fI", "")
}

/// The output of a program of the release build for these arguments.
#[track_caller]
fn printed(program: &str, words: &[&str]) -> String {
    let path = release_program(program);
    let output = Command::new(&path)
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The text of one section of a man page or a Markdown file, up to the next heading of the same kind.
#[track_caller]
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (kind, _) = heading.split_once(' ').expect("a mark and a name");
    let (_, after) = text.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    after.split(&format!("\n{kind} ")).next().expect("a section")
}

/// True if a text has this word, and not only as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}
