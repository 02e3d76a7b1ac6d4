//! The package of the mappers with name services.

use super::installed::{
    assert_no_capabilities, assert_purge_leaves_nothing, debian, debian_of, fact, files, install, upgrade,
};
use crate::fresh_root::NO_ROOT;
use subroot_tests::skip;

const NSS: &str = "/usr/libexec/subroot/newidmap-helper-nss";

#[test]
fn it_is_three_setuid_programs_of_root_without_file_capabilities() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["newidmap-helper-nss"]);
    assert_eq!(
        files(&root, "newidmap-helper-nss"),
        "4755 root:root /usr/libexec/subroot/newgidmap-nss\n4755 root:root /usr/libexec/subroot/newidmap-helper-nss\n\
        4755 root:root /usr/libexec/subroot/newuidmap-nss\n"
    );
    assert_no_capabilities(&root, "newidmap-helper-nss");
}

#[test]
fn the_mapper_hands_over_to_it_and_it_starts_with_the_libraries_it_depends_on() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["newidmap-helper"]);
    let stranger = "setpriv --reuid=4242 --regid=4242 --clear-groups /usr/libexec/subroot/newidmap-helper $$ --uid-map 0:100000:1";
    let without = root.by_root(stranger);
    assert!(without.stderr.contains("which takes newidmap-helper-nss"), "{without:?}");
    install(&root, &["newidmap-helper-nss"]);
    let with = root.by_root(stranger);
    assert_eq!(with.code(), 1, "{with:?}");
    assert!(with.stderr.ends_with("not allowed: /etc/subuid grants you nothing\n"), "{with:?}");
}

#[test]
fn an_upgrade_keeps_what_dpkg_statoverride_says() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    let restrict = format!("groupadd mappers && dpkg-statoverride --update --add root mappers 4750 {NSS}");
    upgrade(&root, "newidmap-helper-nss", "", &restrict);
    assert_eq!(fact(&root, NSS), "4750 root:mappers\n");
}

#[test]
fn purge_leaves_nothing() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    assert_purge_leaves_nothing(&root, "newidmap-helper-nss");
}

#[test]
fn a_release_with_an_older_libc_is_refused_by_the_dependency() {
    let Some(root) = debian_of("bullseye.tar") else { skip!("{NO_ROOT}") };
    let refused = root.by_root("dpkg --install /srv/packages/newidmap-helper-nss_0*.deb");
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.stderr.contains("newidmap-helper-nss depends on libc6 (>= "), "{refused:?}");
}
