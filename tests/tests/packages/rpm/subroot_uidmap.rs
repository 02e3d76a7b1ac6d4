//! The package of newuidmap and newgidmap.

use super::Packages;
use crate::built::target;
use std::fs;
use std::process::Command;
use subroot_tests::skip;

check_lifecycle!("subroot-uidmap", "", "/usr/libexec/subroot/uidmap/newuidmap");

#[test]
fn each_program_has_one_capability_in_force() {
    let installation = Packages::built().root();
    installation.quietly("-i subroot-uidmap.rpm");
    let expected = "\
0755 0:0 /etc/subroot
0755 0:0 /usr/libexec/subroot
0755 0:0 /usr/libexec/subroot/uidmap
0755 0:0 /usr/libexec/subroot/uidmap/newgidmap cap_setgid=ep
0755 0:0 /usr/libexec/subroot/uidmap/newuidmap cap_setuid=ep
0644 0:0 /usr/share/man/man1/subroot-newgidmap.1.gz
0644 0:0 /usr/share/man/man1/subroot-newuidmap.1.gz
";
    assert_eq!(installation.listing(), expected);
}

/// The pages with the plain names are those of shadow-utils.
#[test]
fn its_pages_refer_to_each_other() {
    let installation = Packages::built().root();
    installation.quietly("-i subroot-uidmap.rpm");
    for (name, other) in [("newuidmap", "newgidmap"), ("newgidmap", "newuidmap")] {
        let page = installation.root.file(&format!("/usr/share/man/man1/subroot-{name}.1.gz"));
        let page = Command::new("gzip").arg("-dc").arg(page).output().expect("gzip").stdout;
        let page = String::from_utf8(page).expect("UTF-8");
        assert!(page.contains(&format!("\n.BR subroot\\-{other} (1),\n")), "{page}");
    }
}

#[test]
fn unshare_maps_by_it_once_it_is_first_in_the_path() {
    let Some(installation) = Packages::built().debian() else { skip!("no Debian root file system was made") };
    installation.quietly("-i subroot-uidmap.rpm");
    let unshare = "unshare --map-auto --map-root-user cat /proc/self/uid_map";
    let without = installation.root.alice(unshare);
    assert_ne!(without.code(), 0, "{without:?}");
    let by_path = installation.root.alice(&format!("PATH=/usr/libexec/subroot/uidmap:$PATH {unshare}"));
    assert_eq!(words(&by_path.ok()), ["0", "1000", "1", "1", "100000", "65535"]);
    installation.root.root("ln -s /usr/libexec/subroot/uidmap/new?idmap /usr/local/bin/").ok();
    let linked = installation.root.alice(unshare);
    assert_eq!(words(&linked.ok()), ["0", "1000", "1", "1", "100000", "65535"]);
}

#[test]
fn it_lies_beside_the_programs_and_pages_of_shadow_utils() {
    let shadow = stand_in_for_shadow_utils();
    let installation = Packages::built().root();
    fs::write("/home/packages/shadow-utils.rpm", shadow).expect("writing a package");
    installation.quietly("-i shadow-utils.rpm");
    installation.quietly("-i subroot-uidmap.rpm");
    installation.quietly("-V shadow-utils subroot-uidmap");
    installation.quietly("-e subroot-uidmap");
    installation.quietly("-V shadow-utils");
}

/// Files at the paths of Fedora's and RHEL's shadow-utils. There, newuidmap and newgidmap are in no package
/// that could be replaced.
fn stand_in_for_shadow_utils() -> Vec<u8> {
    let dir = target().join("rpm/shadow-utils");
    let _not_there_yet = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("making a directory");
    let spec = dir.join("shadow-utils.spec");
    fs::write(&spec, SHADOW_UTILS).expect("writing a spec");
    let mut build = Command::new("rpmbuild");
    for tree in ["_topdir", "_rpmdir"] {
        build.args(["--define", &format!("{tree} {}", dir.display())]);
    }
    let built = build.args(["-bb", "--define", "_rpmfilename shadow-utils-2.rpm"]).arg(&spec).output();
    let built = built.expect("rpmbuild, of rpm");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    fs::read(dir.join("shadow-utils-2.rpm")).expect("a package")
}

const SHADOW_UTILS: &str = "\
Name: shadow-utils
Epoch: 2
Version: 4.18.0
Release: 7
Summary: A stand-in
License: MIT
BuildArch: noarch
%description
The files of shadow-utils that write ID maps.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/man/man1
for name in newuidmap newgidmap; do
    echo shadow >%{buildroot}/usr/bin/$name
    echo shadow >%{buildroot}/usr/share/man/man1/$name.1.gz
done
%files
%attr(0755,root,root) %caps(cap_setgid=ep) /usr/bin/newgidmap
%attr(0755,root,root) %caps(cap_setuid=ep) /usr/bin/newuidmap
/usr/share/man/man1/new?idmap.1*
";

fn words(map: &str) -> Vec<&str> {
    map.split_whitespace().collect()
}
