//! `subroot pull IMAGE…`, and what the launcher runs before it runs an image that the store may not have.

use crate::commands::import::{Policy, Request, with_store};
use crate::error::Error;
use crate::import::Imported;
use crate::output;
use crate::pull::{Pull, summary};
use crate::registry::blob::BlobReader;
use crate::registry::client::Repository;
use crate::registry::http::{Http, Patience};
use crate::registry::image;
use crate::registry::mirrors;
use crate::registry::refusal::Refusal;
use crate::source::image::{Image, Layer};
use crate::store::Store;
use crate::store::add::Name;
use crate::store::blobs::Blob;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use subroot::images::name::ImageName;
use subroot::images::source::{DOCKER, Source};

/// An image of a registry, whose documents are known.
pub(crate) struct RemoteImage {
    pub(crate) repository: Arc<Repository>,
    pub(crate) image: Image,
}

/// Pulls images, one after the other.
///
/// # Errors
/// What stopped the first that failed.
pub(crate) fn pull(request: &Request, typed: &[OsString]) -> Result<(), Error> {
    let names = typed.iter().map(|typed| name(typed)).collect::<Result<Vec<_>, _>>()?;
    for name in names {
        let imported = pull_image(request, &name)?;
        if !request.is_quiet {
            summary(name.canonical(), name.familiar(), &imported);
        }
    }
    Ok(())
}

fn name(typed: &OsStr) -> Result<ImageName, Error> {
    let plain = OsStr::from_bytes(typed.as_bytes().strip_prefix(DOCKER).unwrap_or(typed.as_bytes()));
    ImageName::parse(plain).map_err(|why| Error::Images {
        doing: "pulling",
        name: typed.to_string_lossy().into_owned(),
        why: format!("it is not the name of an image: {why}"),
        fix: None,
    })
}

fn pull_image(request: &Request, name: &ImageName) -> Result<Imported, Error> {
    let remote = open(request, name)?;
    into_store(request, &remote, name.canonical())
}

/// The documents of an image of a registry.
fn open(request: &Request, name: &ImageName) -> Result<RemoteImage, Error> {
    let canonical = name.canonical();
    if !request.is_quiet {
        output::line(&format!("pulling {canonical}"));
    }
    let (name, reference) = parts(canonical);
    let places = mirrors::places(name, reference).map_err(|Refusal { why, .. }| Error::Registry {
        doing: "pulling",
        name: canonical.to_owned(),
        why,
        fix: None,
    })?;
    let open = |place: &String| {
        let http = Http::new(request.verifies, Patience::default());
        let repository = Arc::new(Repository::new(canonical, place, http));
        let image = image::image(&repository, reference)?;
        check_size(request, RemoteImage { repository, image })
    };
    let (last, mirrors) = places.split_last().ok_or_else(|| Error::archive("there is no registry"))?;
    for mirror in mirrors {
        match open(mirror) {
            Ok(image) => return Ok(image),
            Err(error) => output::line(&format!("{error}; the next registry is tried")),
        }
    }
    open(last)
}

/// Refuses layers that are larger without being unpacked than all files may be.
fn check_size(request: &Request, image: RemoteImage) -> Result<RemoteImage, Error> {
    let size = image.image.layers.iter().fold(0_u64, |size, layer| size.saturating_add(layer.size));
    let most = request.max_size;
    if size <= most {
        return Ok(image);
    }
    Err(image.repository.failed(Refusal::new(format!("its layers have {size} bytes; {most} are allowed"))))
}

/// The repository, and the tag or digest.
fn parts(canonical: &str) -> (&str, &str) {
    let parts = canonical.split_once('@').or_else(|| canonical.rsplit_once(':'));
    parts.unwrap_or((canonical, "latest"))
}

/// The image of the registry that `docker://` names; `None` for any other source of an import.
///
/// # Errors
/// It is not a name, or cannot be pulled.
pub(crate) fn source(request: &Request) -> Result<Option<RemoteImage>, Error> {
    match Source::parse(request.source.as_os_str()) {
        Ok(Source::Registry(name)) => open(request, &name).map(Some),
        // Error ignored: opening the source reports it.
        _ => Ok(None),
    }
}

/// Downloads and unpacks an image.
///
/// # Errors
/// What stopped it. The name is unchanged then.
pub(crate) fn into_store(request: &Request, remote: &RemoteImage, name: &str) -> Result<Imported, Error> {
    let RemoteImage { repository, image } = remote;
    let pull = Pull { repository, image, is_quiet: request.is_quiet };
    with_store(request, |unpacking| pull.add_to(unpacking, Name::Stored(name)))
}

/// Downloads a layer to a file, whose offset is then at its start.
///
/// # Errors
/// What stopped it.
pub(crate) fn download(repository: &Repository, layer: &Layer, mut file: &File) -> Result<(), Error> {
    let blob = Blob::of(layer);
    let mut content = BlobReader::new(repository, &blob);
    let copied = io::copy(&mut content.by_ref().take(blob.size), &mut file).and_then(|_| file.rewind());
    copied.map_err(|error| content.failure().unwrap_or(Error::Read { error }))
}

/// Unpacks an image for the launcher, after it is pulled if that is wanted.
///
/// # Errors
/// What stopped it.
pub(crate) fn prepare(request: &Request, name: &ImageName) -> Result<(), Error> {
    let is_stored = is_stored(name)?;
    let stored = || with_store(request, |unpacking| unpacking.prepare(name.canonical()));
    match request.policy {
        Policy::Never => stored(),
        Policy::Missing if is_stored => stored(),
        Policy::Newer if is_stored => match pull_image(request, name) {
            Err(error @ Error::Registry { .. }) => {
                output::line(&format!("{error}; the stored image is used"));
                stored()
            }
            pulled => pulled.map(drop),
        },
        Policy::Always if is_stored => pull_image(request, name).map(drop),
        _ => pull_image(request, name).map(drop).map_err(|error| explained(error, name)),
    }
}

fn is_stored(name: &ImageName) -> Result<bool, Error> {
    let Some(store) = Store::open()? else { return Ok(false) };
    Ok(store.index()?.named(name.canonical()).is_some())
}

/// The error of pulling what may have been meant as a directory.
fn explained(error: Error, name: &ImageName) -> Error {
    match error {
        Error::Registry { name: pulled, why, fix, .. } => Error::Registry {
            doing: "running",
            name: name.familiar().to_owned(),
            why: format!("no directory or stored image has this name, and pulling {pulled} failed: {why}"),
            fix,
        },
        other => other,
    }
}
