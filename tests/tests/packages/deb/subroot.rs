//! The launcher's package.

use super::installed::{
    assert_no_capabilities, assert_purge_leaves_nothing, autopkgtest, debian, debian_of, fact, files,
    install, upgrade,
};
use crate::fresh_root::{ALL_IDS, FreshRoot, NO_ROOT};
use crate::root::{IMPORT, IMPORTED};
use subroot_tests::skip;

const PROFILE: &str = "/etc/apparmor.d/subroot";

#[test]
fn its_program_has_no_privilege_and_its_shells_find_what_completes_it() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot"]);
    assert_eq!(
        files(&root, "subroot"),
        "644 root:root /etc/apparmor.d/subroot\n755 root:root /usr/bin/subroot\n\
        755 root:root /usr/libexec/subroot/subroot-image\n\
        644 root:root /usr/share/bash-completion/completions/subroot\n\
        644 root:root /usr/share/fish/vendor_completions.d/subroot.fish\n\
        644 root:root /usr/share/zsh/vendor-completions/_subroot\n"
    );
    assert_no_capabilities(&root, "subroot");
}

#[test]
fn every_man_page_of_its_own_and_no_other_is_in_it() {
    let pages = std::fs::read_dir(subroot_tests::workspace("packaging/man")).expect("the man pages");
    let mut expected: Vec<String> = pages
        .flatten()
        .filter_map(|page| page.file_name().into_string().ok())
        .filter(|name| name.starts_with("subroot") && name.ends_with(".1"))
        .map(|name| format!("{name}.gz"))
        .collect();
    expected.sort();
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot"]);
    let shipped =
        root.by_root("dpkg --listfiles subroot | sed -n 's,^/usr/share/man/man1/,,p' | LC_ALL=C sort").ok();
    assert_eq!(shipped.lines().collect::<Vec<_>>(), expected);
    root.by_root("gzip --test /usr/share/man/man1/subroot*.gz").ok();
}

#[test]
fn an_upgrade_keeps_a_changed_profile_and_replaces_an_unchanged_one() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    upgrade(&root, "subroot", "", &format!("echo '# ours' >>{PROFILE}"));
    assert_eq!(root.by_root(&format!("tail -n 1 {PROFILE}")).ok(), "# ours\n");
    root.by_root("dpkg --purge subroot").ok();
    upgrade(&root, "subroot", &format!("echo '# older' >>.{PROFILE}"), "true");
    assert_eq!(root.by_root(&format!("tail -n 1 {PROFILE}")).ok(), "}\n");
}

#[test]
fn purge_leaves_nothing() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    assert_purge_leaves_nothing(&root, "subroot");
}

#[test]
fn its_autopkgtest_passes() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot", "newidmap-helper"]);
    autopkgtest(&root, "launcher");
}

#[test]
fn it_runs_on_an_older_release() {
    let Some(root) = debian_of("bullseye.tar") else { skip!("{NO_ROOT}") };
    install(&root, &["subroot", "newidmap-helper"]);
    assert_eq!(root.main_job().ok(), ALL_IDS);
    assert_eq!(root.by_alice(IMPORT).ok(), IMPORTED);
}

#[test]
fn it_runs_on_a_newer_release() {
    let Some(root) = debian_of("trixie.tar") else { skip!("{NO_ROOT}") };
    install(&root, &["subroot", "newidmap-helper"]);
    assert_eq!(root.main_job().ok(), ALL_IDS);
    assert_eq!(root.by_alice(IMPORT).ok(), IMPORTED);
}

/// The symlink by which the package disables a profile that the host's AppArmor cannot read.
fn link(root: &FreshRoot) -> String {
    root.by_root("readlink /etc/apparmor.d/disable/subroot || true").ok()
}

// A kernel without AppArmor, such as those in CI, cannot load the profile. Only its syntax is tested here,
// not its effect.
#[test]
fn its_profile_is_accepted_by_apparmor_4() {
    let Some(root) = debian_of("trixie.tar") else { skip!("{NO_ROOT}") };
    install(&root, &["subroot"]);
    assert_eq!(link(&root), "");
    let compile = format!("apparmor_parser --skip-kernel-load --skip-cache --stdout {PROFILE}");
    for name in [
        "subroot",
        "subroot_command",
        "subroot_image",
        "subroot_unpack",
        "subroot_helper",
        "subroot_network",
        "subroot_mapper",
        "subroot_uidmap",
    ] {
        root.by_root(&format!("{compile} | grep --quiet --text {name}")).ok();
    }
    root.by_root(&format!("sed -i 's/userns,/usernamespaces,/' {PROFILE}")).ok();
    assert_ne!(root.by_root(&compile).code(), 0, "the parser reads anything");
}

#[test]
fn its_profile_is_disabled_where_apparmor_is_too_old_for_it() {
    let Some(root) = debian_of("bullseye.tar") else { skip!("{NO_ROOT}") };
    install(&root, &["subroot"]);
    assert_eq!(link(&root), "../subroot\n");
    // As apparmor.service does at the next boot.
    root.by_root("apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d").ok();
    install(&root, &["subroot"]);
    root.by_root("dpkg --purge subroot").ok();
    assert_eq!(root.by_root("find /etc/apparmor.d -name '*subroot*'").ok(), "");
    assert_eq!(fact(&root, "/etc/apparmor.d"), "755 root:root\n");
}

#[test]
fn an_administrators_own_disabling_is_kept() {
    let Some(root) = debian_of("trixie.tar") else { skip!("{NO_ROOT}") };
    root.by_root(&format!("mkdir -p /etc/apparmor.d/disable && ln -s {PROFILE} /etc/apparmor.d/disable/"))
        .ok();
    upgrade(&root, "subroot", "", "true");
    assert_eq!(link(&root), format!("{PROFILE}\n"));
}
