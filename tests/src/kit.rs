//! The programs under test and the cached root filesystems, found before a test's own mounts exist.

use crate::sources;
use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs under test, in memory, and the archives that [`crate::Rootfs`] unpacks.
///
/// Everything is read or opened before a test's own mounts may cover its directory.
pub(crate) struct Kit {
    pub(crate) mapper: Vec<u8>,
    /// newuidmap and newgidmap.
    pub(crate) drop_ins: [Vec<u8>; 2],
    /// The programs with name services, if they were built.
    pub(crate) variants: [Option<Vec<u8>>; 3],
    pub(crate) launcher: Option<Vec<u8>>,
    /// subroot-image, which only some tests install.
    pub(crate) image: Option<File>,
    pub(crate) debian: Option<File>,
}

/// An archive made by tests/run or packaging/test, such as `debian.tar`; none if it could not be made. Call
/// this before a [`crate::Host`] exists, because it may cover the directory.
pub fn archive(name: &str) -> Option<File> {
    File::open(part(name, || target_dir().join("kit").join(name))).ok()
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
            image: File::open(release_program("subroot-image")).ok(),
            debian: archive("debian.tar"),
        }
    }
}

/// The programs that replace shadow's.
pub const DROP_INS: [&str; 2] = ["newuidmap", "newgidmap"];

/// The programs that ask name services.
pub const VARIANTS: [&str; 3] = ["newidmap-helper-nss", "newuidmap-nss", "newgidmap-nss"];

/// The path of a program of the release build, or of the launcher that tests/quick built.
///
/// # Panics
/// A source of the program has changed since it was built. If there are no sources, this was checked when the
/// programs were put together.
pub fn release_program(name: &str) -> PathBuf {
    if let Some(kit) = kit() {
        return kit.join("programs").join(name);
    }
    let path = match env::var_os(QUICK_LAUNCHER) {
        Some(launcher) if name == "subroot" => launcher.into(),
        Some(launcher) if name == "subroot-image" => Path::new(&launcher).with_file_name(name),
        _ => target_dir().join("release").join(name),
    };
    sources::assert_fresh(&path, &workspace(""));
    path
}

/// True if the launcher does not come from packaging/build, so that its size and speed mean nothing.
pub fn is_quick_build() -> bool {
    env::var_os(QUICK_LAUNCHER).is_some()
}

/// Set by tests/quick: the path of the launcher under test.
const QUICK_LAUNCHER: &str = "SUBROOT_TEST_LAUNCHER";

/// The path of a file or directory of the workspace.
pub fn workspace(name: &str) -> PathBuf {
    part("workspace", || Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).join(name)
}

/// True if the tests run inside a user namespace, where root is an ordinary user outside.
pub fn is_nested() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").expect("reading own uid_map");
    map.split_whitespace().ne(["0", "0", "4294967295"])
}

/// A part of the directory that tests/run put together for a user who cannot read the workspace; without one,
/// its usual path.
fn part(name: &str, otherwise: impl FnOnce() -> PathBuf) -> PathBuf {
    kit().map_or_else(otherwise, |kit| kit.join(name))
}

/// The directory that tests/run put together.
fn kit() -> Option<PathBuf> {
    env::var_os("SUBROOT_TEST_KIT").filter(|kit| !kit.is_empty()).map(PathBuf::from)
}

/// The target directory of this build: a test binary is in `TARGET/PROFILE/deps`.
fn target_dir() -> PathBuf {
    let program = env::current_exe().expect("own path");
    program.ancestors().nth(3).expect("a directory above TARGET/PROFILE/deps").to_path_buf()
}

/// Writes a program in a separate process. Otherwise a process that another thread forks in the meantime
/// would hold the file open for writing for a moment, and executing it would fail (ETXTBSY, execve(2)).
pub(crate) fn write_program(path: impl AsRef<Path>, content: &[u8]) {
    let path = path.as_ref();
    let copy = Command::new("cp").arg("/dev/stdin").arg(path).stdin(Stdio::piped()).spawn();
    let mut copy = copy.expect("starting cp");
    let written = copy.stdin.take().expect("a pipe").write_all(content);
    let status = copy.wait().expect("waiting for cp");
    assert!(written.is_ok() && status.success(), "writing {}", path.display());
}
