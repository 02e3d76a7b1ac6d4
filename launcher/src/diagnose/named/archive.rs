//! An archive that was named as ROOTFS, and the command that unpacks it.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{ARCHIVE, Cause};
use crate::grants::remedy::quoted::quoted;
use crate::plan::id_plan::IdPlan;
use crate::request::ids::IdWishes;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use subroot_idmap::IdKind;

/// How each compression begins, and tar's option for it.
const COMPRESSIONS: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "-z "),
    (b"BZh", "-j "),
    (b"\xfd7zXZ\0", "-J "),
    (b"\x28\xb5\x2f\xfd", "--zstd "),
    (b"\x5d\0\0", "--lzma "),
];
/// The ends of the names of compressed archives.
const ENDINGS: [&str; 13] = [
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
    ".tar.zstd",
    ".tar.lzma",
    ".tlz",
];
/// Where a tar header has its magic, which pax(1) and GNU tar write: tar(5).
const MAGIC: (usize, &[u8]) = (257, b"ustar");

/// The cause for a file that is an archive.
pub(crate) fn cause(path: &Path) -> Option<Cause> {
    let compression = compression(path)?;
    let (dir, file) = (unused(stem(path.file_name()?)), argument(path)?);
    let dir = argument(&dir)?;
    let fix = format!("mkdir {dir} && {} {compression}-C {dir} -f {file}", unpacking());
    Some(Cause::new(&ARCHIVE, &[("path", &path.display()), ("fix", &fix)]))
}

/// tar's option for the compression of an archive, with a blank; `None` if the file is not an archive.
fn compression(path: &Path) -> Option<&'static str> {
    let start = start_of(path)?;
    if is_tar(&start) {
        return Some("");
    }
    let name = path.as_os_str().as_bytes();
    ENDINGS.iter().find(|ending| name.ends_with(ending.as_bytes()))?;
    COMPRESSIONS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, option)| *option)
}

/// The first bytes of a regular file.
pub(crate) fn start_of(path: &Path) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    // Opening a pipe would wait for its other end.
    let file = path.metadata().ok().filter(fs::Metadata::is_file).and_then(|_| File::open(path).ok())?;
    file.take(512).read_to_end(&mut start).ok()?;
    Some(start)
}

/// True for the first bytes of a tar that is not compressed.
pub(crate) fn is_tar(start: &[u8]) -> bool {
    start.get(MAGIC.0..).is_some_and(|rest| rest.starts_with(MAGIC.1))
}

/// The command that unpacks an archive with the right owners: without granted IDs, only one owner is possible.
pub(crate) fn unpacking() -> &'static str {
    let plan = IdPlan::new(&IdWishes::default(), None).ok();
    let best = plan.as_ref().and_then(|plan| plan.candidates.first());
    let uids = best.map_or(0, |best| best.maps.of(IdKind::Uid).joined().map(|line| line.count).sum::<u32>());
    match uids {
        0 | 1 => "tar -x -p --exclude='./dev/*'",
        _ => "subroot unshare -- tar -x -p --numeric-owner --exclude='./dev/*'",
    }
}

/// A name that does not exist in the current directory yet.
pub(crate) fn unused(name: &OsStr) -> PathBuf {
    let with = |ending: String| PathBuf::from([name, ending.as_ref()].join(OsStr::new("")));
    let further = (2..100_u32).map(|number| with(format!("-{number}")));
    let mut names = std::iter::once(with(String::new())).chain(further);
    names.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| with("-rootfs".into()))
}

/// The name of an archive without its ending.
fn stem(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let stems = ENDINGS.iter().filter_map(|ending| bytes.strip_suffix(ending.as_bytes()));
    match stems.filter(|stem| !stem.is_empty()).min_by_key(|stem| stem.len()) {
        Some(stem) => OsStr::from_bytes(stem),
        None => OsStr::new("rootfs"),
    }
}

/// A path as an argument that is neither an option nor, for tar, a file of another host.
fn argument(path: &Path) -> Option<String> {
    let is_bare = path.is_relative() && !path.starts_with(".") && !path.starts_with("..");
    let path = if is_bare { Path::new(".").join(path) } else { path.to_owned() };
    quoted(path.as_os_str().as_bytes())
}
