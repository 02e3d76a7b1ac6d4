//! The package that replaces Debian's uidmap.

use super::installed::{
    assert_no_capabilities, assert_purge_leaves_nothing, autopkgtest, debian, debian_of, fact, files,
    install, upgrade,
};
use crate::fresh_root::{ALL_IDS, FreshRoot, NO_ROOT};
use std::fs;
use subroot_tests::{DROP_INS, Host, Install, release_program, skip};

#[test]
fn it_is_two_setuid_programs_of_root_without_file_capabilities() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot-uidmap"]);
    assert_eq!(
        files(&root, "subroot-uidmap"),
        "4755 root:root /usr/bin/newgidmap\n4755 root:root /usr/bin/newuidmap\n"
    );
    assert_no_capabilities(&root, "subroot-uidmap");
    for page in DROP_INS {
        assert_eq!(fact(&root, &format!("/usr/share/man/man1/{page}.1.gz")), "644 root:root\n");
    }
}

#[test]
fn an_upgrade_keeps_what_dpkg_statoverride_says() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    let restrict =
        "groupadd mappers && dpkg-statoverride --update --add root mappers 4750 /usr/bin/newuidmap";
    upgrade(&root, "subroot-uidmap", "", restrict);
    assert_eq!(fact(&root, "/usr/bin/newuidmap"), "4750 root:mappers\n");
    assert_eq!(fact(&root, "/usr/bin/newgidmap"), "4755 root:root\n");
}

#[test]
fn purge_leaves_nothing() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    assert_purge_leaves_nothing(&root, "subroot-uidmap");
}

#[test]
fn the_launcher_maps_all_ids_by_it_alone() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot-uidmap", "subroot"]);
    assert_eq!(root.main_job().ok(), ALL_IDS);
}

#[test]
fn its_autopkgtest_passes() {
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot-uidmap"]);
    autopkgtest(&root, "drop-ins");
}

/// The package that owns newuidmap, with all its files unchanged.
fn owner(root: &FreshRoot) -> String {
    let owner = root.by_root("dpkg --search /usr/bin/newuidmap | cut -d : -f 1").ok();
    assert_eq!(root.by_root(&format!("dpkg --verify {owner}")).ok(), "", "{owner}");
    owner
}

#[test]
fn it_takes_the_place_of_uidmap_and_gives_it_back() {
    let Some(root) = debian_of("trixie.tar") else { skip!("{NO_ROOT}") };
    let apt =
        |package: &str| root.by_root(&format!("apt-get install --yes --allow-downgrades {package}")).ok();
    let programs = || root.by_root("sha256sum /usr/bin/newuidmap /usr/bin/newgidmap").ok();
    apt("/srv/packages/lib*.deb /srv/packages/uidmap_*.deb");
    let theirs = programs();
    for _ in 0..2 {
        assert_eq!(owner(&root), "uidmap\n");
        apt("/srv/packages/subroot-uidmap_*.deb");
        assert_eq!(owner(&root), "subroot-uidmap\n");
        assert_ne!(programs(), theirs);
        autopkgtest(&root, "drop-ins");
        apt("/srv/packages/uidmap_*.deb");
        assert_eq!(programs(), theirs);
    }
}

#[test]
fn podman_runs_on_what_is_in_it() {
    let ours = DROP_INS.map(|name| fs::read(release_program(name)).expect("a program of ours"));
    let Some(root) = debian() else { skip!("{NO_ROOT}") };
    install(&root, &["subroot-uidmap"]);
    for (name, program) in DROP_INS.iter().zip(ours) {
        assert!(
            fs::read(root.path.join("usr/bin").join(name)).expect("an installed program") == program,
            "{name}"
        );
    }
    drop(root);
    let host = Host::new();
    host.install_drop_ins(Install::SetuidRoot);
    for dir in ["/dev/shm", "/sys/fs/cgroup"] {
        host.cover(dir, 0o1777);
    }
    let alice = host.user("alice");
    host.make_dir("/run/user/1000", &alice);
    let mut podman = alice.command("podman");
    podman.args(["--storage-driver", "vfs", "unshare", "cat", "/proc/self/uid_map"]);
    let map = host.output(podman.env("XDG_RUNTIME_DIR", "/run/user/1000")).ok();
    let fields: Vec<_> = map.split_whitespace().collect();
    assert_eq!(fields, ["0", "1000", "1", "1", "100000", "65536"]);
}
