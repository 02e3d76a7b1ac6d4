//! How a line can be added to a grant file: by usermod(8), or by appending it.
//!
//! Errors ignored: usermod is not used for a file that cannot be examined, and only the text of a fix depends
//! on the rest.

use crate::grants::remedy::quoted::quoted_path;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use subroot_idmap::{ACCOUNTS_FILE, IdKind};

/// Files that usermod(8) replaces, and so refuses if they are symlinks.
const DATABASES: [&str; 2] = [ACCOUNTS_FILE, "/etc/shadow"];
const PROGRAMS: [&str; 4] = ["/usr/sbin/usermod", "/sbin/usermod", "/usr/bin/usermod", "/bin/usermod"];

/// The target of a symlink, if the target does not exist.
pub(crate) fn dangling(file: &str) -> Option<PathBuf> {
    let target = fs::read_link(file).ok()?;
    matches!(fs::exists(file), Ok(false)).then_some(target)
}

/// True if the last line has no newline.
pub(crate) fn lacks_newline(file: &str) -> bool {
    let Ok(open) = File::open(file) else { return false };
    let size = open.metadata().ok().map_or(0, |found| found.len());
    let mut last = [b'\n'];
    let at = size.saturating_sub(1);
    size > 0 && open.read_exact_at(&mut last, at).is_ok() && last != *b"\n"
}

/// True if usermod(8) can add to this kind's file. It refuses symlinks, a missing file and a locked file, and
/// it takes a NUL for the end of a line.
pub(crate) fn takes_usermod(kind: IdKind) -> bool {
    let is_program =
        |path: &&str| fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0);
    let is_file = |path: &str| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let is_absent =
        |path: &str| matches!(fs::symlink_metadata(path), Err(error) if error.kind() == ErrorKind::NotFound);
    let is_fit = |path: &str| is_file(path) && is_absent(&format!("{path}.lock"));
    PROGRAMS.iter().any(is_program)
        && is_file(ACCOUNTS_FILE)
        && DATABASES.iter().all(|path| is_absent(path) || is_fit(path))
        && is_fit(kind.grant_file())
        && !has_nul(kind.grant_file())
}

fn has_nul(file: &str) -> bool {
    let mut content = Vec::new();
    File::open(file).and_then(|mut file| file.read_to_end(&mut content)).is_err() || content.contains(&0)
}

/// The command that appends a line of plain characters to the files of these kinds. It first completes a last
/// line without a newline, and creates missing files readable for all users.
pub(crate) fn append(line: &str, kinds: &[IdKind]) -> String {
    let (unfinished, finished): (Vec<&str>, Vec<&str>) =
        kinds.iter().map(|kind| kind.grant_file()).partition(|file| lacks_newline(file));
    let absent: Vec<&&str> = finished.iter().filter(|file| matches!(fs::exists(file), Ok(false))).collect();
    let mut commands = Vec::new();
    if !unfinished.is_empty() {
        commands.push(format!(r"printf '\n%s\n' {line} | tee -a {}", unfinished.join(" ")));
    }
    if !finished.is_empty() {
        commands.push(format!("echo {line} | tee -a {}", finished.join(" ")));
    }
    let command = commands.join(" && ");
    if absent.is_empty() { command } else { format!("({}{command})", made_readable(&absent)) }
}

/// The command that creates the missing target of a symlink.
pub(crate) fn create(file: &str) -> String {
    format!("({}touch {file})", made_readable(&[&file]))
}

/// The start of a command that creates files: it makes them readable for all users, and creates missing
/// directories.
fn made_readable(files: &[&&str]) -> String {
    let dirs: Vec<String> = files.iter().filter_map(|file| missing_dir(file)).collect();
    let make = if dirs.is_empty() { String::new() } else { format!("mkdir -p {} && ", dirs.join(" ")) };
    format!("umask 022 && {make}")
}

fn missing_dir(file: &str) -> Option<String> {
    let target = Path::new(file).parent()?.join(dangling(file)?);
    let dir = target.parent()?;
    matches!(fs::exists(dir), Ok(false)).then(|| quoted_path(dir))
}
