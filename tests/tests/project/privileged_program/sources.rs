//! The size of the privileged program's sources, and where they are unsafe or privileged.

use std::fs;
use std::path::{Path, PathBuf};
use subroot_tests::{budget, workspace};

const DIRS: [&str; 2] = ["idmap/src", "newidmap-helper/src"];
/// The additional sources of the variant with name services.
const VARIANT: [&str; 1] = ["newidmap-helper/nss/src"];
/// The entry point without libc, and the two ioctls that rustix does not offer.
const UNSAFE: [&str; 2] = ["newidmap-helper/src/namespace.rs", "newidmap-helper/src/start.rs"];
/// Creating a process and loading a library, and the entry point with libc.
const VARIANT_UNSAFE: [&str; 2] = ["newidmap-helper/nss/src/foreign.rs", "newidmap-helper/nss/src/start.rs"];

/// The functions that run with a capability in force: the closure that writes and what it calls, and those
/// that put privilege aside.
const IN_FORCE: [(&str, &str); 8] = [
    ("maps.rs", "write"),
    ("maps.rs", "open_empty"),
    ("maps.rs", "write_whole"),
    ("privileges.rs", "become_caller"),
    ("privileges.rs", "in_force"),
    ("privileges.rs", "set_effective"),
    ("target.rs", "open_file"),
    ("target.rs", "is_on"),
];

fn sources(dirs: &[&str]) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut dirs: Vec<PathBuf> = dirs.iter().copied().map(workspace).collect();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("reading the sources") {
            let path = entry.expect("reading the sources").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("reading the sources");
                files.push((path, text));
            }
        }
    }
    files
}

fn is_code(line: &&str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

#[test]
fn its_own_code_is_short() {
    let lines = |dirs| sources(dirs).iter().map(|(_, text)| text.lines().filter(is_code).count()).sum();
    budget::CODE_LINES.hold(lines(&DIRS));
    budget::VARIANT_LINES.hold(lines(&VARIANT));
}

#[test]
fn unsafe_code_is_in_two_files() {
    let (files, blocks) = unsafe_code(&DIRS);
    assert_eq!(files, UNSAFE.map(workspace));
    budget::UNSAFE_FILES.hold(files.len());
    budget::UNSAFE_BLOCKS.hold(blocks);
    assert_eq!(unsafe_code(&VARIANT).0, VARIANT_UNSAFE.map(workspace));
}

/// The files with unsafe code, and the number of its blocks.
fn unsafe_code(dirs: &[&str]) -> (Vec<PathBuf>, usize) {
    let says_unsafe = |line: &&str| line.contains("unsafe ") || line.contains("unsafe(");
    let mut files = Vec::new();
    let mut blocks = 0;
    for (path, text) in sources(dirs) {
        let code: Vec<&str> = text.lines().filter(is_code).filter(says_unsafe).collect();
        blocks += code.iter().map(|line| line.matches("unsafe {").count()).sum::<usize>();
        if !code.is_empty() {
            files.push(path);
        }
    }
    files.sort();
    (files, blocks)
}

#[test]
fn little_of_it_runs_with_a_capability_in_force() {
    let lines = IN_FORCE.map(|(file, name)| {
        let text =
            fs::read_to_string(workspace("newidmap-helper/src").join(file)).expect("reading the sources");
        function_lines(&text, name).unwrap_or_else(|| panic!("no function {name} in {file}: see IN_FORCE"))
    });
    budget::LINES_IN_FORCE.hold(lines.iter().sum());
}

/// The number of lines of code in all functions with this name: rustfmt puts the closing brace below the
/// first letter.
fn function_lines(text: &str, name: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = |line: &str| line.contains(&format!("fn {name}(")) || line.contains(&format!("fn {name}<"));
    let starts: Vec<usize> = (0..lines.len()).filter(|at| starts(lines[*at])).collect();
    let length = |start: &usize| {
        let indent = lines[*start].len() - lines[*start].trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        lines[*start..].iter().take_while(|line| **line != end).filter(|line| is_code(line)).count() + 1
    };
    (!starts.is_empty()).then(|| starts.iter().map(length).sum())
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in sources(&DIRS).into_iter().chain(sources(&VARIANT)) {
        assert!(text.starts_with("//! "), "{}", Path::new(&path).display());
    }
}
