//! The crates that are compiled into the privileged program.

use std::process::Command;
use subroot_tests::{budget, workspace};

const OWN: [&str; 2] = ["newidmap-helper", "subroot-idmap"];
const EXTERNAL: [&str; 3] = ["bitflags", "linux-raw-sys", "rustix"];
/// These would add an allocator or a libc.
const FORBIDDEN_FEATURES: [&str; 4] = ["alloc", "default", "std", "use-libc"];

/// One crate on each line, as `NAME VERSION … FEATURE,FEATURE`.
fn tree(format: &str) -> Vec<Vec<String>> {
    let output = Command::new("cargo")
        .args(["tree", "--locked", "--package", "newidmap-helper", "--edges", "normal"])
        .args(["--prefix", "none", "--no-dedupe", "--format", format])
        .current_dir(workspace(""))
        .output()
        .expect("starting cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the output of cargo tree");
    let mut lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn only_listed_crates_are_compiled_in() {
    let names: Vec<String> = tree("{p}").into_iter().map(|line| line[0].clone()).collect();
    let mut listed = [&OWN[..], &EXTERNAL[..]].concat();
    listed.sort_unstable();
    assert_eq!(names, listed);
    budget::EXTERNAL_CRATES.hold(names.len() - OWN.len());
}

#[test]
fn no_crate_has_a_feature_that_needs_a_libc() {
    for line in tree("{p} features={f}") {
        let features = line.iter().find_map(|word| word.strip_prefix("features=")).unwrap_or_default();
        let found: Vec<&str> = features.split(',').filter(|name| FORBIDDEN_FEATURES.contains(name)).collect();
        assert!(found.is_empty(), "{} with {found:?}", line[0]);
    }
}
