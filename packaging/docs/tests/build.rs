//! The documents of this workspace, and what refuses to build.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What documents are built from.
const SOURCES: [&str; 9] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs",
    "etc-subuid-examples",
    "newidmap-helper/README.md",
    "newidmap-helper/mapper.conf",
    "packaging",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn fresh(test: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _not_there_yet = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A copy of the sources, to be changed.
fn copied(test: &str) -> PathBuf {
    let dir = fresh(test);
    for source in SOURCES {
        let copy = dir.join(source);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        assert!(
            Command::new("cp").arg("-R").arg(workspace().join(source)).arg(copy).status().unwrap().success()
        );
    }
    dir
}

fn refusal(workspace: &Path) -> String {
    format!("{:#}", subroot_docs::build(workspace, &workspace.join("built")).unwrap_err())
}

fn has_mandoc() -> bool {
    let there = Command::new("mandoc").arg("/dev/null").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "needs mandoc");
    there
}

#[test]
fn every_page_of_the_guide_and_of_the_manual_is_in_the_book() {
    if !has_mandoc() {
        return;
    }
    let output = fresh("book");
    subroot_docs::build(&workspace(), &output).unwrap();
    let book = output.join("subroot/html");
    let names =
        |dir: &str| fs::read_dir(workspace().join(dir)).unwrap().map(|page| page.unwrap().file_name());
    let index = fs::read_to_string(book.join("index.html")).unwrap();
    for page in names("docs/guide").chain(names("packaging/man")) {
        let page = page.into_string().unwrap().replace("README.md", "index");
        let file = format!("{}.html", page.trim_end_matches(".md"));
        assert!(book.join(&file).is_file(), "{file}");
        assert!(index.contains(&format!("<a href=\"{file}\"")), "{file} is not listed");
    }
    let program = fs::metadata(output.join("subroot/examples/recipes/gitlab-runner/run")).unwrap();
    assert_eq!(program.permissions().mode() & 0o111, 0o111);
    let run = fs::read_to_string(book.join("subroot-run.1.html")).unwrap();
    assert!(run.contains("<a href=\"newuidmap.1.html\"><b>newuidmap</b>(1)</a>"), "{run}");
}

#[test]
fn a_page_that_the_guides_index_does_not_list_is_refused() {
    let workspace = copied("unlisted");
    fs::write(workspace.join("docs/guide/new.md"), "# New\n").unwrap();
    assert_eq!(refusal(&workspace), "docs/guide/README.md does not list docs/guide/new.md");
}

#[test]
fn a_dead_link_in_a_page_is_refused() {
    let workspace = copied("dead");
    let page = workspace.join("docs/guide/ci.md");
    fs::write(&page, fs::read_to_string(&page).unwrap() + "\n[new](new.md)\n").unwrap();
    assert_eq!(refusal(&workspace), "docs/guide/ci.md: a dead link: new.md");
}

#[test]
fn a_link_to_a_missing_anchor_is_refused() {
    if !has_mandoc() {
        return;
    }
    let workspace = copied("anchor");
    let page = workspace.join("docs/guide/ci.md");
    fs::write(&page, fs::read_to_string(&page).unwrap() + "\n[new](../seccomp.md#new)\n").unwrap();
    let refusal = refusal(&workspace);
    let dead = ["guide/ci.md: ../seccomp.md#new", "html/ci.html: seccomp.html#new"].join("\n");
    assert_eq!(refusal, format!("dead links in the documents of subroot:\n{dead}"));
}
