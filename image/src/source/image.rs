//! An image: its manifest, its configuration and its layers, with all that can be checked before a layer is read.

use crate::digest::Digest;
use crate::error::Error;
use crate::source::documents::{Config, Descriptor, Document, MOST_BYTES, Manifest};
use crate::source::files::Files;
use crate::source::platform;
use crate::source::section::Section;
use std::sync::Arc;

/// How many layers an image may have.
const MOST_LAYERS: usize = 1000;
/// How deep indexes may be nested.
const MOST_INDEXES: u32 = 4;

/// An image of a layout or an archive.
#[derive(Debug)]
#[non_exhaustive]
pub struct Image {
    /// The bytes of the manifest. That of a docker-archive, which has none, is made from it.
    pub manifest: Vec<u8>,
    /// Their digest.
    pub manifest_digest: Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// The bytes of the configuration.
    pub config: Vec<u8>,
    /// Their digest.
    pub config_digest: Digest,
    /// The configuration.
    pub parsed: Config,
    /// The layers, the lowest one first.
    pub layers: Vec<Layer>,
}

/// A layer of an image. Its content has not been read: who reads it must compare both digests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Layer {
    /// The digest of the blob.
    pub blob: Digest,
    /// The size of the blob.
    pub size: u64,
    /// The media type.
    pub media_type: String,
    /// The digest of the layer without its compression.
    pub diff_id: Digest,
    place: Place,
}

/// Where a layer is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) files: Arc<Files>,
    pub(crate) name: String,
}

impl Place {
    /// Opens the blob, if it has this size.
    ///
    /// # Errors
    /// It is missing, not a regular file, or of another size.
    pub(crate) fn open(&self, size: u64) -> Result<Section, Error> {
        let section = self.files.open(&self.name)?;
        self.check_size(section.length(), size).map(|()| section)
    }

    fn check_size(&self, found: u64, wanted: u64) -> Result<(), Error> {
        if found == wanted {
            return Ok(());
        }
        let why = format!("it has {found} bytes, and its descriptor says {wanted}");
        Err(Error::image(&self.name, why))
    }

    /// The content of a document of this size.
    ///
    /// # Errors
    /// As above; it cannot be read.
    fn document(&self, size: u64) -> Result<Vec<u8>, Error> {
        let failed = |error| Error::image(&self.name, crate::error::reason(&error));
        match &*self.files {
            Files::Remote(remote) => {
                let bytes = remote.document(&self.name, size)?;
                self.check_size(bytes.len() as u64, size).map(|()| bytes)
            }
            _ => self.open(size)?.bytes(MOST_BYTES).map_err(failed),
        }
    }
}

impl Layer {
    pub(crate) fn new(descriptor: &Descriptor, diff_id: Digest, place: Place) -> Layer {
        let Descriptor { digest, size, media_type, .. } = descriptor;
        Layer { blob: *digest, size: *size, media_type: media_type.clone(), diff_id, place }
    }

    /// The blob.
    ///
    /// # Errors
    /// It is missing, not a regular file, or of another size.
    pub fn open(&self) -> Result<Section, Error> {
        self.place.open(self.size)
    }
}

/// Blobs by their digests.
pub(crate) struct Blobs {
    pub(crate) files: Arc<Files>,
    /// The file's name of a manifest.
    pub(crate) of_manifest: fn(&Digest) -> String,
    /// The file's name of every other blob.
    pub(crate) of_blob: fn(&Digest) -> String,
}

impl Blobs {
    fn place(&self, digest: &Digest) -> Place {
        Place { files: Arc::clone(&self.files), name: (self.of_blob)(digest) }
    }

    /// The content of a document, which must have this digest and size.
    fn document(&self, place: &Place, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let bytes = place.document(descriptor.size)?;
        let found = Digest::of(&bytes);
        if found != descriptor.digest {
            return Err(Error::image(&place.name, format!("its digest is {found}")));
        }
        Ok(bytes)
    }

    /// The image of a descriptor: its manifest, or that of this machine in its index.
    ///
    /// # Errors
    /// A document is missing, malformed or has another digest; there is no image for this machine.
    pub(crate) fn image(&self, descriptor: &Descriptor) -> Result<Image, Error> {
        let mut descriptor = descriptor.clone();
        for _ in 0..MOST_INDEXES {
            let name = (self.of_manifest)(&descriptor.digest);
            let place = Place { files: Arc::clone(&self.files), name };
            let bytes = self.document(&place, &descriptor)?;
            let read = Document::read(&bytes, &descriptor.media_type);
            match read.map_err(|why| Error::image(&place.name, why))? {
                Document::Manifest(manifest) => return self.of_manifest(bytes, manifest, &place.name),
                Document::Index(manifests) => descriptor = platform::select(&manifests)?.clone(),
            }
        }
        Err(Error::image("index.json", format!("more than {MOST_INDEXES} indexes are nested")))
    }

    /// The image of a first document, which was read from this file and declared as of this media type.
    ///
    /// # Errors
    /// It is malformed; errors of [`Blobs::image`].
    pub(crate) fn of_document(&self, bytes: Vec<u8>, declared: &str, file: &str) -> Result<Image, Error> {
        match Document::read(&bytes, declared).map_err(|why| Error::image(file, why))? {
            Document::Manifest(manifest) => self.of_manifest(bytes, manifest, file),
            Document::Index(manifests) => self.image(platform::select(&manifests)?),
        }
    }

    /// The image of a manifest that was read from this file.
    ///
    /// # Errors
    /// The configuration or a layer is missing, or does not fit.
    pub(crate) fn of_manifest(&self, bytes: Vec<u8>, manifest: Manifest, file: &str) -> Result<Image, Error> {
        if !manifest.config.is_config() {
            let why =
                format!("it is not that of an image: its configuration is {}", manifest.config.media_type);
            return Err(Error::image(file, why));
        }
        let config = self.document(&self.place(&manifest.config.digest), &manifest.config)?;
        let name = self.place(&manifest.config.digest).name;
        let parsed = Config::read(&config).map_err(|why| Error::image(&name, why))?;
        check_count(manifest.layers.len(), &parsed, &name)?;
        let layers = manifest.layers.iter().zip(&parsed.rootfs.diff_ids);
        let layers = layers.map(|(descriptor, diff_id)| self.layer(descriptor, *diff_id));
        Ok(Image {
            manifest_digest: Digest::of(&bytes),
            media_type: manifest.media_type,
            config_digest: manifest.config.digest,
            layers: layers.collect::<Result<_, _>>()?,
            manifest: bytes,
            config,
            parsed,
        })
    }

    /// A layer, which is not read yet. It must be here, whatever other addresses its descriptor has.
    fn layer(&self, descriptor: &Descriptor, diff_id: Digest) -> Result<Layer, Error> {
        let place = self.place(&descriptor.digest);
        if !descriptor.is_layer() {
            let why = format!("layers of type {} are not supported", descriptor.media_type);
            return Err(Error::image(&place.name, why));
        }
        let layer = Layer::new(descriptor, diff_id, place);
        if !matches!(*self.files, Files::Remote(_)) {
            layer.open()?;
        }
        Ok(layer)
    }
}

/// Every layer has a digest in the configuration.
///
/// # Errors
/// It has not, or there are too many.
pub(crate) fn check_count(layers: usize, config: &Config, name: &str) -> Result<(), Error> {
    let ids = config.rootfs.diff_ids.len();
    if layers > MOST_LAYERS {
        return Err(Error::image(name, format!("the image has more than {MOST_LAYERS} layers")));
    }
    if layers != ids {
        let why = format!("it has the digests of {ids} layers, and the image has {layers}");
        return Err(Error::image(name, why));
    }
    Ok(())
}
