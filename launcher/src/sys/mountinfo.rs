//! Reads /proc/self/mountinfo, which lists every mount in this process's mount namespace:
//! proc_pid_mountinfo(5).

use crate::sys::outcome_of;
use nix::errno::Errno;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// A mount.
pub(crate) struct MountLine {
    /// The mount's ID; descriptors on it show the same.
    pub(crate) id: u64,
    /// The ID of the mount that it is on.
    pub(crate) parent: u64,
    /// The mount point.
    pub(crate) path: PathBuf,
    /// The options of the mount, such as `ro,nosuid`.
    pub(crate) options: Vec<u8>,
    /// The options of the filesystem, such as `rw,hidepid=invisible`.
    pub(crate) super_options: Vec<u8>,
}

/// Reads all mounts.
///
/// # Errors
/// Errors of open(2) and read(2), and EBADMSG for a line that cannot be parsed.
pub(crate) fn read() -> Result<Vec<MountLine>, Errno> {
    let text = outcome_of(fs::read(FILE))?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| parse(line).ok_or(Errno::EBADMSG)).collect()
}

/// A mount below an open directory.
///
/// # Errors
/// Errors of [`read`] and readlink(2).
pub(crate) fn mount_below(dir: impl AsFd) -> Result<Option<PathBuf>, Errno> {
    let path = outcome_of(fs::read_link(format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd())))?;
    let mut paths = read()?.into_iter().map(|mount| mount.path);
    Ok(paths.find(|mount| *mount != path && mount.starts_with(&path)))
}

pub(crate) const FILE: &str = "/proc/self/mountinfo";

fn parse(line: &[u8]) -> Option<MountLine> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let path = PathBuf::from(unescaped(fields.nth(2)?));
    let options = fields.next()?.to_vec();
    // Any number of fields, then a dash, the type and the source.
    let super_options = fields.skip_while(|field| *field != b"-").nth(3)?.to_vec();
    Some(MountLine { id, parent, path, options, super_options })
}

/// Decodes octal escapes: a blank is written as `\040`, for example.
fn unescaped(field: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let byte = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(3..).unwrap_or(&[]) } else { after };
    }
    OsString::from_vec(bytes)
}
