//! What an import reads: an image, or a file that may be a tree or an archive of an image.

use crate::error::Error;
use crate::source::compression::media_type_suffix;
use crate::source::image::Image;
use crate::source::open::{image_in_archive, image_in_directory, is_image_archive, start_of, transport_of};
use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use subroot::images::source::{Source, Transport, TransportKind};

/// What was opened.
pub(crate) enum Input {
    /// An image in a directory.
    Image(Box<Image>),
    File(Archive),
}

/// A file or a pipe.
pub(crate) struct Archive {
    pub(crate) file: File,
    pub(crate) kind: TransportKind,
    /// Which image of an archive.
    pub(crate) reference: Option<String>,
    /// True for a file that needs no decompression: its parts can be read where they are.
    pub(crate) is_plain: bool,
}

impl Input {
    /// Opens what an argument names; `-` is standard input.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or is no archive or image.
    pub(crate) fn open(source: &Path) -> Result<Input, Error> {
        if source == Path::new("-") {
            let copy = io::stdin().as_fd().try_clone_to_owned();
            let file = copy.map(File::from).map_err(|error| Error::Open { path: source.into(), error })?;
            return Archive::new(file, &Transport::of_archive(source.into())).map(Input::File);
        }
        match Source::parse(source.as_os_str()).map_err(Error::Launch)? {
            Source::Transport(transport) => Input::of(&transport),
            Source::Registry(name) => Err(Error::Images {
                doing: "opening",
                name: name.canonical().to_owned(),
                why: "an image of a registry is pulled, not opened".into(),
                fix: None,
            }),
            // No image of the store is unpacked here: if nothing has this name, opening it fails.
            Source::Path(_) | Source::Name(_) => Input::of(&Transport::of_archive(source.into())),
        }
    }

    /// Opens the image of a transport.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn of(transport: &Transport) -> Result<Input, Error> {
        let path = &transport.path;
        if matches!(transport.kind, TransportKind::Oci | TransportKind::Dir) {
            let image = image_in_directory(transport.kind, path, transport.reference.as_deref());
            return image.map(Box::new).map(Input::Image);
        }
        let failed = |error| Error::Open { path: path.clone(), error };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(Error::Directory { path: path.clone(), holds: transport_of(path)? });
        }
        Archive::new(file, transport).map(Input::File)
    }
}

impl Archive {
    fn new(file: File, transport: &Transport) -> Result<Archive, Error> {
        let path = &transport.path;
        let found = file.metadata().map_err(|error| Error::Open { path: path.clone(), error })?;
        // Standard input may have been read in part.
        let is_whole = found.is_file() && (&file).stream_position().is_ok_and(|offset| offset == 0);
        let is_plain = is_whole && media_type_suffix(&start_of(&file)?) == Ok("");
        Ok(Archive { file, kind: transport.kind, reference: transport.reference.clone(), is_plain })
    }

    /// The image in a plain file; `None` if it is a tree.
    ///
    /// # Errors
    /// The archive must have an image, and has none, or not the one that was named.
    pub(crate) fn image(&self) -> Result<Option<Image>, Error> {
        let reading = |error| Error::Read { error };
        if self.kind == TransportKind::Archive && !is_image_archive(&start_of(&self.file)?) {
            return Ok(None);
        }
        let file = self.file.try_clone().map_err(reading)?;
        image_in_archive(self.kind, file, self.reference.as_deref())
    }
}
