//! The launcher's package.

use super::Packages;
use std::fs;
use subroot_tests::{release_program, skip};

check_lifecycle!("subroot", "", "/usr/bin/subroot");

#[test]
fn it_has_a_program_completions_and_pages() {
    let installation = Packages::built().root();
    installation.quietly("-i subroot.rpm");
    let listing = installation.listing();
    let (pages, others): (Vec<&str>, Vec<&str>) =
        listing.lines().partition(|line| line.contains("/share/man/"));
    let expected = [
        "0755 0:0 /usr/bin/subroot",
        "0644 0:0 /usr/share/bash-completion/completions/subroot",
        "0644 0:0 /usr/share/fish/vendor_completions.d/subroot.fish",
        "0644 0:0 /usr/share/zsh/site-functions/_subroot",
    ];
    assert_eq!(others, expected);
    assert!(pages.contains(&"0644 0:0 /usr/share/man/man1/subroot.1.gz"), "{pages:?}");
    assert!(pages.iter().all(|page| page.starts_with("0644 0:0 /usr/share/man/man1/subroot")), "{pages:?}");
}

#[test]
fn its_program_is_the_one_that_was_built() {
    let built = fs::read(release_program("subroot")).expect("the launcher");
    let installation = Packages::built().root();
    installation.quietly("-i subroot.rpm");
    assert!(fs::read(installation.root.file("/usr/bin/subroot")).expect("the program") == built);
}

#[test]
fn alone_it_maps_the_callers_own_id() {
    let Some(installation) = Packages::built().debian() else { skip!("no Debian root file system was made") };
    installation.quietly("-i subroot.rpm");
    let run = installation.root.alice("subroot -q run rootfs -- cat /proc/self/uid_map");
    assert_eq!(run.ok().split_whitespace().collect::<Vec<_>>(), ["0", "1000", "1"]);
}
