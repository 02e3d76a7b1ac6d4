//! The launcher's package.

use super::Packages;
use crate::root::{IMPORT, IMPORTED};
use std::fs;
use subroot_tests::{release_program, skip};

check_lifecycle!("subroot", "", "/usr/bin/subroot");

#[test]
fn it_has_two_programs_completions_and_pages() {
    let installation = Packages::built().root();
    installation.quietly("-i subroot.rpm");
    let listing = installation.listing();
    let (pages, others): (Vec<&str>, Vec<&str>) =
        listing.lines().partition(|line| line.contains("/share/man/"));
    let expected = [
        "0755 0:0 /usr/bin/subroot",
        "0755 0:0 /usr/libexec/subroot",
        "0755 0:0 /usr/libexec/subroot/subroot-image",
        "0644 0:0 /usr/share/bash-completion/completions/subroot",
        "0644 0:0 /usr/share/fish/vendor_completions.d/subroot.fish",
        "0644 0:0 /usr/share/zsh/site-functions/_subroot",
    ];
    assert_eq!(others, expected);
    assert!(pages.contains(&"0644 0:0 /usr/share/man/man1/subroot.1.gz"), "{pages:?}");
    assert!(pages.iter().all(|page| page.starts_with("0644 0:0 /usr/share/man/man1/subroot")), "{pages:?}");
}

#[test]
fn its_programs_are_those_that_were_built() {
    let built = ["subroot", "subroot-image"].map(|name| fs::read(release_program(name)).expect("a program"));
    let installation = Packages::built().root();
    installation.quietly("-i subroot.rpm");
    for (path, built) in ["/usr/bin/subroot", "/usr/libexec/subroot/subroot-image"].iter().zip(built) {
        assert!(fs::read(installation.root.file(path)).expect("the program") == built, "{path}");
    }
}

#[test]
fn alone_it_maps_the_callers_own_id() {
    let Some(installation) = Packages::built().debian() else { skip!("no Debian root file system was made") };
    installation.quietly("-i subroot.rpm");
    let run = installation.root.alice("subroot -q run rootfs -- cat /proc/self/uid_map");
    assert_eq!(run.ok().split_whitespace().collect::<Vec<_>>(), ["0", "1000", "1"]);
}

#[test]
fn with_the_mapper_it_makes_a_root_filesystem_of_an_archive() {
    let Some(installation) = Packages::built().debian() else { skip!("no Debian root file system was made") };
    installation.quietly("-i subroot.rpm newidmap-helper.rpm");
    assert_eq!(installation.root.alice(IMPORT).ok(), IMPORTED);
}
