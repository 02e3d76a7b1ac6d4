//! rpm on a root of one test, with the packages available.

use super::older_packages;
use crate::built::{only, package};
use crate::root::Root;
use std::fs;
use std::path::Path;
use std::process::Command;
use subroot_tests::Outcome;

pub(crate) const NAMES: [&str; 4] = ["subroot", "newidmap-helper", "newidmap-helper-nss", "subroot-uidmap"];

/// The directory of the packages on the test's host.
const DIR: &str = "/home/packages";

/// The packages in memory: a test's host may cover the directory where they were built.
pub(crate) struct Packages(Vec<(String, Vec<u8>)>);

impl Packages {
    /// The packages of this version as `NAME.rpm`.
    pub(crate) fn built() -> Packages {
        Packages(NAMES.iter().map(|name| read(&format!("{name}.rpm"), &package(name, ".rpm"))).collect())
    }

    /// The same, and those of a lower version as `NAME-older.rpm`.
    pub(crate) fn with_older() -> Packages {
        let mut packages = Packages::built();
        let older = |name: &&str| read(&format!("{name}-older.rpm"), &only(older_packages(), name, ".rpm"));
        packages.0.extend(NAMES.iter().map(older));
        packages
    }

    /// An empty root with an rpm database.
    pub(crate) fn root(self) -> Installation {
        self.on(Root::empty())
    }

    /// A Debian with such a database: see [`Root::debian`].
    pub(crate) fn debian(self) -> Option<Installation> {
        Some(self.on(Root::debian()?))
    }

    fn on(self, root: Root) -> Installation {
        fs::create_dir(DIR).expect("making a directory");
        for (name, package) in self.0 {
            fs::write(Path::new(DIR).join(name), package).expect("writing a package");
        }
        let installation = Installation { root };
        installation.rpm("--initdb").ok();
        installation
    }
}

fn read(name: &str, package: &Path) -> (String, Vec<u8>) {
    (name.to_owned(), fs::read(package).expect("reading a package"))
}

/// A root that rpm installs into.
pub(crate) struct Installation {
    pub(crate) root: Root,
}

impl Installation {
    /// rpm for this root, with arguments split at blanks; packages are named as files in their directory.
    pub(crate) fn rpm(&self, words: &str) -> Outcome {
        let mut command = self.root.host.user("root").command("/usr/bin/rpm");
        command.current_dir("/home").arg("--root").arg(&self.root.path).args(["--dbpath", "/var/lib/rpm"]);
        if Path::new(DIR).is_dir() {
            command.current_dir(DIR);
        }
        self.root.host.output(command.args(words.split_whitespace()))
    }

    /// Runs rpm, which may only print that Debian has another tool for foreign packages.
    #[track_caller]
    pub(crate) fn quietly(&self, words: &str) {
        let outcome = self.rpm(words);
        let said = outcome.stderr.lines().filter(|line| !line.starts_with("rpm: ")).collect::<String>();
        assert_eq!((outcome.code(), outcome.stdout.as_str(), said.as_str()), (0, "", ""), "{words}");
    }

    /// The files except the database, documents and licences: see [`Root::listing`].
    pub(crate) fn listing(&self) -> String {
        self.root.listing(&["/var", "/usr/share/doc", "/usr/share/licenses"])
    }
}

/// A tag of a package file.
pub(crate) fn query(package: &Path, format: &str) -> String {
    let output = Command::new("rpm").args(["-q", "--queryformat", format, "--package"]).arg(package).output();
    String::from_utf8(output.expect("rpm, of rpm").stdout).expect("a tag in UTF-8")
}
