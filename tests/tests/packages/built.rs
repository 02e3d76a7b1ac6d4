//! What packaging/build made, and how it is made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use subroot_tests::{release_program, workspace};

/// The target directory, which contains `release` and `packages`.
pub(crate) fn target() -> PathBuf {
    let program = release_program("subroot");
    program.ancestors().nth(2).expect("TARGET/release/subroot").to_path_buf()
}

/// The only file in `TARGET/packages` with this beginning, a version, and this ending.
#[track_caller]
pub(crate) fn package(name: &str, end: &str) -> PathBuf {
    only(&target().join("packages"), name, end)
}

/// The same in another directory.
#[track_caller]
pub(crate) fn only(dir: &Path, name: &str, end: &str) -> PathBuf {
    let files = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let is_meant = |file: &PathBuf| {
        let file = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with(end))
    };
    let mut found = files.map(|file| file.expect("reading a directory").path()).filter(is_meant);
    let package =
        found.next().unwrap_or_else(|| panic!("no {name} in {}: packaging/build first", dir.display()));
    assert!(found.next().is_none(), "several {name} in {}", dir.display());
    package
}

/// A script `packaging/KIND/build`, for this build and with this date.
pub(crate) fn build_script(kind: &str, date: &str) -> Command {
    let mut command = Command::new(workspace(&format!("packaging/{kind}/build")));
    command.env("CARGO_TARGET_DIR", target()).env("SOURCE_DATE_EPOCH", date);
    command
}

/// The version in Cargo.toml.
pub(crate) fn version() -> String {
    let manifest = fs::read_to_string(workspace("Cargo.toml")).expect("reading Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    line.expect("a version in Cargo.toml").trim_matches('"').to_owned()
}
