//! Actions on a Debian package in a new root: installing, examining, upgrading, purging.

use crate::fresh_root::FreshRoot;
use crate::root::capabilities;
use subroot_tests::workspace;

/// A new Debian of the usual release.
pub(crate) fn debian() -> Option<FreshRoot> {
    debian_of("debian.tar")
}

/// A new Debian from this archive, in which packages also install documents and man pages.
pub(crate) fn debian_of(archive: &str) -> Option<FreshRoot> {
    // Read before a host covers their directory.
    let scripts = ["launcher", "drop-ins"].map(|name| {
        (name, std::fs::read(workspace(&format!("packaging/deb/tests/{name}"))).expect("a script"))
    });
    let root = FreshRoot::of_archive(archive, ".deb")?;
    for (name, script) in scripts {
        std::fs::write(root.path.join("srv").join(name), script).expect("copying a script");
    }
    root.by_root("rm -f /etc/dpkg/dpkg.cfg.d/*").ok();
    Some(root)
}

/// Installs packages of the project.
#[track_caller]
pub(crate) fn install(root: &FreshRoot, packages: &[&str]) {
    let files: Vec<String> = packages.iter().map(|name| format!("/srv/packages/{name}_0*.deb")).collect();
    root.by_root(&format!("dpkg --install {}", files.join(" "))).ok();
}

/// Installs a package of the previous version, which differs by what a script does in its directory; then the
/// current one.
#[track_caller]
pub(crate) fn upgrade(root: &FreshRoot, package: &str, difference: &str, in_between: &str) {
    let script = format!(
        "mkdir /tmp/older
        dpkg-deb --raw-extract /srv/packages/{package}_0*.deb /tmp/older/tree
        cd /tmp/older/tree
        sed -i 's/^Version: .*/Version: 0.0.1-1/' DEBIAN/control
        {difference}
        dpkg-deb --build . /tmp/older/older.deb
        dpkg --install /tmp/older/older.deb
        cd / && rm -r /tmp/older"
    );
    root.by_root(&format!("set -e\n{script}")).ok();
    root.by_root(in_between).ok();
    install(root, &[package]);
    let version = root.by_root(&format!("dpkg-query --show --showformat '${{Version}}' {package}")).ok();
    assert_eq!(version, concat!(env!("CARGO_PKG_VERSION"), "-1"), "{package}");
}

/// The mode, owner and path of each file of a package, without its documents.
#[track_caller]
pub(crate) fn files(root: &FreshRoot, package: &str) -> String {
    root.by_root(&format!(
        "for file in $(dpkg --listfiles {package}); do [ -d $file ] || stat -c '%a %U:%G %n' $file; done |
            grep -v -e /usr/share/doc/ -e /usr/share/man/ -e /usr/share/lintian/ | LC_ALL=C sort -k 3"
    ))
    .ok()
}

/// The mode and owner of a path.
#[track_caller]
pub(crate) fn fact(root: &FreshRoot, path: &str) -> String {
    root.by_root(&format!("stat -c '%a %U:%G' {path}")).ok()
}

/// Checks that no file of a package has capabilities: an upgrade would have to set them again.
#[track_caller]
pub(crate) fn assert_no_capabilities(root: &FreshRoot, package: &str) {
    for path in root.by_root(&format!("dpkg --listfiles {package}")).ok().lines() {
        let path = root.path.join(path.trim_start_matches('/'));
        if path.is_file() {
            assert_eq!(capabilities(&path), "", "{}", path.display());
        }
    }
}

/// Checks that purging a package leaves nothing, after a first and a second installation.
#[track_caller]
pub(crate) fn assert_purge_leaves_nothing(root: &FreshRoot, package: &str) {
    let before = content(root);
    for _ in 0..2 {
        install(root, &[package]);
        install(root, &[package]);
        assert_ne!(content(root), before, "{package}");
        root.by_root(&format!("dpkg --purge {package}")).ok();
        assert_eq!(content(root), before, "{package}");
    }
}

/// All files except dpkg's own.
fn content(root: &FreshRoot) -> String {
    let is_own = |line: &&str| !line.contains(" var/lib/dpkg") && !line.contains(" var/log/");
    root.content().lines().filter(is_own).collect::<Vec<_>>().join("\n")
}

/// Runs one of the scripts in packaging/deb/tests, as autopkgtest does.
#[track_caller]
pub(crate) fn autopkgtest(root: &FreshRoot, script: &str) {
    root.by_root(&format!("AUTOPKGTEST_TMP=$(mktemp -d) sh /srv/{script}")).ok();
}
