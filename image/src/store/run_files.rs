//! The run files: what the launcher reads to run an image, one for each name and map.

use crate::error::Error;
use crate::store::dir::Dir;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use subroot::images::id_map::MapText;
use subroot::images::run_file::{LONGEST, RunFile, file_prefix};

/// A dash, the key of a map and `.json`, at the end of a name.
const SUFFIX: usize = 22;

/// The directory `run`.
pub(crate) struct RunFiles {
    dir: Dir,
    tmp: Dir,
}

impl RunFiles {
    pub(crate) fn new(dir: Dir, tmp: Dir) -> RunFiles {
        RunFiles { dir, tmp }
    }

    /// Writes the run file of an image for a map.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, file: &RunFile, map: &MapText) -> Result<(), Error> {
        self.dir.replace(&self.tmp, RunFile::file_name(&file.name, map), &file.to_json())
    }

    /// Removes the run files of a name, for all maps.
    ///
    /// # Errors
    /// One cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        let prefix = file_prefix(name);
        let is_of_name = |file: &OsStr| {
            let rest = file.as_bytes().strip_prefix(prefix.as_bytes());
            rest.is_some_and(|rest| rest.len() == SUFFIX && rest.starts_with(b"-"))
        };
        let names = self.dir.names()?;
        names.iter().filter(|file| is_of_name(file)).try_for_each(|file| self.dir.remove(file))
    }

    /// Removes all run files but those of these manifests.
    ///
    /// # Errors
    /// One cannot be read or removed.
    pub(crate) fn keep(&self, manifests: &HashSet<String>) -> Result<(), Error> {
        for name in self.dir.names()? {
            let content = self.dir.read(&name, LONGEST)?.unwrap_or_default();
            // Error ignored: the launcher would refuse the file.
            let file: Option<RunFile> = serde_json::from_slice(&content).ok();
            if !file.is_some_and(|file| manifests.contains(&file.manifest)) {
                self.dir.remove(&name)?;
            }
        }
        Ok(())
    }
}
