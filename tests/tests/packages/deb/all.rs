//! What holds for all Debian packages together.

use super::installed::{debian, install};
use crate::documents::assert_documented;
use crate::fresh_root::NO_ROOT;
use std::fs;
use std::process::Command;
use std::time::Duration;
use subroot_tests::{Started, release_program, skip, workspace};

#[test]
fn lintian_finds_nothing() {
    let lintian = "lintian --allow-root --fail-on error,warning *.deb";
    let mut shell = Command::new("sh");
    shell.args(["-c", lintian]).current_dir(release_program("../packages"));
    assert_eq!(Started::new(&mut shell).end_within(Duration::from_secs(300)).ok(), "");
}

/// An override has a comment above it that says why, and none is for a fault of the packages.
#[test]
fn overrides_hide_nothing() {
    const MEANT: [&str; 3] =
        ["elevated-privileges", "statically-linked-binary", "initial-upload-closes-no-bugs"];
    for entry in fs::read_dir(workspace("packaging/deb/overrides")).expect("the overrides") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("an override");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let tag = line.split(' ').nth(1).expect("a tag");
            assert!(MEANT.contains(&tag), "{line}");
        }
    }
}

#[test]
fn the_changelog_is_of_this_version() {
    let changelog = fs::read_to_string(workspace("packaging/deb/changelog")).expect("the changelog");
    let version = concat!("subroot (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(changelog.starts_with(version), "{changelog}");
}

#[test]
fn everything_is_installed_together_and_removed_together() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    let names = "subroot newidmap-helper newidmap-helper-nss subroot-uidmap";
    root.by_root(&format!("for name in {names}; do set -- \"$@\" /srv/packages/${{name}}_0*.deb; done; dpkg --install \"$@\" && dpkg --verify {names}")).ok();
    root.by_root(&format!("dpkg --purge {names}")).ok();
    assert_eq!(root.by_root("ls -d /usr/libexec/subroot /usr/bin/newuidmap || true").ok(), "");
}

#[test]
fn their_documents_are_installed_and_no_link_in_them_is_dead() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    let names = ["subroot", "newidmap-helper", "subroot-uidmap"];
    install(&root, &names);
    assert_documented(&root.path.join("usr/share/doc"), &names);
}
