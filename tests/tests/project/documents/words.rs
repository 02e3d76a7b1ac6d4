//! The word list of docs/style.md, checked in every text file of the tree.

use std::fs;
use std::path::{Path, PathBuf};
use subroot_tests::workspace;

/// Words and phrases that are not used, and what to write instead. A possessive such as "of the host's" counts
/// only if no noun follows.
const AVOIDED: [(&[&str], &str); 26] = [
    (&["folder", "folders"], "directory"),
    (&["mend", "mends", "mended", "mending"], "fix, repair"),
    (&["he", "his", "him", "himself"], "they, the user, the caller"),
    (&["somebody", "somebody's"], "a user, another user"),
    (&["whoever", "whomever", "whosoever"], "any user who"),
    (&["nobody special"], "an ordinary user"),
    (&["nobody but", "nothing but", "none but", "no one but"], "only"),
    (&["of the host's", "of the user's", "of the caller's"], "the host's, the user's, the caller's"),
    (&["the own id", "the own ids", "the own uid", "the own gid"], "the caller's own ID"),
    (&["gone with it", "gone with them", "is gone", "are gone"], "removed when it exits, discarded"),
    (&["besides"], "also, apart from"),
    (&[". too,", ". as well,"], "also"),
    (&["in the place of"], "instead of"),
    (&["where there is none", "where there are none", "where there is no"], "if there is none"),
    (&["lies in", "lie in", "lies beside", "lie beside", "stands in", "stands beside"], "is in, is next to"),
    (&["those that may", "those who may"], "any user who can"),
    (&["has it written by", "have it written by"], "writes it with"),
    (&["life"], "lifecycle, lifetime"),
    (&["what is left without"], "what still works without"),
    (&["is told", "are told", "was told", "were told", "be told"], "reports, prints, is reported"),
    (&["is no number", "is no id", "is no size", "is no mode"], "invalid number x"),
    (
        &["is no capability", "is no limit", "is no signal", "is no option"],
        "unknown capability x, unknown limit x",
    ),
    (&["is unknown here"], "unknown option x"),
    (&["not so many"], "not that many"),
    (&["none of yours"], "no sandbox of yours"),
    (&["for want of"], "without, because x is missing"),
];

/// Text in which an avoided word is right, and why.
const ALLOWED: [(&str, &str); 4] = [
    ("--folder", "an option of NVIDIA's hooks"),
    ("a_caller_may_have_changed_his_group", "docs/differences-from-shadow.md names the test"),
    ("the_caller_may_not_read_is_not_read_for_him", "docs/differences-from-shadow.md names the test"),
    ("a_namespace_of_somebody_elses_put_over_ones_own", "docs/threat-model.md names the test"),
];

/// What is not prose of this project, and the lists themselves.
const SKIPPED: [&str; 8] = [
    ".git",
    "target",
    "fuzz/artifacts",
    "fuzz/corpus",
    "fuzz/dictionary",
    "fuzz/seeds",
    "docs/style.md",
    "tests/tests/project/documents/words.rs",
];

/// Markers at the start of a line of a comment.
const MARKERS: [&str; 7] = ["//!", "///", "//", "/*", "*", "#", ".\\\""];

#[test]
fn no_text_uses_a_word_that_the_style_avoids() {
    let mut found = Vec::new();
    for file in files(&workspace("")) {
        found.extend(avoided(&file));
    }
    assert!(found.is_empty(), "{} to reword:\n{}", found.len(), found.join("\n"));
}

/// The text files of the tree, relative to its root.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut dirs, mut files) = (vec![PathBuf::new()], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(root.join(&dir)).expect("a directory of the workspace") {
            let entry = entry.expect("an entry of the workspace");
            let (path, kind) = (dir.join(entry.file_name()), entry.file_type().expect("its type"));
            if SKIPPED.iter().any(|skipped| path == Path::new(skipped)) || is_foreign(&path) {
                continue;
            }
            if kind.is_dir() {
                dirs.push(path)
            } else if kind.is_file() {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

/// Licences, and files that a program writes.
fn is_foreign(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("LICENSE") || is(path, "lock") || is(path, "svg")
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Each avoided word in a file, as "FILE:LINE: WORD: what to write instead".
fn avoided(file: &Path) -> Vec<String> {
    let Ok(text) = String::from_utf8(fs::read(workspace("").join(file)).expect("a file")) else {
        return Vec::new();
    };
    let (text, starts) = prose(&text);
    let mut found = Vec::new();
    for (phrases, instead) in AVOIDED {
        for phrase in phrases {
            for at in positions(&text, phrase) {
                let line = starts.partition_point(|start| *start <= at);
                found.push(format!("{}:{line}: {phrase}: {instead}", file.display()));
            }
        }
    }
    found
}

/// A text in lower case on one line, without the markers of comments and the allowed text, so that a phrase is
/// also found across a line break; and where each of its lines starts.
fn prose(text: &str) -> (String, Vec<usize>) {
    let (mut joined, mut starts) = (String::new(), Vec::new());
    for line in text.lines() {
        starts.push(joined.len());
        let line = line.trim();
        let marker = MARKERS.iter().find_map(|marker| line.strip_prefix(marker));
        let line = marker.unwrap_or(line).trim_start().trim_end_matches(['\\', ' ']);
        joined.push_str(&line.to_ascii_lowercase());
        joined.push(' ');
    }
    for (allowed, _) in ALLOWED {
        joined = joined.replace(allowed, &" ".repeat(allowed.len()));
    }
    (joined, starts)
}

/// Where a phrase occurs as whole words; in a name, an underscore separates words.
fn positions(text: &str, phrase: &str) -> Vec<usize> {
    let continues_before =
        |at: usize| phrase.starts_with(char::is_alphanumeric) && text[..at].ends_with(char::is_alphanumeric);
    let continues_after = |end: usize| {
        text[end..].starts_with(char::is_alphanumeric)
            || phrase.ends_with("'s") && text[end..].starts_with(' ')
    };
    text.match_indices(phrase)
        .map(|(at, _)| at)
        .filter(|at| !continues_before(*at) && !continues_after(at + phrase.len()))
        .collect()
}
