//! The mapper's package.

use super::installed::{
    assert_no_capabilities, assert_purge_leaves_nothing, debian, fact, files, install, upgrade,
};
use crate::fresh_root::{ALL_IDS, NO_ROOT};
use subroot_tests::{MAPPER, skip};

#[test]
fn it_is_one_setuid_program_of_root_without_file_capabilities() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["newidmap-helper"]);
    assert_eq!(files(&root, "newidmap-helper"), format!("4755 root:root {MAPPER}\n"));
    assert_no_capabilities(&root, "newidmap-helper");
    for page in ["man8/newidmap-helper.8.gz", "man5/subroot-mapper.conf.5.gz"] {
        assert_eq!(fact(&root, &format!("/usr/share/man/{page}")), "644 root:root\n");
    }
}

/// As the manual page says.
#[test]
fn its_example_of_settings_changes_nothing() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["newidmap-helper", "subroot"]);
    let example = "/usr/share/doc/newidmap-helper/examples/mapper.conf";
    root.by_root(&format!("install -D -m 644 {example} /etc/subroot/mapper.conf")).ok();
    assert_eq!(root.main_job().ok(), ALL_IDS);
    root.by_root("sed -i 's/^#log = .*/log = everything/' /etc/subroot/mapper.conf").ok();
    assert_ne!(root.main_job().ok(), ALL_IDS);
}

#[test]
fn an_upgrade_keeps_what_dpkg_statoverride_says() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    let restrict = format!("groupadd mappers && dpkg-statoverride --update --add root mappers 4750 {MAPPER}");
    upgrade(&root, "newidmap-helper", "chmod 755 usr/libexec/subroot/newidmap-helper", &restrict);
    assert_eq!(fact(&root, MAPPER), "4750 root:mappers\n");
    install(&root, &["newidmap-helper"]);
    assert_eq!(fact(&root, MAPPER), "4750 root:mappers\n");
}

#[test]
fn an_upgrade_brings_back_the_mode_that_nobody_has_overridden() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    upgrade(&root, "newidmap-helper", "", &format!("chmod 755 {MAPPER}"));
    assert_eq!(fact(&root, MAPPER), "4755 root:root\n");
}

#[test]
fn purge_leaves_nothing() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    assert_purge_leaves_nothing(&root, "newidmap-helper");
}

#[test]
fn it_maps_all_ids_of_a_plain_user_until_it_is_removed() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["newidmap-helper", "subroot"]);
    assert_eq!(root.main_job().ok(), ALL_IDS);
    root.by_root("dpkg --remove newidmap-helper").ok();
    assert_eq!(root.main_job().ok(), " 0 1000 1\n 0 1000 1\n");
}
