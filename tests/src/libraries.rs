//! Shared libraries and programs that tests compile: plugins and modules of name services, and what disturbs
//! them.

use crate::host::Host;
use std::io::Write as _;
use std::process::{Command, Stdio};

const DIR: &str = "/usr/local/lib";

impl Host {
    /// Compiles a library for this host from C.
    pub fn make_library(&self, name: &str, source: &str) {
        compile(&["-shared", "-fPIC"], &format!("{DIR}/{name}"), source);
        self.know_libraries();
    }

    /// Compiles a program from C that every user can run.
    pub fn make_program(&self, path: &str, source: &str) {
        compile(&[], path, source);
    }

    /// Writes a file with this content instead of a library.
    pub fn put_library(&self, name: &str, content: &[u8]) {
        std::fs::write(format!("{DIR}/{name}"), content).expect("writing a library");
        self.know_libraries();
    }

    /// Makes the loader find the libraries, also for programs with privilege.
    fn know_libraries(&self) {
        let status =
            Command::new("/sbin/ldconfig").stderr(Stdio::null()).status().expect("starting ldconfig");
        assert!(status.success(), "ldconfig");
    }

    /// Covers the host's library directory, so that libraries made from now on belong only to this test.
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
