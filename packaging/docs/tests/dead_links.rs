//! Dead links are found in Markdown and HTML, and others are left alone.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use subroot_docs::dead_links;

/// A directory with one page beside `other.md`, `other.html` and `dir/`.
fn with_page(test: &str, name: &str, content: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _not_there_yet = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("dir")).unwrap();
    fs::write(dir.join("other.md"), "# Other\n\n## The end\n").unwrap();
    fs::write(dir.join("other.html"), "<h1 id=\"end\">Other</h1>").unwrap();
    fs::write(dir.join(name), content).unwrap();
    dir
}

#[test]
fn in_markdown_a_missing_file_a_missing_anchor_and_a_way_out_are_dead() {
    let page = "[1](missing.md) [2](other.md#missing) [3](../out.md) [4](#missing) ![5](missing.svg)\n";
    let dir = with_page("markdown", "page.md", page);
    let dead = ["missing.md", "other.md#missing", "../out.md", "#missing", "missing.svg"];
    assert_eq!(dead_links(&dir).unwrap(), dead.map(|link| format!("page.md: {link}")));
}

#[test]
fn in_html_too() {
    let page = "<a href=\"missing.html\">1</a><a class=\"a\" href=\"other.html#missing\">2</a>\
        <a href=\"../out.html\">3</a><script src=\"missing.js\"></script>";
    let dir = with_page("html", "page.html", page);
    let dead = ["missing.html", "other.html#missing", "../out.html", "missing.js"];
    assert_eq!(dead_links(&dir).unwrap(), dead.map(|link| format!("page.html: {link}")));
}

#[test]
fn what_leads_somewhere_is_not_dead() {
    let links = "# Page\n\n[1](other.md#the-end) [2](dir) [3](https://example.org/#x) [4](#page)\n\
        [5](other.html#end) `[6](missing.md)`\n";
    assert!(dead_links(&with_page("alive", "page.md", links)).unwrap().is_empty());
}
