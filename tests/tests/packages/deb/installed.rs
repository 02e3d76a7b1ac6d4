//! What is done with a Debian package in a fresh root: installed, looked at, upgraded, purged.

use crate::fresh_root::FreshRoot;
use crate::root::capabilities;
use subroot_tests::workspace;

/// A fresh Debian of the usual release.
pub(crate) fn debian() -> Option<FreshRoot> {
    debian_of("debian.tar")
}

/// A fresh Debian of this archive, where packages may install documents and man pages, too.
pub(crate) fn debian_of(archive: &str) -> Option<FreshRoot> {
    // Before a host covers the place where they lie.
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

/// Installs packages of ours.
#[track_caller]
pub(crate) fn install(root: &FreshRoot, packages: &[&str]) {
    let files: Vec<String> = packages.iter().map(|name| format!("/srv/packages/{name}_0*.deb")).collect();
    root.by_root(&format!("dpkg --install {}", files.join(" "))).ok();
}

/// Installs a package of the version before, which differs in what a script does in its directory; then this one.
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

/// Mode, owner and path of each file of a package, but for its documents.
#[track_caller]
pub(crate) fn files(root: &FreshRoot, package: &str) -> String {
    root.by_root(&format!(
        "for file in $(dpkg --listfiles {package}); do [ -d $file ] || stat -c '%a %U:%G %n' $file; done |
            grep -v -e /usr/share/doc/ -e /usr/share/man/ -e /usr/share/lintian/ | LC_ALL=C sort -k 3"
    ))
    .ok()
}

/// What a path is like.
#[track_caller]
pub(crate) fn fact(root: &FreshRoot, path: &str) -> String {
    root.by_root(&format!("stat -c '%a %U:%G' {path}")).ok()
}

/// That no file of a package has capabilities: an upgrade would have to set them again.
#[track_caller]
pub(crate) fn assert_no_capabilities(root: &FreshRoot, package: &str) {
    for path in root.by_root(&format!("dpkg --listfiles {package}")).ok().lines() {
        let path = root.path.join(path.trim_start_matches('/'));
        if path.is_file() {
            assert_eq!(capabilities(&path), "", "{}", path.display());
        }
    }
}

/// That a package is gone without a trace after an installation, and after a second one.
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

/// All files but dpkg's own.
fn content(root: &FreshRoot) -> String {
    let is_own = |line: &&str| !line.contains(" var/lib/dpkg") && !line.contains(" var/log/");
    root.content().lines().filter(is_own).collect::<Vec<_>>().join("\n")
}

/// Runs one of the scripts in packaging/deb/tests, as autopkgtest does.
#[track_caller]
pub(crate) fn autopkgtest(root: &FreshRoot, script: &str) {
    root.by_root(&format!("AUTOPKGTEST_TMP=$(mktemp -d) sh /srv/{script}")).ok();
}
