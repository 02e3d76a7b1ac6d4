//! Makes tars byte by byte, and applies them to a new directory.

use nix::sys::stat::{Mode, umask};
use nix::unistd::{getegid, geteuid};
use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use subroot_image::Error;
use subroot_image::apply::applier::{Options, Summary, apply};
use subroot_image::apply::owners::Owners;
use subroot_image::source::stream::ByteStream;
use subroot_image::tar::archive::Archive;

/// A tar that is being made.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    /// Adds an entry with this type, link target and content.
    pub(crate) fn entry(mut self, kind: u8, name: &str, link: &str, content: &[u8]) -> Tar {
        self.0.extend(header(kind, name, link, content.len()));
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, content: &str) -> Tar {
        self.entry(b'0', name, "", content.as_bytes())
    }

    pub(crate) fn dir(self, name: &str) -> Tar {
        self.entry(b'5', name, "", b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Tar {
        self.entry(b'2', name, target, b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Tar {
        self.entry(b'1', name, target, b"")
    }

    /// Adds a pax header for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Tar {
        self.entry(b'x', "pax", "", &pax(records))
    }

    /// The tar with its end.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// The content of a pax header.
pub(crate) fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let record = |(key, value): &(&str, &[u8])| {
        let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        let mut length = rest.len() + 1;
        while length != rest.len() + length.to_string().len() {
            length = rest.len() + length.to_string().len();
        }
        [length.to_string().as_bytes(), &rest].concat()
    };
    records.iter().flat_map(record).collect()
}

/// A header of ustar.
pub(crate) fn header(kind: u8, name: &str, link: &str, size: usize) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, if kind == b'5' { b"0000755" } else { b"0000644" });
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"07777777777");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    seal(&mut header);
    header
}

/// Writes the checksum of a header.
pub(crate) fn seal(header: &mut [u8]) {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A new directory, removed at the end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        umask(Mode::empty());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("subroot-image-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::create_dir(path.join("root")).unwrap();
        Scratch(path)
    }

    /// The directory in which archives are unpacked. What is beside it is outside.
    pub(crate) fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Everything below the root, as sorted paths.
    pub(crate) fn names(&self) -> Vec<String> {
        let (mut names, mut dirs) = (Vec::new(), vec![self.root()]);
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                names.push(path.strip_prefix(self.root()).unwrap().display().to_string());
                if entry.file_type().unwrap().is_dir() {
                    dirs.push(path);
                }
            }
        }
        names.sort();
        names
    }

    pub(crate) fn apply(&self, tar: Vec<u8>) -> Result<Summary, Error> {
        self.apply_with(tar, |_| {})
    }

    /// The message of the error with which the archive is refused.
    pub(crate) fn refusal(&self, tar: Vec<u8>) -> String {
        self.apply(tar).err().unwrap_or_else(|| panic!("accepted: {:?}", self.names())).to_string()
    }

    pub(crate) fn apply_with(
        &self,
        tar: Vec<u8>,
        change: impl FnOnce(&mut Options),
    ) -> Result<Summary, Error> {
        let mut options = Options::new(Owners::only(geteuid().as_raw(), getegid().as_raw()), 1 << 30);
        change(&mut options);
        let stream = ByteStream::new(Cursor::new(tar), options.max_size);
        apply(Archive::new(stream), open(&self.root()), options)
    }
}

pub(crate) fn open(path: &Path) -> std::os::fd::OwnedFd {
    File::open(path).unwrap().into()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Error ignored: it is below the directory for temporary files.
        let _ = std::process::Command::new("chmod").args(["-R", "u+rwx"]).arg(&self.0).status();
        let _ = fs::remove_dir_all(&self.0);
    }
}
