//! What an export writes to: a file that gets its name only when it is complete, or standard output.

use crate::error::{Error, reason};
use nix::errno::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

const PREFIX: &str = ".subroot-export-";

/// An open output. Unless it is finished, nothing has the name of the file.
pub(crate) struct Output {
    file: File,
    /// The file's temporary and its final path; none for what is no regular file.
    paths: Option<Paths>,
    /// How it was typed.
    typed: PathBuf,
}

struct Paths {
    fresh: PathBuf,
    wanted: PathBuf,
}

impl Output {
    /// Opens the output; `-` is standard output.
    ///
    /// # Errors
    /// It cannot be written, or is a terminal.
    pub(crate) fn open(typed: &Path) -> Result<Output, Error> {
        let output = if typed == Path::new("-") {
            let copy = io::stdout().as_fd().try_clone_to_owned().map(File::from);
            let file = copy.map_err(|error| failed(typed, &reason(&error)))?;
            Output { file, paths: None, typed: "standard output".into() }
        } else {
            Output::of_path(typed)?
        };
        if output.file.is_terminal() {
            return Err(failed(&output.typed, "it is a terminal; name a file, or redirect standard output"));
        }
        Ok(output)
    }

    fn of_path(typed: &Path) -> Result<Output, Error> {
        let refused = |error: io::Error| failed(typed, &reason(&error));
        let wanted = match fs::symlink_metadata(typed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => typed.to_owned(),
            // The file of a symlink is replaced, not the symlink.
            found => found.and_then(|_| fs::canonicalize(typed)).map_err(refused)?,
        };
        let is_special = fs::metadata(&wanted).is_ok_and(|found| !found.is_file());
        if is_special {
            let file = OpenOptions::new().write(true).open(&wanted).map_err(refused)?;
            return Ok(Output { file, paths: None, typed: typed.to_owned() });
        }
        let name = wanted.file_name().ok_or_else(|| failed(typed, "it is not the name of a file"))?;
        let above = wanted.parent().filter(|above| !above.as_os_str().is_empty());
        let above = fs::canonicalize(above.unwrap_or(Path::new("."))).map_err(refused)?;
        let (file, fresh) = make(&above).map_err(refused)?;
        let paths = Some(Paths { fresh, wanted: above.join(name) });
        Ok(Output { file, paths, typed: typed.to_owned() })
    }

    /// A descriptor for another process.
    ///
    /// # Errors
    /// Errors of fcntl(2).
    pub(crate) fn descriptor(&self) -> Result<OwnedFd, Error> {
        let copy = self.file.as_fd().try_clone_to_owned();
        copy.map_err(|error| failed(&self.typed, &reason(&error)))
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The path of the unfinished file, for a program that needs one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.paths.as_ref().map(|paths| paths.fresh.as_path())
    }

    /// A directory for temporary files.
    pub(crate) fn dir(&self) -> PathBuf {
        let above = self.path().and_then(Path::parent).map(Path::to_owned);
        above.unwrap_or_else(std::env::temp_dir)
    }

    /// Gives the complete file its name. A file of this name is replaced.
    ///
    /// # Errors
    /// Errors of rename(2).
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        let Some(paths) = self.paths.take() else { return Ok(()) };
        fs::rename(&paths.fresh, &paths.wanted).map_err(|error| {
            let failed = failed(&self.typed, &reason(&error));
            self.paths = Some(paths);
            failed
        })
    }

    /// For `map_err`: it cannot be written.
    pub(crate) fn failed(&self) -> impl FnOnce(io::Error) -> Error {
        move |error| failed(&self.typed, &reason(&error))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(paths) = &self.paths {
            // Error ignored: that the export failed is reported.
            let _ = fs::remove_file(&paths.fresh);
        }
    }
}

/// Makes a file with a name that no other process uses.
fn make(above: &Path) -> io::Result<(File, PathBuf)> {
    for number in 0_u32.. {
        let path = above.join(format!("{PREFIX}{}-{number}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            // A killed process had this PID.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, path)),
        }
    }
    Err(Errno::EEXIST.into())
}

fn failed(path: &Path, why: &str) -> Error {
    Error::Target { doing: "writing", path: path.into(), why: why.to_owned() }
}
