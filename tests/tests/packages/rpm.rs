//! The RPMs, tested with rpm itself: one module for each package, and what they have in common.

#[macro_use]
mod lifecycle;
mod packages;

mod newidmap_helper;
mod newidmap_helper_nss;
mod subroot;
mod subroot_uidmap;

use crate::built::{build_script, only, package, target, version};
use crate::documents::assert_documented;
use packages::{NAMES, Packages, query};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use subroot_tests::workspace;

#[test]
fn rpmlint_has_nothing_to_say() {
    let mut rpmlint = Command::new("rpmlint");
    rpmlint.arg("-c").arg(workspace("packaging/rpm/rpmlint.toml"));
    rpmlint.arg(workspace("packaging/rpm/subroot.spec")).args(NAMES.map(|name| package(name, ".rpm")));
    let said = rpmlint.output().expect("rpmlint, of rpmlint");
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains(" 0 errors, 0 warnings,"), "{said}");
}

#[test]
fn the_same_programs_make_the_same_packages() {
    let built = NAMES.map(|name| package(name, ".rpm"));
    let date = query(&built[0], "%{BUILDTIME}");
    let again = target().join("rpm/again");
    let _not_there_yet = fs::remove_dir_all(&again);
    let mut build = build_script("rpm", &date);
    build.env("TZ", "Asia/Tokyo").env("LANG", "C").env("HOME", "/").env("USER", "nobody");
    build.args(["--define", &format!("_topdir {}", again.display())]);
    build.args(["--define", &format!("_rpmdir {}", again.display())]);
    let built_again = build.output().expect("starting packaging/rpm/build");
    assert!(built_again.status.success(), "{}", String::from_utf8_lossy(&built_again.stderr));
    for (name, first) in NAMES.iter().zip(&built) {
        assert!(
            fs::read(first).expect("a package") == fs::read(only(&again, name, ".rpm")).expect("a package"),
            "{name} is packed otherwise now; where a file of it has changed since, packaging/build first"
        );
    }
}

#[test]
fn they_are_of_the_version_that_cargo_says_and_so_is_the_spec() {
    for name in NAMES {
        assert_eq!(query(&package(name, ".rpm"), "%{NAME}-%{VERSION}"), format!("{name}-{}", version()));
    }
    let spec = fs::read_to_string(workspace("packaging/rpm/subroot.spec")).expect("reading the spec");
    assert!(spec.contains(&format!("subroot_version: %global subroot_version {}}}", version())));
    assert!(spec.contains(&format!(" - {}-1\n", version())), "a line of %changelog");
}

#[test]
fn each_manual_page_is_in_one_package() {
    let mut packed: Vec<String> =
        NAMES.iter().flat_map(|name| manual_pages(&package(name, ".rpm"))).collect();
    packed.sort();
    let pages = fs::read_dir(workspace("packaging/man")).expect("reading packaging/man");
    let mut pages: Vec<String> = pages.map(|page| name_in_package(&page.expect("a page").path())).collect();
    pages.sort();
    assert_eq!(packed, pages);
}

#[test]
fn their_documents_are_installed_and_no_link_in_them_is_dead() {
    let installation = Packages::built().root();
    installation.quietly("-i subroot.rpm newidmap-helper.rpm subroot-uidmap.rpm");
    let share = installation.root.file("/usr/share/doc");
    assert_documented(&share, &["subroot", "newidmap-helper", "subroot-uidmap"]);
}

fn manual_pages(package: &Path) -> Vec<String> {
    let files = query(package, "[%{FILENAMES}\n]");
    let pages = files.lines().filter_map(|file| file.strip_prefix("/usr/share/man/"));
    pages.map(|page| page.rsplit('/').next().expect("a name").trim_end_matches(".gz").to_owned()).collect()
}

fn name_in_package(page: &Path) -> String {
    let name = page.file_name().expect("a name").to_string_lossy();
    // shadow-utils has pages of these names.
    if name.starts_with("newuidmap") || name.starts_with("newgidmap") {
        format!("subroot-{name}")
    } else {
        name.into_owned()
    }
}

/// Packages of the same programs with a lower version, made once.
fn older_packages() -> &'static Path {
    static MADE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    MADE.get_or_init(|| {
        let older = target().join("rpm/older");
        let _not_there_yet = fs::remove_dir_all(&older);
        let mut build = build_script("rpm", "1700000000");
        build.args(["--define", &format!("_topdir {}", older.display())]);
        build.args([
            "--define",
            &format!("_rpmdir {}", older.display()),
            "--define",
            "subroot_version 0.0.9",
        ]);
        let built = build.output().expect("starting packaging/rpm/build");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        older
    })
}
