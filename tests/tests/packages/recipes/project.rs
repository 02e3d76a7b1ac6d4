//! A project that a job builds, and a root to build it in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use subroot_tests::{Host, User};

const MAKEFILE: &str = "\
hello: hello.c
\t@gcc -o $@ $<
\t@echo built by $$(id -u)
\t@echo $(CI) >ci
";

/// alice with the project in `~/src` and a Debian in `~/temp/rootfs`.
pub(crate) struct Project {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) sources: PathBuf,
}

impl Project {
    /// `None` if there is no archive of a Debian.
    pub(crate) fn new() -> Option<Project> {
        let (host, rootfs) = Host::with_everyday_root()?;
        let alice = host.user("alice");
        let sources = alice.home.join("src");
        for dir in [&sources, &alice.home.join("temp")] {
            host.make_dir(dir, &alice);
        }
        symlink(&rootfs.path, alice.home.join("temp/rootfs")).expect("a link to the root");
        fs::write(sources.join("Makefile"), MAKEFILE).expect("a file");
        let program = "int puts(const char *);\nint main(void) { return puts(\"hello\") < 0; }\n";
        fs::write(sources.join("hello.c"), program).expect("a file");
        Some(Project { host, alice, sources })
    }
}
