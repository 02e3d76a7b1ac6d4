//! The lifecycle of every package from its first installation, as tests of the module that names it.

use super::Packages;
use crate::root::capabilities;
use std::fs;

/// The tests of a package: its name, further arguments for rpm, and its main program.
macro_rules! check_lifecycle {
    ($name:literal, $words:literal, $program:literal) => {
        #[test]
        fn an_installation_is_as_packed() {
            $crate::rpm::lifecycle::assert_as_packed($name, $words);
        }

        #[test]
        fn an_older_one_is_upgraded() {
            $crate::rpm::lifecycle::assert_upgraded($name, $words);
        }

        #[test]
        fn a_damaged_program_is_found_and_repaired() {
            $crate::rpm::lifecycle::assert_repaired($name, $words, $program);
        }

        #[test]
        fn nothing_is_left_when_it_is_erased() {
            $crate::rpm::lifecycle::assert_erased($name, $words);
        }
    };
}

pub(crate) fn assert_as_packed(name: &str, words: &str) {
    let installation = Packages::built().root();
    installation.quietly(&format!("-i {words} {name}.rpm"));
    installation.quietly(&format!("-V {words} {name}"));
    let license = installation
        .root
        .file(&format!("/usr/share/licenses/{name}-{}/LICENSE-MIT", env!("CARGO_PKG_VERSION")));
    assert!(license.is_file(), "{}", license.display());
}

pub(crate) fn assert_upgraded(name: &str, words: &str) {
    let installation = Packages::with_older().root();
    installation.quietly(&format!("-i {words} {name}-older.rpm"));
    assert_eq!(installation.rpm(&format!("-q {name} --queryformat %{{VERSION}}")).ok(), "0.0.9");
    let before = installation.listing();
    installation.quietly(&format!("-U {words} {name}.rpm"));
    assert_eq!(
        installation.rpm(&format!("-q {name} --queryformat %{{VERSION}}")).ok(),
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(installation.listing(), before);
    installation.quietly(&format!("-V {words} {name}"));
    let downgraded = installation.rpm(&format!("-U {words} {name}-older.rpm"));
    assert_ne!(downgraded.code(), 0, "{downgraded:?}");
}

pub(crate) fn assert_repaired(name: &str, words: &str, program: &str) {
    let installation = Packages::built().root();
    installation.quietly(&format!("-i {words} {name}.rpm"));
    let path = installation.root.file(program);
    let packed = (fs::read(&path).expect("the program"), capabilities(&path));
    // Writing to a file removes its capabilities: capabilities(7).
    fs::write(&path, "damaged").expect("damaging the program");
    let told = installation.rpm(&format!("-V {words} {name}"));
    let lost = if packed.1.is_empty() { "." } else { "P" };
    assert_eq!((told.code(), told.stdout), (1, format!("S.5....T{lost}    {program}\n")));
    installation.quietly(&format!("-i --replacepkgs {words} {name}.rpm"));
    assert!((fs::read(&path).expect("the program"), capabilities(&path)) == packed);
    installation.quietly(&format!("-V {words} {name}"));
}

pub(crate) fn assert_erased(name: &str, words: &str) {
    let installation = Packages::built().root();
    installation.quietly(&format!("-i {words} {name}.rpm"));
    assert_ne!(installation.root.listing(&["/var"]), "");
    installation.quietly(&format!("-e {words} {name}"));
    assert_eq!(installation.root.listing(&["/var"]), "");
}
