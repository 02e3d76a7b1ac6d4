//! `subroot import SOURCE DIR|NAME`, and what the launcher runs before it runs an image.

use crate::commands::pull;
use crate::error::Error;
use crate::import::{Imported, import_dir};
use crate::input::Input;
use crate::signals::Signals;
use crate::store::Store;
use crate::store::add::Name;
use crate::store::unpacking::Unpacking;
use crate::unpacker::Unpacker;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use subroot::images::id_options::IdOptions;
use subroot::images::name::ImageName;
use subroot::images::source::{Source, exists, is_path};

/// What is to be unpacked, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The archive or the image; `-` is standard input.
    pub(crate) source: PathBuf,
    pub(crate) squashes: bool,
    pub(crate) max_size: u64,
    pub(crate) ids: IdOptions,
    pub(crate) is_quiet: bool,
    /// False if registries without encryption or with unknown certificates are allowed.
    pub(crate) verifies: bool,
    pub(crate) policy: Policy,
}

/// When an image that a launch needs is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// If the store does not have it.
    Missing,
    Always,
    Never,
    /// Always, but the stored one is used if that fails.
    Newer,
}

/// Where an import goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Dir(PathBuf),
    Name(ImageName),
}

impl Target {
    /// A path, or the name of what exists, is a directory; anything else is a name in the store.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn read(typed: &OsStr) -> Result<Target, Error> {
        if is_path(typed.as_bytes()) || exists(Path::new(typed)) {
            return Ok(Target::Dir(typed.into()));
        }
        ImageName::parse(typed).map(Target::Name).map_err(|why| Error::Images {
            doing: "importing as",
            name: typed.to_string_lossy().into_owned(),
            why: format!(
                "it is not the name of an image: {why}; write ./ before the name of a new directory"
            ),
            fix: None,
        })
    }
}

/// Imports an archive. After an error or a signal, nothing of it has a name.
///
/// # Errors
/// What stopped it.
pub(crate) fn import(request: &Request, target: &Target) -> Result<Imported, Error> {
    match target {
        Target::Dir(dir) => import_dir(request, dir),
        Target::Name(name) => import_name(request, name),
    }
}

fn import_name(request: &Request, name: &ImageName) -> Result<Imported, Error> {
    if let Some(image) = pull::source(request)? {
        return pull::into_store(request, &image, name.canonical());
    }
    let input = Input::open(&request.source)?;
    with_store(request, |unpacking| unpacking.add(input, Name::Stored(name.canonical())))
}

/// Unpacks an image for the launcher: one of the store, or one that is first copied into it.
///
/// # Errors
/// What stopped it.
pub(crate) fn prepare(request: &Request) -> Result<(), Error> {
    match Source::parse(request.source.as_os_str()).map_err(Error::Launch)? {
        Source::Name(name) | Source::Registry(name) => pull::prepare(request, &name),
        Source::Transport(transport) => {
            // If the image changes after this, the launcher finds another stamp and has it copied again.
            let stamp = transport.stamp().map_err(Error::Launch)?;
            let name = transport.canonical().map_err(Error::Launch)?;
            let input = Input::of(&transport)?;
            with_store(request, |unpacking| unpacking.add(input, Name::Elsewhere(&name, stamp)).map(drop))
        }
        Source::Path(path) => Err(Error::Images {
            doing: "preparing",
            name: path.display().to_string(),
            why: "it is neither a stored image nor a transport".into(),
            fix: None,
        }),
    }
}

/// Does something in the store while no garbage is collected. After an error, what it left is removed.
///
/// # Errors
/// The store cannot be used; errors of `act`.
pub(crate) fn with_store<T>(
    request: &Request,
    act: impl FnOnce(&Unpacking<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let signals = Signals::block()?;
    let store = Store::create()?;
    let shared = store.begin(&signals)?;
    let unpacker = Unpacker::new(&request.ids, request.is_quiet, &signals);
    let mut has_garbage = true;
    let done = Unpacking::new(&store, unpacker, (request.squashes, request.max_size)).and_then(|unpacking| {
        let done = act(&unpacking)?;
        store.layers.record_synced(&store.tmp)?;
        has_garbage = unpacking.has_garbage.get();
        Ok(done)
    });
    if has_garbage {
        drop(shared);
        store.collect_if_alone();
    }
    done
}
