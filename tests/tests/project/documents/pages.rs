//! The man pages as files: valid, of this version, and referring to existing pages.

use crate::documents::read;
use std::fs;
use std::process::Command;
use subroot_tests::{skip, workspace};

fn names() -> Vec<String> {
    let entries = fs::read_dir(workspace("packaging/man")).expect("the man pages");
    let names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    assert!(names.len() >= 12, "{names:?}");
    names
}

#[test]
fn groff_has_nothing_to_warn_of() {
    if Command::new("groff").arg("--version").output().is_err() {
        skip!("needs groff");
    }
    for name in names() {
        let page = workspace("packaging/man").join(&name);
        let output =
            Command::new("groff").args(["-man", "-ww", "-z"]).arg(page).output().expect("starting groff");
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && warnings.is_empty(), "{name}: {warnings}");
    }
}

#[test]
fn each_is_of_this_version_and_has_what_a_page_has() {
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).expect("a version");
    let source = format!("\"subroot {}\" \"subroot manual\"", version.trim_matches('"'));
    for name in names() {
        let page = read(&format!("packaging/man/{name}"));
        let title = page.lines().find(|line| line.starts_with(".TH ")).expect("a title");
        assert!(title.ends_with(&source), "{name}: {title}");
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "\"SEE ALSO\""] {
            assert!(page.contains(&format!("\n.SH {heading}\n")), "{name}: {heading}");
        }
    }
}

#[test]
fn each_page_that_is_referred_to_is_there() {
    let names = names();
    for name in &names {
        let page = read(&format!("packaging/man/{name}")).replace("\\-", "-");
        for (referred, section) in page.lines().filter_map(reference) {
            let is_own =
                ["subroot", "newidmap", "newuidmap", "newgidmap"].iter().any(|own| referred.starts_with(own));
            assert!(
                !is_own || names.contains(&format!("{referred}.{section}")),
                "{referred}({section}) in {name}"
            );
        }
    }
}

/// subroot(1) refers to each command, the page of a command to those below it, and the commands of `subroot grants`
/// to each other.
#[test]
fn pages_refer_to_their_siblings() {
    let commands: Vec<String> =
        names().into_iter().filter(|name| name.starts_with("subroot-") && name.ends_with(".1")).collect();
    let (grants, others): (Vec<&String>, Vec<&String>) =
        commands.iter().partition(|name| name.starts_with("subroot-grants-"));
    let above = |sibling: &String| match sibling.as_str() {
        "subroot-idmap-explain.1" => "subroot-idmap.1",
        "subroot-images-prune.1" => "subroot-images.1",
        _ => "subroot.1",
    };
    for (page, sibling) in others
        .into_iter()
        .map(|sibling| (above(sibling), sibling))
        .chain(grants.iter().flat_map(|page| grants.iter().map(|sibling| (page.as_str(), *sibling))))
        .filter(|(page, sibling)| page != sibling)
    {
        let text = read(&format!("packaging/man/{page}")).replace("\\-", "-");
        let name = sibling.trim_end_matches(".1");
        assert!(text.lines().filter_map(reference).any(|(referred, _)| referred == name), "{name} in {page}");
    }
}

#[test]
fn each_path_that_the_page_for_contributors_names_is_there() {
    let page = read("CONTRIBUTING.md");
    let mut paths: Vec<&str> =
        page.split(['`', ' ', '\n', ',', ';', '(', ')', '|']).filter(|word| is_path(word)).collect();
    paths.sort_unstable();
    paths.dedup();
    assert!(paths.len() >= 50, "{paths:?}");
    for path in paths {
        assert!(workspace(path.trim_end_matches(['.', ':'])).exists(), "{path}");
    }
}

/// A path whose first directory is in the workspace. `target` is created by a build.
fn is_path(word: &str) -> bool {
    let is_plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-:".contains(letter));
    let Some((first, _)) = word.split_once('/') else { return word.ends_with(".md") };
    is_plain && first != "target" && !first.is_empty() && workspace(first).is_dir()
}

/// `.BR NAME (SECTION)…`, and its form in a list of commands, `NAME(SECTION)`.
fn reference(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix(".BR ").unwrap_or(line);
    let (name, rest) = line.split_once('(')?;
    Some((name.trim_end(), rest.split_once(')')?.0))
}
