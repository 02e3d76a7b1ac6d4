//! No path in the programs' own code leads to a panic: an unstripped release build contains none.

use crate::privileged_program::PROGRAMS;
use std::path::PathBuf;
use std::process::Command;
use subroot_tests::{release_program, workspace};

/// rustix asserts that a descriptor is not one of its special values; these are the symbols that this needs.
const ALLOWED: [&str; 4] = [
    "core::panicking::assert_failed",
    "core::panicking::assert_failed_inner",
    "core::panicking::panic",
    "core::panicking::panic_fmt",
];

fn unstripped() -> PathBuf {
    let target = release_program("").ancestors().nth(1).expect("the target directory").join("unstripped");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--release", "--package", "newidmap-helper", "--target-dir"])
        .arg(&target)
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .current_dir(workspace(""))
        .status()
        .expect("starting cargo");
    assert!(status.success(), "building newidmap-helper");
    target.join("release")
}

#[test]
fn nothing_in_the_release_build_panics() {
    let dir = unstripped();
    for program in PROGRAMS {
        let program = dir.join(program);
        let symbols = Command::new("nm").arg("--demangle").arg(&program).output().expect("nm, of binutils");
        let symbols = String::from_utf8_lossy(&symbols.stdout).into_owned();
        assert!(symbols.contains(" _start"), "an unstripped build");
        let names = symbols.lines().filter_map(|line| line.get(19..)).map(without_hash);
        let panics = names.filter(|name| name.starts_with("core::") && leads_to_panic(name));
        let others: Vec<&str> = panics.filter(|name| !ALLOWED.contains(name)).collect();
        assert!(others.is_empty(), "{}: {others:#?}", program.display());
    }
}

fn leads_to_panic(name: &str) -> bool {
    name.contains("panic") || name.contains("_fail") || name.contains("expect")
}

/// A name without the `::h0123456789abcdef` and the `<T>` at its end.
fn without_hash(name: &str) -> &str {
    let name = name.split("::h").next().unwrap_or(name);
    name.split("::<").next().unwrap_or(name)
}
