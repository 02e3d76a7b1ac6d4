//! Shared libraries and programs that a test compiles itself: plugins and modules of name services, and what disturbs them.

use crate::host::Host;
use std::io::Write as _;
use std::process::{Command, Stdio};

const DIR: &str = "/usr/local/lib";

impl Host {
    /// Compiles a library of the world's own from C.
    pub fn make_library(&self, name: &str, source: &str) {
        compile(&["-shared", "-fPIC"], &format!("{DIR}/{name}"), source);
        self.know_libraries();
    }

    /// Compiles a program from C that every user can run.
    pub fn make_program(&self, path: &str, source: &str) {
        compile(&[], path, source);
    }

    /// A file in the place of a library, with this content.
    pub fn put_library(&self, name: &str, content: &[u8]) {
        std::fs::write(format!("{DIR}/{name}"), content).expect("writing a library");
        self.know_libraries();
    }

    /// Has the loader find them, in programs with privilege too.
    fn know_libraries(&self) {
        let status =
            Command::new("/sbin/ldconfig").stderr(Stdio::null()).status().expect("starting ldconfig");
        assert!(status.success(), "ldconfig");
    }

    /// Covers the directory of the host's own libraries: what is made from now on is of this world alone.
    pub fn own_libraries(&self) {
        self.cover(DIR, 0o755);
    }
}

fn compile(options: &[&str], path: &str, source: &str) {
    let mut gcc = Command::new("gcc");
    gcc.args(options).args(["-x", "c", "-o", path, "-"]).stdin(Stdio::piped());
    let mut gcc = gcc.spawn().expect("starting gcc");
    let written = gcc.stdin.take().expect("a pipe").write_all(source.as_bytes());
    let status = gcc.wait().expect("waiting for gcc");
    assert!(written.is_ok() && status.success(), "compiling {path}");
}
