//! Adds images to the store: copies their blobs, unpacks their layers, and then gives them their names.

use crate::apply::applier::Summary;
use crate::error::Error;
use crate::import::Imported;
use crate::input::{Archive, Input};
use crate::source::compression::media_type_suffix;
use crate::source::documents::{self, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use crate::source::image::Image;
use crate::source::open::start_of;
use crate::spool;
use crate::store::blobs::Blob;
use crate::store::image::StoredImage;
use crate::store::time;
use crate::store::unpacking::{Found, Unpacking};
use std::fs::File;
use std::io::Seek as _;
use std::os::fd::AsFd as _;
use subroot::images::run_file::{Config, RunFile, Stamp};
use subroot::images::source::TransportKind;

/// Long enough that waiting for a slow archive costs nothing, in milliseconds.
const PATIENCE: u16 = 1000;

/// How the launcher finds an image: by its canonical name or its place outside of the store.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    /// The canonical name.
    Stored(&'a str),
    /// The transport with an absolute path, and the identity of the file with the image.
    Elsewhere(&'a str, Stamp),
}

impl Name<'_> {
    /// The name in the index.
    fn stored(&self) -> Option<&str> {
        match self {
            Name::Stored(name) => Some(name),
            Name::Elsewhere(..) => None,
        }
    }
}

impl Unpacking<'_> {
    /// Adds what was opened.
    ///
    /// # Errors
    /// What stopped it. The name is unchanged then.
    pub(crate) fn add(&self, input: Input, name: Name<'_>) -> Result<Imported, Error> {
        match input {
            Input::Image(image) => self.add_image(&image, name),
            Input::File(archive) if archive.is_plain => self.add_plain(archive, name),
            Input::File(Archive { file, kind: TransportKind::Archive, .. }) => {
                self.add_archive(file, Some(spool::make(&self.store.tmp.path)?), name)
            }
            Input::File(Archive { file, kind, reference, .. }) => {
                let file = self.decompress(file)?;
                self.add_plain(Archive { file, kind, reference, is_plain: true }, name)
            }
        }
    }

    /// Adds a file that needs no decompression.
    fn add_plain(&self, archive: Archive, name: Name<'_>) -> Result<Imported, Error> {
        match archive.image()? {
            Some(image) => self.add_image(&image, name),
            None => {
                let mut file = archive.file;
                file.rewind().map_err(|error| Error::Read { error })?;
                self.add_archive(file, None, name)
            }
        }
    }

    /// Adds an archive as an image of one layer, unless it is the archive of an image, for which there is a spool.
    /// The same archive gives the same image.
    fn add_archive(&self, archive: File, spool: Option<File>, name: Name<'_>) -> Result<Imported, Error> {
        let blob = self.copy(archive)?;
        let _locked = self.store.locks.making(&blob.digest.hex(), self.unpacker.signals)?;
        if let Some((image, media_type)) = self.known(&blob)? {
            let summary = self.layers(&image)?;
            return self.name(&image, &media_type, name).map(|()| Imported { summary, layers: None });
        }
        let (diff_id, summary) = match self.archive(&blob, spool)? {
            Found::Layer(diff_id, summary) => (diff_id, summary),
            Found::Image(file) => {
                self.has_garbage.set(true);
                let kind = TransportKind::Archive;
                return self.add_plain(Archive { file, kind, reference: None, is_plain: true }, name);
            }
        };
        let media_type = media_type(&self.store.blobs.open(&blob.digest)?)?;
        let config = documents::config(diff_id, &time::text(time::now()), CREATED_BY);
        let config = self.store.blobs.add_text(config.as_bytes())?.described(OCI_CONFIG.into());
        let manifest = documents::manifest(&config, &[blob.described(media_type)]);
        let manifest = self.store.blobs.add_text(manifest.as_bytes())?;
        let image = StoredImage::of(&self.store.blobs, &manifest, OCI_MANIFEST)?;
        self.name(&image, OCI_MANIFEST, name).map(|()| Imported { summary, layers: None })
    }

    /// Copies an archive, which may be a pipe, into the store, from its current offset.
    fn copy(&self, archive: File) -> Result<Blob, Error> {
        let reading = |error| Error::Read { error };
        let ready = archive.as_fd().try_clone_to_owned().map_err(reading)?;
        self.store.blobs.add(archive, None, &|| {
            while !self.unpacker.signals.wait_for(ready.as_fd(), PATIENCE)? {}
            Ok(())
        })
    }

    /// Adds an image of another layout or archive, or one of a registry whose layers are already in the store.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn add_image(&self, source: &Image, name: Name<'_>) -> Result<Imported, Error> {
        let signals = self.unpacker.signals;
        for layer in &source.layers {
            let blob = Blob::of(layer);
            let _locked = self.store.locks.making(&blob.digest.hex(), signals)?;
            if self.store.blobs.size(&blob.digest)? != Some(blob.size) {
                self.store.blobs.add(layer.open()?.reader(), Some(&blob), &|| signals.pause(0))?;
            }
        }
        self.store.blobs.add_text(&source.config)?;
        let manifest = self.store.blobs.add_text(&source.manifest)?;
        let image = StoredImage::of(&self.store.blobs, &manifest, &source.media_type)?;
        if let (Name::Elsewhere(name, _), []) = (name, image.layers.as_slice()) {
            return Err(empty(name));
        }
        let (summary, layers) = (self.layers(&image)?, Some(image.layers.len()));
        self.name(&image, &source.media_type, name).map(|()| Imported { summary, layers })
    }

    /// Unpacks an image of the store with this map.
    ///
    /// # Errors
    /// There is no such image, or what stopped it.
    pub(crate) fn prepare(&self, name: &str) -> Result<(), Error> {
        let index = self.store.index()?;
        let Some(entry) = index.named(name) else { return Err(not_stored(name)) };
        let image = StoredImage::read(&self.store.blobs, entry)?;
        if image.layers.is_empty() {
            return Err(empty(name));
        }
        self.layers(&image)?;
        self.store.with_index(|index| match index.named(name) {
            Some(now) if now.manifest == entry.manifest => self.write_run_file(&image, Name::Stored(name)),
            Some(_) => Err(Error::Images {
                doing: "preparing",
                name: name.to_owned(),
                why: "another image got this name meanwhile".into(),
                fix: None,
            }),
            None => Err(not_stored(name)),
        })
    }

    /// Unpacks the layers of an image.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn layers(&self, image: &StoredImage) -> Result<Summary, Error> {
        let mut all = Summary::default();
        for layer in &image.layers {
            all.add(&self.layer(layer, all.bytes)?);
        }
        Ok(all)
    }

    /// The image of this one blob, if the store has it.
    fn known(&self, blob: &Blob) -> Result<Option<(StoredImage, String)>, Error> {
        for entry in self.store.index()?.entries {
            // Error ignored: a damaged image is not this one.
            let Ok(image) = StoredImage::read(&self.store.blobs, &entry) else { continue };
            let is_own = image.document["history"][0]["created_by"] == CREATED_BY;
            if is_own && image.layers.len() == 1 && image.layers.iter().all(|layer| layer.blob == *blob) {
                return Ok(Some((image, entry.media_type)));
            }
        }
        Ok(None)
    }

    /// Gives a complete image its name. Run files of another image that had it are removed first.
    ///
    /// # Errors
    /// The index or a run file cannot be written.
    pub(crate) fn name(&self, image: &StoredImage, media_type: &str, name: Name<'_>) -> Result<(), Error> {
        self.store.change_index(|index| {
            let has_it = |stored| index.named(stored).is_some_and(|now| now.manifest == image.manifest);
            if let Some(stored) = name.stored().filter(|stored| !has_it(*stored)) {
                self.store.runs.remove(stored)?;
            }
            index.add(image.manifest.clone(), media_type, name.stored());
            Ok(())
        })?;
        self.store.with_index(|index| {
            let is_still = |stored| index.named(stored).is_some_and(|now| now.manifest == image.manifest);
            // Another process has given the name to another image since.
            if name.stored().is_none_or(is_still) { self.write_run_file(image, name) } else { Ok(()) }
        })
    }

    /// Of an image without layers there is none: no program is in it.
    fn write_run_file(&self, image: &StoredImage, name: Name<'_>) -> Result<(), Error> {
        let (name, stamp) = match name {
            Name::Stored(name) => (name, None),
            Name::Elsewhere(name, stamp) => (name, Some(stamp)),
        };
        if image.layers.is_empty() {
            return Ok(());
        }
        let layers = image.layers.iter().map(|layer| layer.diff_id.hex()).collect();
        let manifest = image.manifest.digest.to_string();
        let mut file = RunFile::new(name, &self.map, &manifest, layers, settings(image));
        file.is_squashed = self.squashes;
        file.stamp = stamp;
        file.boot_id = self.store.layers.needed_boot(&self.map_of_layers, &image.layers)?;
        self.store.runs.write(&file, &self.map)
    }
}

/// What the history of an image says that was made of an archive.
const CREATED_BY: &str = "subroot import";

/// What the launcher needs of a config.
fn settings(image: &StoredImage) -> Config {
    let config = &image.settings.config;
    Config {
        env: config.env.clone(),
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        user: config.user.clone(),
        workdir: config.working_dir.clone(),
        labels: config.labels.clone(),
        stop_signal: config.stop_signal.clone(),
        volumes: config.volumes.keys().cloned().collect(),
    }
}

/// The media type of a layer, by its first bytes. The image specification has none for xz, which every tool knows
/// by its first bytes.
fn media_type(archive: &File) -> Result<String, Error> {
    let suffix = media_type_suffix(&start_of(archive)?).unwrap_or("");
    Ok(format!("{OCI_LAYER}{suffix}"))
}

fn empty(name: &str) -> Error {
    Error::Images {
        doing: "preparing",
        name: name.to_owned(),
        why: "it has no layers, and so no program that could run".into(),
        fix: None,
    }
}

fn not_stored(name: &str) -> Error {
    Error::Images {
        doing: "preparing",
        name: name.to_owned(),
        why: "the store has no image of this name".into(),
        fix: None,
    }
}
