//! The launcher's modules keep their order (docs/design.md, "The launcher as a house"): each imports only
//! from its own directory and from those below it, and no two import from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use subroot_tests::workspace;

/// Top to bottom, in the order of a launch.
const ORDER: [&str; 15] = [
    "cli", "parent", "child", "rootfs", "network", "diagnose", "plan", "cdi", "images", "grants", "causes",
    "request", "error", "failure", "sys",
];

/// The maximum number of files in one directory.
const MOST_FILES: usize = 16;
/// The maximum number of lines in a file.
const MOST_LINES: usize = 400;

/// What each module imports, by paths below the crate's root, such as `parent/launch`.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_module_imports_from_above_it() {
    let imports = imports();
    let upward: Vec<String> = imports
        .iter()
        .flat_map(|(module, imported)| imported.iter().map(move |other| (module, other)))
        .filter(|(module, other)| level(other) < level(module))
        .map(|(module, other)| format!("{module} imports {other}"))
        .collect();
    assert!(upward.is_empty(), "{}", upward.join("\n"));
    assert!(imports.len() > 80, "{} modules", imports.len());
}

#[test]
fn no_two_modules_import_from_each_other() {
    let imports = imports();
    for module in imports.keys() {
        let cycle = cycle_from(&imports, module);
        assert!(cycle.is_none(), "a cycle: {}", cycle.unwrap_or_default().join(" -> "));
    }
}

#[test]
fn imports_are_named_from_the_root_of_the_crate() {
    for file in sources() {
        let text = fs::read_to_string(&file).expect("a source");
        let is_relative = |line: &&str| line.starts_with("use super::") || line.starts_with("use self::");
        let relative: Vec<&str> = text.lines().filter(is_relative).collect();
        let is_for_build = file.to_string_lossy().contains("/child/seccomp/");
        assert!(relative.is_empty() || is_for_build, "{}: {relative:?}", file.display());
    }
}

#[test]
fn directories_and_files_stay_small() {
    let mut files: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for file in sources() {
        *files.entry(file.parent().expect("a directory").to_owned()).or_default() += 1;
        let lines = fs::read_to_string(&file).expect("a source").lines().count();
        assert!(lines <= MOST_LINES, "{}: {lines} lines", file.display());
    }
    for (dir, count) in files {
        assert!(count <= MOST_FILES, "{}: {count} files", dir.display());
    }
}

#[test]
fn a_child_of_a_launch_prints_nothing() {
    let printing = imports().into_iter().filter(|(_, imported)| imported.contains("sys/standard_error"));
    for (module, _) in printing {
        let top = module.split('/').next().expect("a directory");
        assert!(top != "child" && top != "rootfs", "{module} prints");
    }
}

fn root() -> PathBuf {
    workspace("launcher/src")
}

fn sources() -> Vec<PathBuf> {
    let (mut found, mut dirs) = (Vec::new(), vec![root()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                dirs.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                found.push(entry);
            }
        }
    }
    found.sort();
    found
}

/// `launcher/src/parent/launch.rs` is `parent/launch`, and `launcher/src/plan/mod.rs` is `plan`.
fn module(file: &Path) -> String {
    let path = file.strip_prefix(root()).expect("a source").with_extension("");
    let path = if path.ends_with("mod") { path.parent().expect("a directory").to_owned() } else { path };
    path.to_str().expect("a name").to_owned()
}

fn level(module: &str) -> usize {
    let top = module.split('/').next().expect("a directory");
    ORDER.iter().position(|known| *known == top).unwrap_or_else(|| panic!("{module} is not in ORDER"))
}

fn imports() -> Imports {
    let is_root = |file: &PathBuf| {
        file.parent() == Some(&root()) && (file.ends_with("lib.rs") || file.ends_with("main.rs"))
    };
    let files: Vec<PathBuf> = sources().into_iter().filter(|file| !is_root(file)).collect();
    let known: BTreeSet<String> = files.iter().map(|file| module(file)).collect();
    let imported = |file: &PathBuf| {
        let text = without_tests_and_comments(&fs::read_to_string(file).expect("a source"));
        let own = module(file);
        paths(&text)
            .iter()
            .filter_map(|path| longest_known(&known, path))
            .filter(|other| *other != own)
            .collect()
    };
    files.iter().map(|file| (module(file), imported(file))).collect()
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().expect("a part");
    code.lines().map(|line| line.split("//").next().expect("a part")).collect::<Vec<_>>().join("\n")
}

/// Every path after `crate::`; paths in braces are listed one by one.
fn paths(code: &str) -> Vec<String> {
    let is_of_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        let end = after.find(|letter| !is_of_path(letter)).unwrap_or(after.len());
        let (path, rest) = after.split_at(end);
        match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((names, _)) => found.extend(names.split(',').map(|name| format!("{path}{}", name.trim()))),
            None => found.push(path.to_owned()),
        }
    }
    found
}

/// The module that a path leads into: `sys::process::fork` is in `sys/process`.
fn longest_known(known: &BTreeSet<String>, path: &str) -> Option<String> {
    let mut names: Vec<&str> = path.split("::").filter(|name| !name.is_empty()).collect();
    while !names.is_empty() {
        if let Some(module) = known.get(&names.join("/")) {
            return Some(module.clone());
        }
        names.pop();
    }
    None
}

/// The modules on a path from one back to itself.
fn cycle_from(imports: &Imports, start: &str) -> Option<Vec<String>> {
    let mut open = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        for next in imports.get(way.last()?).into_iter().flatten() {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                open.push(longer);
            }
        }
    }
    None
}
