//! What an argument names: a directory or file, an image of a transport, or an image by its name. The
//! transports are spelt as skopeo's.

use crate::error::{Error, OsError};
use crate::images::name::ImageName;
use crate::images::run_file::Stamp;
use crate::sys;
use nix::errno::Errno;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What an argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An image in a directory or file of a known format.
    Transport(Transport),
    /// A directory, an archive, or nothing that exists.
    Path(PathBuf),
    /// An image in the store, or of a registry.
    Name(ImageName),
    /// The same, written with `docker://`.
    Registry(ImageName),
}

/// The format of a directory or file that holds an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// An OCI image layout.
    Oci,
    /// A tar archive of an OCI image layout.
    OciArchive,
    /// A tar archive of `docker save`.
    DockerArchive,
    /// A directory of `skopeo copy … dir:DIR`.
    Dir,
    /// A tar archive of one of these kinds, or of a root filesystem.
    Archive,
}

/// An image outside of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Its format.
    pub kind: TransportKind,
    /// The directory or file.
    pub path: PathBuf,
    /// Which of the images in it.
    pub reference: Option<String>,
}

/// The transport of registries.
pub const DOCKER: &[u8] = b"docker://";

impl TransportKind {
    const ALL: [TransportKind; 5] = [
        TransportKind::Oci,
        TransportKind::OciArchive,
        TransportKind::DockerArchive,
        TransportKind::Dir,
        TransportKind::Archive,
    ];

    /// The word in front of the first colon.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TransportKind::Oci => "oci",
            TransportKind::OciArchive => "oci-archive",
            TransportKind::DockerArchive => "docker-archive",
            TransportKind::Dir => "dir",
            TransportKind::Archive => "archive",
        }
    }

    fn has_references(self) -> bool {
        !matches!(self, TransportKind::Dir | TransportKind::Archive)
    }
}

impl Source {
    /// What an argument names. The first of these that fits: a transport; a path, if it begins with `/`, `./`
    /// or `../` or is `.` or `..`; an existing file or directory; the name of an image. Anything else is a path
    /// at which nothing exists.
    ///
    /// # Errors
    /// A transport without a path, or without the name of an image.
    pub fn parse(argument: &OsStr) -> Result<Source, Error> {
        if let Some(name) = argument.as_bytes().strip_prefix(DOCKER) {
            let name = ImageName::parse(OsStr::from_bytes(name));
            return name.map(Source::Registry).map_err(|why| not_a_name(argument, &why));
        }
        if let Some(transport) = Transport::parse(argument)? {
            return Ok(Source::Transport(transport));
        }
        let path = PathBuf::from(argument);
        if is_path(argument.as_bytes()) || exists(&path) {
            return Ok(Source::Path(path));
        }
        // What is not a name is a path, and opening it fails.
        Ok(ImageName::parse(argument).ok().map_or(Source::Path(path), Source::Name))
    }
}

/// True for a text that is a path wherever it is used.
#[must_use]
pub fn is_path(argument: &[u8]) -> bool {
    let begins = [b"/".as_slice(), b"./", b"../"].iter().any(|start| argument.starts_with(start));
    begins || matches!(argument, b"." | b"..")
}

/// True unless nothing has this name, a dangling symlink included.
#[must_use]
pub fn exists(path: &Path) -> bool {
    // Error ignored: any other error is that of opening the path later.
    fs::symlink_metadata(path).err().is_none_or(|error| error.kind() != ErrorKind::NotFound)
}

fn not_a_name(argument: &OsStr, why: &str) -> Error {
    let why = format!("it is not the name of an image: {why}");
    Error::Image { name: argument.to_string_lossy().into_owned(), why, fix: None }
}

impl Transport {
    fn parse(argument: &OsStr) -> Result<Option<Transport>, Error> {
        let bytes = argument.as_bytes();
        let rest = |kind: &TransportKind| bytes.strip_prefix(kind.word().as_bytes())?.strip_prefix(b":");
        let Some((kind, rest)) = TransportKind::ALL.into_iter().find_map(|kind| Some((kind, rest(&kind)?)))
        else {
            return Ok(None);
        };
        let colon = rest.iter().position(|byte| *byte == b':').filter(|_| kind.has_references());
        let (path, reference) = match colon {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let refused = |why: &str| Error::Image {
            name: argument.to_string_lossy().into_owned(),
            why: why.into(),
            fix: None,
        };
        if path.is_empty() {
            return Err(refused("it has no path"));
        }
        let reference = reference.map(|text| std::str::from_utf8(text).map(str::to_owned)).transpose();
        Ok(Some(Transport {
            kind,
            path: PathBuf::from(OsStr::from_bytes(path)),
            reference: reference.map_err(|_| refused("its reference is not UTF-8"))?,
        }))
    }

    /// An archive whose kind is found by its content.
    #[must_use]
    pub fn of_archive(path: PathBuf) -> Transport {
        Transport { kind: TransportKind::Archive, path, reference: None }
    }

    /// The name of this image in the store, which has the absolute path.
    ///
    /// # Errors
    /// The absolute path is not UTF-8, or has a colon, after which a reference would begin.
    pub fn canonical(&self) -> Result<String, Error> {
        let refused = |why: &str| Error::Image { name: self.to_string(), why: why.into(), fix: None };
        let path = std::path::absolute(&self.path)
            .map_err(|error| refused(&OsError(sys::errno_of(&error)).to_string()))?;
        let path = path.to_str().ok_or_else(|| refused("its path is not UTF-8"))?;
        if self.kind.has_references() && path.contains(':') {
            return Err(refused("its absolute path has a colon, after which a reference would begin"));
        }
        Ok(named(self.kind, path, self.reference.as_deref()))
    }

    /// The identity of the file that changes with the image.
    ///
    /// # Errors
    /// Errors of stat(2).
    pub fn stamp(&self) -> Result<Stamp, Error> {
        let file = self.stamped_file();
        let failed = |error: &std::io::Error| Error::Image {
            name: self.to_string(),
            why: format!("{}: {}", file.display(), OsError(sys::errno_of(error))),
            fix: None,
        };
        let found = fs::metadata(&file).map_err(|error| failed(&error))?;
        if !found.is_file() {
            return Err(failed(&OsError(Errno::EINVAL).into()));
        }
        Ok(Stamp::of(&found))
    }

    /// The file that changes with the image.
    #[must_use]
    pub fn stamped_file(&self) -> PathBuf {
        match self.kind {
            TransportKind::Oci => self.path.join("index.json"),
            TransportKind::Dir => self.path.join("manifest.json"),
            _ => self.path.clone(),
        }
    }
}

fn named(kind: TransportKind, path: &str, reference: Option<&str>) -> String {
    let reference = reference.map(|reference| format!(":{reference}")).unwrap_or_default();
    format!("{}:{path}{reference}", kind.word())
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&named(self.kind, &self.path.to_string_lossy(), self.reference.as_deref()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::{Source, Transport, TransportKind};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    fn transport(text: &str) -> Transport {
        match Source::parse(text.as_ref()) {
            Ok(Source::Transport(transport)) => transport,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn transports_are_read_as_skopeo_reads_them() {
        for (text, kind, path, reference) in [
            ("oci:dir", TransportKind::Oci, "dir", None),
            ("oci:/dir:a:b", TransportKind::Oci, "/dir", Some("a:b")),
            ("oci-archive:x.tar:1", TransportKind::OciArchive, "x.tar", Some("1")),
            ("docker-archive:x.tar", TransportKind::DockerArchive, "x.tar", None),
            ("dir:a:b", TransportKind::Dir, "a:b", None),
            ("archive:/a:b.tar", TransportKind::Archive, "/a:b.tar", None),
        ] {
            let read = transport(text);
            assert_eq!(
                (read.kind, read.path.to_str(), read.reference.as_deref()),
                (kind, Some(path), reference)
            );
            assert_eq!(read.to_string(), text);
        }
        assert!(Source::parse("oci:".as_ref()).is_err());
        assert!(Source::parse("oci::x".as_ref()).is_err());
        let odd = OsStr::from_bytes(b"oci:\xff");
        assert!(matches!(Source::parse(odd), Ok(Source::Transport(odd)) if odd.canonical().is_err()));
    }

    #[test]
    fn a_canonical_name_has_an_absolute_path_and_is_read_as_the_same() {
        let here = std::env::current_dir().unwrap();
        let name = transport("oci:dir:1").canonical().unwrap();
        assert_eq!(name, format!("oci:{}/dir:1", here.display()));
        assert_eq!(transport(&name).canonical().unwrap(), name);
        let colon = Transport { kind: TransportKind::Oci, path: "/a:b".into(), reference: None };
        colon.canonical().unwrap_err();
        assert_eq!(Transport::of_archive("/a:b".into()).canonical().unwrap(), "archive:/a:b");
    }

    #[test]
    fn paths_and_existing_names_are_not_images() {
        for text in ["/busybox", "./busybox", "../busybox", ".", "..", "src", "Cargo.toml", "Upper", "a b"] {
            assert!(matches!(Source::parse(text.as_ref()), Ok(Source::Path(_))), "{text}");
        }
        for text in ["busybox", "sr", "src/x:1", "docker-daemon", "...x".trim_start_matches('.')] {
            assert!(matches!(Source::parse(text.as_ref()), Ok(Source::Name(_))), "{text}");
        }
    }

    #[test]
    fn docker_names_an_image_of_a_registry() {
        let read = Source::parse("docker://busybox".as_ref()).unwrap();
        let Source::Registry(image) = read else { panic!("{read:?}") };
        assert_eq!(image.canonical(), "docker.io/library/busybox:latest");
        let error = Source::parse("docker://Upper".as_ref()).unwrap_err().to_string();
        assert!(error.contains("docker://Upper: it is not the name of an image: "), "{error}");
    }
}
