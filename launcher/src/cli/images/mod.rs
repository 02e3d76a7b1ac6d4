//! `subroot run IMAGE`: finds the image in the store, has subroot-image unpack it if that is needed, and makes
//! its layers the root.

mod archive;
mod config;
mod prepare;

use crate::cli::images::prepare::Prepared;
use crate::cli::options::Asked;
use crate::cli::values::pull::Pull;
use crate::diagnose::named;
use crate::error::{Error, OsError};
use crate::images::id_map::MapText;
use crate::images::index;
use crate::images::name::ImageName;
use crate::images::program;
use crate::images::run_file::{Config, RunFile, Stamp};
use crate::images::source::{Source, Transport};
use crate::images::store::{Layer, StoreDir};
use crate::plan::id_plan::IdPlan;
use crate::plan::image::map_text;
use crate::request::root::{Image, LayerDir, Root};
use crate::request::sandbox::Sandbox;
use crate::sys;
use crate::sys::standard_error;
use nix::errno::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The descriptors from `LOW` to `HIGH` are left to the launcher, whose entry in the registry is found by its
/// number.
const LOW: i32 = 32;
const HIGH: i32 = 128;

/// Causes that say what else than an image was meant.
const MEANT: [&str; 2] = ["path-near", "command-as-rootfs"];

/// What became of the root of a request.
pub(crate) enum Taken {
    /// It is an image now, for the first of these IDs that fits.
    Image(Box<IdPlan>),
    /// It names no image.
    No,
    /// The image could not be unpacked, and the reason has been printed: the exit status.
    Stopped(u8),
}

/// An image that was named on the command line.
struct Wanted {
    /// Its name in the store.
    name: String,
    /// The name that is shown.
    shown: String,
    /// What subroot-image is given.
    argument: OsString,
    /// The state of the file from which it is copied; none for an image of the store.
    stamp: Option<Stamp>,
}

/// An image that is unpacked for a map, and locked.
struct Ready {
    /// The store's path.
    store: PathBuf,
    file: RunFile,
    layers: Vec<Layer>,
}

/// Makes an image the root of a request whose root is a path at which no directory exists.
///
/// # Errors
/// The image or the store cannot be used.
pub(crate) fn take(sandbox: &mut Sandbox, asked: &Asked, may_prepare: bool) -> Result<Taken, Error> {
    let Root::Dir(path) = &sandbox.root else { return Ok(Taken::No) };
    let path = path.clone();
    let Some(wanted) = Wanted::of(path.as_os_str())? else { return Ok(Taken::No) };
    let ids = IdPlan::new(&sandbox.ids, None)?;
    let maps = maps(&ids);
    // Another map than the best one is used only if subroot-image could not use the best one.
    let is_stored = asked.pull.prefers_store() || wanted.stamp.is_some() || !may_prepare;
    let mut ready = if is_stored { find(&wanted, maps.get(..1).unwrap_or_default())? } else { None };
    if ready.is_none() {
        let may_pull = may_prepare && asked.pull != Pull::Never && program::find().is_some();
        if !may_pull && !wanted.is_known()? {
            return Ok(Taken::No);
        }
        if !may_prepare {
            let map = maps.first().ok_or_else(|| wanted.refused("no IDs can be mapped for it".into()))?;
            config::apply(sandbox, Config::default(), asked).map_err(|why| wanted.refused(why))?;
            sandbox.root = Root::Image(Arc::new(wanted.unprepared(map)));
            return Ok(Taken::Image(Box::new(ids)));
        }
        if let Prepared::Stopped(status) = prepare::prepare(&wanted.argument, &sandbox.ids, asked)? {
            if !wanted.is_known()? {
                suggest(&path);
            }
            return Ok(Taken::Stopped(status));
        }
        ready = find(&wanted, &maps)?;
    }
    let ready = ready.ok_or_else(|| wanted.refused("subroot-image has unpacked it for other IDs".into()))?;
    config::apply(sandbox, ready.file.config.clone(), asked).map_err(|why| wanted.refused(why))?;
    sandbox.root = Root::Image(Arc::new(image(wanted, ready)?));
    Ok(Taken::Image(Box::new(ids)))
}

/// Says what was probably meant by a name that nothing has, after the reason was printed.
fn suggest(path: &Path) {
    let cause = named::rootfs(path, Errno::ENOENT);
    if let Some(cause) = cause.filter(|cause| MEANT.contains(&cause.key())) {
        standard_error::line(&format!("fix: {}", cause.fix()));
    }
}

/// The different maps of the candidates, the best first.
fn maps(ids: &IdPlan) -> Vec<MapText> {
    let mut maps: Vec<MapText> = ids.candidates.iter().map(|candidate| map_text(&candidate.maps)).collect();
    maps.dedup();
    maps
}

/// The image, if it is unpacked for one of these maps and its file has not changed.
fn find(wanted: &Wanted, maps: &[MapText]) -> Result<Option<Ready>, Error> {
    let Some(store) = StoreDir::open()? else { return Ok(None) };
    for map in maps {
        let file = store.run_file(&wanted.name, map)?.filter(|file| file.stamp == wanted.stamp);
        let Some(file) = file else { continue };
        let key = file.map_of_layers(map).key();
        let layers = file.layers.iter().rev().map(|layer| store.layer(&key, layer));
        if let Some(layers) = layers.collect::<Result<Option<Vec<Layer>>, Error>>()? {
            return Ok(Some(Ready { store: store.path().to_owned(), file, layers }));
        }
    }
    Ok(None)
}

fn image(wanted: Wanted, ready: Ready) -> Result<Image, Error> {
    let source = wanted.source(&ready.store);
    let Wanted { name, shown, .. } = wanted;
    let dir = |layer: &Layer| LayerDir { path: layer.path().to_owned(), identity: layer.identity() };
    let layers = ready.layers.iter().map(dir).collect();
    let locks = ready.layers.into_iter().map(|layer| moved(layer.into_lock()));
    let locks = locks.collect::<Result<_, _>>()?;
    Ok(Image { name, shown, source, map: ready.file.map, layers, locks })
}

/// Moves a lock to a high number, unless it has a low one.
fn moved(lock: OwnedFd) -> Result<OwnedFd, Error> {
    if lock.as_raw_fd() < LOW {
        return Ok(lock);
    }
    sys::descriptors::copy_descriptor(lock.as_raw_fd(), HIGH).map_err(|errno| Error::Parent {
        doing: "keeping the layers of an image open",
        errno: OsError(errno),
    })
}

impl Wanted {
    fn of(argument: &OsStr) -> Result<Option<Wanted>, Error> {
        Ok(match Source::parse(argument)? {
            Source::Transport(transport) => Some(Wanted::of_transport(&transport)?),
            // Without subroot-image, the message says how to unpack it.
            Source::Path(path) if program::find().is_some() && archive::is_archive(&path) => {
                Some(Wanted::of_transport(&Transport::of_archive(path))?)
            }
            Source::Path(_) => None,
            Source::Name(name) | Source::Registry(name) => Some(Wanted::of_name(&name)),
        })
    }

    fn of_transport(transport: &Transport) -> Result<Wanted, Error> {
        let (name, stamp) = (transport.canonical()?, Some(transport.stamp()?));
        Ok(Wanted { argument: name.clone().into(), shown: transport.to_string(), name, stamp })
    }

    fn of_name(name: &ImageName) -> Wanted {
        let (name, shown) = (name.canonical().to_owned(), name.familiar().to_owned());
        Wanted { argument: name.clone().into(), shown, name, stamp: None }
    }

    /// What `subroot import` takes: the store is an OCI image layout.
    fn source(&self, store: &Path) -> String {
        match self.stamp {
            Some(_) => self.shown.strip_prefix("archive:").unwrap_or(&self.shown).to_owned(),
            None => format!("oci:{}:{}", store.display(), self.name),
        }
    }

    /// False for a name that the store does not have. One with a digest need not be in its list.
    fn is_known(&self) -> Result<bool, Error> {
        if self.stamp.is_some() {
            return Ok(true);
        }
        let Some(store) = StoreDir::open()? else { return Ok(false) };
        Ok(self.name.contains('@') || index::names(&store)?.contains(&self.name))
    }

    fn refused(&self, why: String) -> Error {
        Error::Image { name: self.shown.clone(), why, fix: None }
    }

    /// What `--print-plan` shows of an image that is not unpacked for these IDs.
    fn unprepared(self, map: &MapText) -> Image {
        let Wanted { name, shown, .. } = self;
        let (source, map) = (shown.clone(), map.text().to_owned());
        Image { name, shown, source, map, layers: Vec::new(), locks: Vec::new() }
    }
}
