//! The tree that is exported, and the process that packs it.

use crate::error::{Error, reason};
use crate::pack::task::{Form, PackTask, Packed};
use crate::spool;
use crate::unpacker::Unpacker;
use std::fs::{self, File};
use std::io::Seek as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Trees below a directory, the highest first.
pub(crate) struct Tree<'a> {
    unpacker: &'a Unpacker<'a>,
    dir: PathBuf,
    task: PackTask,
}

impl<'a> Tree<'a> {
    /// Trees below a directory.
    ///
    /// # Errors
    /// The directory cannot be examined, or is none.
    pub(crate) fn new(unpacker: &'a Unpacker<'a>, dir: &Path, trees: Vec<String>) -> Result<Tree<'a>, Error> {
        let refused = |why: String| Error::Target { doing: "reading", path: dir.into(), why };
        let whole = fs::canonicalize(dir).map_err(|error| refused(reason(&error)))?;
        let found = fs::metadata(&whole).map_err(|error| refused(reason(&error)))?;
        if !found.is_dir() {
            return Err(refused("it is not a directory".into()));
        }
        let base = (found.dev(), found.ino());
        let task = PackTask { base, trees, form: Form::Tree, keeps_lists: true };
        Ok(Tree { unpacker, dir: whole, task })
    }

    /// A whole directory.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn of_dir(unpacker: &'a Unpacker<'a>, dir: &Path) -> Result<Tree<'a>, Error> {
        Tree::new(unpacker, dir, vec![".".into()])
    }

    /// For a format that has no access control lists: they are refused.
    pub(crate) fn refusing_lists(mut self) -> Tree<'a> {
        self.task.keeps_lists = false;
        self
    }

    /// A tar of it in a temporary file in this directory, to be read from the beginning.
    ///
    /// # Errors
    /// As for [`Tree::pack`], and those of the file.
    pub(crate) fn spool(&self, form: Form, dir: &Path) -> Result<(File, Packed), Error> {
        let failed = |error| Error::Read { error };
        let mut spool = spool::make(dir)?;
        let packed = self.pack(form, spool.try_clone().map_err(failed)?.into())?;
        spool.rewind().map_err(failed)?;
        Ok((spool, packed))
    }

    /// Writes a tar of it.
    ///
    /// # Errors
    /// What stopped the process that packs, or a signal.
    pub(crate) fn pack(&self, form: Form, output: OwnedFd) -> Result<Packed, Error> {
        let task = PackTask { form, ..self.task.clone() };
        self.unpacker.pack(&self.dir, &task, output)
    }
}
