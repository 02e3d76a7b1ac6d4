//! What the tests are run with: the programs under test and the cached root file system, found before the world changes.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs under test, in memory, and the archives that [`crate::Rootfs`] unpacks.
///
/// All of it is read or opened before a test's own mounts may cover the place where it lies.
pub(crate) struct Kit {
    pub(crate) mapper: Vec<u8>,
    /// newuidmap and newgidmap.
    pub(crate) drop_ins: [Vec<u8>; 2],
    /// Those with name services, where they were built.
    pub(crate) variants: [Option<Vec<u8>>; 3],
    pub(crate) launcher: Option<Vec<u8>>,
    pub(crate) debian: Option<File>,
}

/// One of the archives that tests/run and packaging/test make, as `debian.tar`; none where they could not. To be opened before
/// there is a [`crate::Host`], whose world may cover the place where it lies.
pub fn archive(name: &str) -> Option<File> {
    File::open(part(name, || target_folder().join("kit").join(name))).ok()
}

impl Kit {
    pub(crate) fn load() -> Kit {
        let built = |name: &str| {
            let path = release_program(name);
            fs::read(&path).unwrap_or_else(|error| {
                panic!("{}: {error}: `packaging/build` first, or run tests/run", path.display())
            })
        };
        Kit {
            mapper: built("newidmap-helper"),
            drop_ins: DROP_INS.map(built),
            variants: VARIANTS.map(|name| fs::read(release_program(name)).ok()),
            launcher: fs::read(release_program("subroot")).ok(),
            debian: archive("debian.tar"),
        }
    }
}

/// The programs that take the place of shadow's.
pub const DROP_INS: [&str; 2] = ["newuidmap", "newgidmap"];

/// The programs that ask name services.
pub const VARIANTS: [&str; 3] = ["newidmap-helper-nss", "newuidmap-nss", "newgidmap-nss"];

/// The path of a program of the release build.
pub fn release_program(name: &str) -> PathBuf {
    part("programs", || target_folder().join("release")).join(name)
}

/// The path of a file or folder of the workspace.
pub fn workspace(name: &str) -> PathBuf {
    part("workspace", || Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).join(name)
}

/// True when the tests run inside a user namespace, so that "root" is nobody special outside.
pub fn is_nested() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").expect("reading own uid_map");
    map.split_whitespace().ne(["0", "0", "4294967295"])
}

/// A part of the folder that tests/run has put together for a user who can't read the workspace, or where it lies otherwise.
fn part(name: &str, otherwise: impl FnOnce() -> PathBuf) -> PathBuf {
    match env::var_os("SUBROOT_TEST_KIT") {
        Some(kit) if !kit.is_empty() => Path::new(&kit).join(name),
        _ => otherwise(),
    }
}

/// The folder of this build: a test binary lies in `TARGET/PROFILE/deps`.
fn target_folder() -> PathBuf {
    let program = env::current_exe().expect("own path");
    program.ancestors().nth(3).expect("a folder above TARGET/PROFILE/deps").to_path_buf()
}

/// Writes a program that is to be executed, by a process of its own: whatever another thread forks in the meantime would
/// otherwise hold the file open for writing for a moment longer, and nothing could execute it (ETXTBSY, execve(2)).
pub(crate) fn write_program(path: impl AsRef<Path>, content: &[u8]) {
    let path = path.as_ref();
    let copy = Command::new("cp").arg("/dev/stdin").arg(path).stdin(Stdio::piped()).spawn();
    let mut copy = copy.expect("starting cp");
    let written = copy.stdin.take().expect("a pipe").write_all(content);
    let status = copy.wait().expect("waiting for cp");
    assert!(written.is_ok() && status.success(), "writing {}", path.display());
}
