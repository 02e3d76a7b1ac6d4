//! The package of the mapper with name services. An empty root has no C library: --nodeps.

use super::Packages;
use std::fs;
use subroot_tests::skip;

check_lifecycle!("newidmap-helper-nss", "--nodeps", "/usr/libexec/subroot/newidmap-helper-nss");

#[test]
fn each_program_has_the_capabilities_of_its_twin() {
    let installation = Packages::built().root();
    installation.quietly("-i --nodeps newidmap-helper-nss.rpm");
    let expected = "\
0755 0:0 /usr/libexec/subroot
0755 0:0 /usr/libexec/subroot/newgidmap-nss cap_setgid=p
0755 0:0 /usr/libexec/subroot/newidmap-helper-nss cap_setgid,cap_setuid=p
0755 0:0 /usr/libexec/subroot/newuidmap-nss cap_setuid=p
";
    assert_eq!(installation.listing(), expected);
}

#[test]
fn it_needs_the_mapper_of_its_build_and_the_c_library() {
    let installation = Packages::with_older().root();
    installation.quietly("-i newidmap-helper-older.rpm");
    let refused = installation.rpm("-i newidmap-helper-nss.rpm");
    let wanted: Vec<&str> = refused
        .stderr
        .lines()
        .filter_map(|line| line.split_once(" is needed by "))
        .map(|(what, _)| what.trim())
        .collect();
    assert!(wanted.iter().any(|what| what.starts_with("newidmap-helper = ")), "{refused:?}");
    let known = ["newidmap-helper = ", "libc.so.6", "libgcc_s.so.1", "rtld(GNU_HASH)", "ld-linux"];
    assert!(wanted.iter().all(|what| known.iter().any(|known| what.starts_with(known))), "{refused:?}");
}

/// A plugin that no host has: without the package the mapper reports that it needs the package, with it that
/// the plugin is missing.
#[test]
fn the_mapper_hands_over_to_it() {
    let Some(installation) = Packages::built().debian() else { skip!("no Debian root file system was made") };
    installation.quietly("-i newidmap-helper.rpm");
    let root = &installation.root;
    fs::write(root.file("/etc/nsswitch.conf"), "subid: absent\n").expect("writing nsswitch.conf");
    let ask = "/usr/libexec/subroot/newidmap-helper $$ --uid-map 0:100000:1";
    let without = root.alice(ask);
    installation.quietly("-i --nodeps newidmap-helper-nss.rpm");
    let with = root.alice(ask);
    assert_eq!((without.code(), with.code()), (1, 4), "{without:?} {with:?}");
    assert!(without.stderr.ends_with(" the plugin absent, which takes newidmap-helper-nss\n"), "{without:?}");
    assert!(with.stderr.ends_with(" names for subid: it cannot be loaded\n"), "{with:?}");
}
