//! The specifications of this host.

use crate::cdi::names;
use crate::cdi::spec::Spec;
use crate::error::Error;
use crate::failure::reason_of;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where specifications are. The later one takes precedence.
const DIRS: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];
/// Larger than any specification, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
const OPTION: &str = "--device";

/// All specifications, those that take precedence last.
pub(super) struct Site {
    ranks: Vec<Vec<Spec>>,
}

impl Site {
    /// Reads both directories. One that does not exist is empty.
    ///
    /// # Errors
    /// A directory or a file that cannot be read, that users other than root can write, or that is not a
    /// specification.
    pub(super) fn read() -> Result<Site, Error> {
        Ok(Site { ranks: DIRS.iter().map(|dir| specs_in(Path::new(dir))).collect::<Result<_, _>>()? })
    }

    /// The specification that has this device, and the device's index in it.
    ///
    /// # Errors
    /// There is none, or more than one of the same rank.
    pub(super) fn device(&self, full: &str) -> Result<(&Spec, usize), Error> {
        let refused = |why| Error::Usage { what: OPTION, why };
        let (kind, name) = names::parse(full)
            .ok_or_else(|| refused(format!("{full} is not the name of a device, VENDOR/CLASS=NAME")))?;
        for specs in self.ranks.iter().rev() {
            let mut found = specs.iter().filter_map(|spec| Some((spec, spec.index(kind, name)?)));
            match (found.next(), found.next()) {
                (Some((one, _)), Some((other, _))) => {
                    let (one, other) = (one.file.display(), other.file.display());
                    return Err(refused(format!("{one} and {other} both have {full}")));
                }
                (Some(found), None) => return Ok(found),
                _ => {}
            }
        }
        Err(refused(self.missing(full, kind)))
    }

    fn missing(&self, full: &str, kind: &str) -> String {
        let specs = self.ranks.iter().flatten().filter(|spec| spec.kind == kind);
        let names: Vec<&str> = specs.flat_map(|spec| spec.names.iter().map(String::as_str)).collect();
        let generator = if kind == "nvidia.com/gpu" { "; nvidia-ctk cdi generate prints one" } else { "" };
        match names.is_empty() {
            true => format!("no specification in {} has a device of {kind}{generator}", DIRS.join(" or ")),
            false => format!("there is no {full}; the devices of {kind} are {}", names.join(", ")),
        }
    }
}

/// For `map_err`: an error about a file.
fn reading(file: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |error| refuse(file, reason_of(&error))
}

fn refuse(file: &Path, why: String) -> Error {
    Error::Unreadable { file: file.to_owned(), why }
}

fn specs_in(dir: &Path) -> Result<Vec<Spec>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(reading(dir))?,
    };
    let entries: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(reading(dir))?;
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "json" || kind == "yaml"))
        .collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    check_trusted(dir, &fs::metadata(dir).map_err(reading(dir))?)?;
    files.sort();
    files.into_iter().map(spec_in).collect()
}

fn spec_in(path: PathBuf) -> Result<Spec, Error> {
    // A pipe must not block.
    let file = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(&path);
    let file = file.map_err(reading(&path))?;
    let found = file.metadata().map_err(reading(&path))?;
    if !found.is_file() {
        return Err(refuse(&path, "not a regular file".into()));
    }
    check_trusted(&path, &found)?;
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(reading(&path))?;
    Spec::read(path.clone(), &text).map_err(|why| refuse(&path, why))
}

/// A specification decides what of the host is mounted for every user who names its devices.
fn check_trusted(path: &Path, found: &Metadata) -> Result<(), Error> {
    match subroot_idmap::distrust(found.uid(), found.mode()) {
        Some(why) => Err(refuse(path, format!("it is {why}"))),
        None => Ok(()),
    }
}
