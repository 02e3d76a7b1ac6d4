//! The directory of the store. It belongs to the caller, and no other user can enter it: it holds setuid files
//! (CVE-2021-41103).

use crate::error::Error;
use crate::failure::{reason, reason_of};
use crate::grants::remedy::quoted::quoted_path;
use crate::images::boot;
use crate::images::id_map::MapText;
use crate::images::run_file::{LONGEST, RunFile};
use crate::sys::files::try_lock;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::unistd::geteuid;
use std::fs::{DirBuilder, File};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// A fifo does not block the open.
const READ_FILE: OFlag = READ.union(OFlag::O_NONBLOCK);

/// The maximum length of index.json.
pub const LONGEST_INDEX: u64 = 64 << 20;

/// The variable that names the store.
pub const VARIABLE: &str = "SUBROOT_STORE";

/// The directory of the store, opened.
#[derive(Debug)]
pub struct StoreDir {
    path: PathBuf,
    dir: OwnedFd,
}

/// An unpacked layer that no other process removes while this exists.
#[derive(Debug)]
pub struct Layer {
    /// Its directory, with a shared lock.
    lock: OwnedFd,
    path: PathBuf,
    identity: [u64; 2],
}

impl Layer {
    /// Its directory, which has the shared lock.
    pub(crate) fn into_lock(self) -> OwnedFd {
        self.lock
    }

    /// The path of its files.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The device and inode of the directory of its files.
    #[must_use]
    pub fn identity(&self) -> [u64; 2] {
        self.identity
    }
}

impl StoreDir {
    /// The path: `$SUBROOT_STORE`, else `$XDG_DATA_HOME/subroot/store`, else
    /// `$HOME/.local/share/subroot/store`. An XDG_DATA_HOME that is not absolute is ignored, as its
    /// specification says.
    ///
    /// # Errors
    /// SUBROOT_STORE is not absolute, or there is no home directory.
    pub fn locate() -> Result<PathBuf, Error> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(path) = variable(VARIABLE) {
            let refused = |path: PathBuf| failed(&path, format!("{VARIABLE} is not an absolute path"), None);
            return if path.is_absolute() { Ok(path) } else { Err(refused(path)) };
        }
        let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
        let home =
            || variable("HOME").filter(|path| path.is_absolute()).map(|home| home.join(".local/share"));
        let unknown = || {
            let fix = format!("export {VARIABLE}=/var/tmp/subroot-{}", geteuid());
            failed(Path::new("subroot/store"), "HOME is not an absolute path".into(), Some(fix))
        };
        Ok(data.or_else(home).ok_or_else(unknown)?.join("subroot/store"))
    }

    /// Opens the store of this caller; `None` if there is none.
    ///
    /// # Errors
    /// Another user owns it or can enter it, or errors of open(2).
    pub fn open() -> Result<Option<StoreDir>, Error> {
        StoreDir::at(StoreDir::locate()?)
    }

    /// Opens the store of this caller, and creates the directory if it is missing.
    ///
    /// # Errors
    /// As for [`StoreDir::open`], and errors of mkdir(2).
    pub fn create() -> Result<StoreDir, Error> {
        let path = StoreDir::locate()?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|error| failed(&path, reason_of(&error), None))?;
        StoreDir::at(path.clone())?.ok_or_else(|| failed(&path, reason(Errno::ENOENT), None))
    }

    fn at(path: PathBuf) -> Result<Option<StoreDir>, Error> {
        match open(&path, LOOK, Mode::empty()) {
            Ok(dir) => {
                check(&path, &dir)?;
                Ok(Some(StoreDir { path, dir }))
            }
            Err(Errno::ENOENT) => Ok(None),
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                Err(failed(&path, "it is a link, or not a directory".into(), None))
            }
            Err(errno) => Err(failed(&path, reason(errno), None)),
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, opened with O_PATH.
    #[must_use]
    pub fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// The run file of an image for a map; `None` if there is none, or if a crash may have damaged the layers.
    ///
    /// # Errors
    /// It cannot be read, or is of another image, map or version.
    pub fn run_file(&self, name: &str, map: &MapText) -> Result<Option<RunFile>, Error> {
        let file = RunFile::file_name(name, map);
        let path = self.path.join("run").join(&file);
        let refused = |why: String| failed(&path, why, Some(format!("rm {}", quoted_path(&path))));
        let opened = openat(&self.dir, "run", LOOK, Mode::empty())
            .and_then(|dir| openat(dir, file.as_str(), READ_FILE, Mode::empty()));
        let text = match opened {
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(refused(reason(errno))),
            Ok(file) => read(File::from(file), LONGEST).map_err(refused)?,
        };
        let file = RunFile::parse(&text, name, map).map_err(refused)?;
        let is_kept = match &file.boot_id {
            Some(boot_id) => *boot_id == boot::id()?,
            None => true,
        };
        Ok(is_kept.then_some(file))
    }

    /// The text of index.json; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn index(&self) -> Result<Option<Vec<u8>>, Error> {
        let refused = |why: String| failed(&self.path.join("index.json"), why, None);
        match openat(&self.dir, "index.json", READ_FILE, Mode::empty()) {
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(refused(reason(errno))),
            Ok(file) => read(File::from(file), LONGEST_INDEX).map(Some).map_err(refused),
        }
    }

    /// Locks an unpacked layer; `None` if it is missing or is being removed.
    ///
    /// # Errors
    /// Errors of openat(2), fstat(2) and flock(2).
    pub fn layer(&self, map_key: &str, diff_id: &str) -> Result<Option<Layer>, Error> {
        let path: PathBuf =
            [self.path.as_path(), Path::new("layers"), map_key.as_ref(), diff_id.as_ref()].iter().collect();
        match self.locked(map_key, diff_id) {
            Ok(Some((lock, identity))) => Ok(Some(Layer { lock, path: path.join("fs"), identity })),
            Ok(None) | Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(failed(&path, reason(errno), None)),
        }
    }

    /// The lock, and the device and inode of the files' directory.
    fn locked(&self, map_key: &str, diff_id: &str) -> Result<Option<(OwnedFd, [u64; 2])>, Errno> {
        let layers = openat(&self.dir, "layers", LOOK, Mode::empty())?;
        let of_map = openat(layers, map_key, LOOK, Mode::empty())?;
        let lock = openat(&of_map, diff_id, READ | OFlag::O_DIRECTORY, Mode::empty())?;
        match try_lock(&lock, false) {
            Err(Errno::EWOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        // It may have been renamed before it was locked.
        let (named, held) = (fstatat(&of_map, diff_id, AtFlags::AT_SYMLINK_NOFOLLOW)?, fstat(&lock)?);
        if (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino) {
            return Ok(None);
        }
        let files = fstat(openat(&lock, "fs", LOOK, Mode::empty())?)?;
        Ok(Some((lock, [files.st_dev, files.st_ino])))
    }
}

/// Refuses a directory that another user owns or can enter.
fn check(path: &Path, dir: &OwnedFd) -> Result<(), Error> {
    let found = fstat(dir).map_err(|errno| failed(path, reason(errno), None))?;
    if found.st_uid != geteuid().as_raw() {
        let fix = format!("export {VARIABLE}=/var/tmp/subroot-{}", geteuid());
        return Err(failed(path, "it belongs to another user".into(), Some(fix)));
    }
    if found.st_mode & 0o077 != 0 {
        let fix = format!("chmod 700 {}", quoted_path(path));
        return Err(failed(path, "other users can enter it".into(), Some(fix)));
    }
    Ok(())
}

fn read(file: File, longest: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| reason_of(&error);
    if !file.metadata().map_err(failed)?.is_file() {
        return Err("it is not a file".into());
    }
    let mut text = Vec::new();
    file.take(longest + 1).read_to_end(&mut text).map_err(failed)?;
    match text.len() as u64 > longest {
        true => Err(format!("it is longer than {longest} bytes")),
        false => Ok(text),
    }
}

fn failed(path: &Path, why: String, fix: Option<String>) -> Error {
    Error::Store { path: path.to_owned(), why, fix }
}
