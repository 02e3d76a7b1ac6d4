//! Unpacks layers of the store for one map of IDs.

use crate::apply::Whiteouts;
use crate::apply::applier::Summary;
use crate::apply::layer::Expected;
use crate::digest::Digest;
use crate::error::{Error, Hint};
use crate::export::tree::Tree;
use crate::ids::map_of_layers;
use crate::spool;
use crate::store::Store;
use crate::store::blobs::Blob;
use crate::store::image::{StoredImage, StoredLayer};
use crate::store::layers::{TREE, make_tree};
use crate::store::locks::Lock;
use crate::target::Unfinished;
use crate::task::{Job, Report, Task};
use crate::unpacker::Unpacker;
use nix::errno::Errno;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use subroot::images::id_map::MapText;

/// Unpacks layers with one map.
pub(crate) struct Unpacking<'a> {
    pub(crate) store: &'a Store,
    pub(crate) unpacker: Unpacker<'a>,
    pub(crate) squashes: bool,
    pub(crate) max_size: u64,
    /// The map that the image is for.
    pub(crate) map: MapText,
    /// The same, with the word that its layers are squashed if they are.
    pub(crate) map_of_layers: MapText,
    /// The map of the process that unpacks them.
    process_map: MapText,
    /// True once something was copied into the store that no image needs.
    pub(crate) has_garbage: Cell<bool>,
}

/// A directory in `tmp` with an unpacked layer.
struct Unpacked {
    unfinished: Unfinished,
    summary: Summary,
    diff_id: Digest,
}

/// What a compressed archive is.
pub(crate) enum Found {
    /// A tree, which is a layer of the store now.
    Layer(Digest, Summary),
    /// An archive of an image, without its compression.
    Image(File),
}

impl<'a> Unpacking<'a> {
    /// Finds out which IDs are mapped, and whether the store's filesystem can keep layers.
    ///
    /// # Errors
    /// It cannot, or a process that unpacks cannot be started.
    pub(crate) fn new(store: &'a Store, unpacker: Unpacker<'a>, limits: (bool, u64)) -> Result<Self, Error> {
        let unfinished = Unfinished::begin_in(&store.tmp.path, OsStr::new("probe-"))?;
        let probed = unpacker.probe(&unfinished.path);
        let removed = unfinished.discard().map_err(Error::Launch);
        let probed = probed.and_then(|probed| removed.map(|()| probed))?;
        if let Some((lacks, errno)) = probed.lacks {
            return Err(match errno {
                Errno::ENOSPC | Errno::EDQUOT => store.tmp.failed("writing", "")(errno),
                errno => {
                    Error::Filesystem { store: store.dir.path.clone(), kind: filesystem(store), lacks, errno }
                }
            });
        }
        let (squashes, max_size) = limits;
        let map = map_of_layers(unpacker.ids, probed.map.clone());
        Ok(Unpacking {
            store,
            unpacker,
            squashes,
            max_size,
            map_of_layers: if squashes { map.squashed() } else { map.clone() },
            map,
            process_map: probed.map,
            has_garbage: Cell::new(false),
        })
    }

    /// The unpacked layers of an image, the highest first, as trees below the directory of all layers.
    ///
    /// # Errors
    /// What stopped unpacking one.
    pub(crate) fn tree(&self, image: &StoredImage) -> Result<Tree<'_>, Error> {
        self.layers(image)?;
        let key = self.map_of_layers.key();
        let trees = image.layers.iter().rev().map(|layer| format!("{key}/{}/{TREE}", layer.diff_id.hex()));
        Tree::new(&self.unpacker, self.store.layers.path(), trees.collect())
    }

    /// Unpacks a layer, unless that is done already. Of its image, `done` bytes are unpacked. Returns what was made.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn layer(&self, layer: &StoredLayer, done: u64) -> Result<Summary, Error> {
        let _locked = self.lock(&layer.diff_id)?;
        if let Some(record) = self.store.layers.usable(&self.map_of_layers, &layer.diff_id)? {
            return Ok(record.summary());
        }
        let job = Job::Layer(expected(&layer.blob, Some(layer.diff_id)));
        match self.unpack(self.store.blobs.open(&layer.blob.digest)?, job, done, None)? {
            Some(tree) => self.finish(tree).map(|(_, summary)| summary),
            None => Err(Error::archive("a layer is not a tree")),
        }
    }

    /// Unpacks an archive that is one layer. If there may be an archive of an image in it, it is copied to the spool.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn archive(&self, blob: &Blob, spool: Option<File>) -> Result<Found, Error> {
        let expected = expected(blob, None);
        let job = if spool.is_some() { Job::LayerOrImage(expected) } else { Job::Layer(expected) };
        let tree = self.unpack(self.store.blobs.open(&blob.digest)?, job, 0, spool.as_ref())?;
        match (tree, spool) {
            (Some(tree), _) => self.place(tree).map(|(diff_id, summary)| Found::Layer(diff_id, summary)),
            (None, Some(spool)) => Ok(Found::Image(spool)),
            (None, None) => Err(Error::archive("a layer is not a tree")),
        }
    }

    /// Copies an archive of an image to the spool, without its compression.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn decompress(&self, archive: File) -> Result<File, Error> {
        let spool = spool::make(&self.store.tmp.path)?;
        match self.unpack(archive, Job::Image, 0, Some(&spool))? {
            None => Ok(spool),
            Some(tree) => {
                tree.unfinished.discard_after_error();
                Err(Error::archive("it is not the archive of an image"))
            }
        }
    }

    /// Gives a layer its name, unless another process has just made the same.
    fn place(&self, tree: Unpacked) -> Result<(Digest, Summary), Error> {
        let locked = self.lock(&tree.diff_id);
        let usable = locked.and_then(|locked| {
            self.store.layers.usable(&self.map_of_layers, &tree.diff_id).map(|record| (locked, record))
        });
        match usable {
            Ok((_locked, None)) => self.finish(tree),
            Ok((_, Some(_))) => {
                tree.unfinished.discard().map_err(Error::Launch)?;
                Ok((tree.diff_id, tree.summary))
            }
            Err(error) => {
                tree.unfinished.discard_after_error();
                Err(error)
            }
        }
    }

    fn lock(&self, diff_id: &Digest) -> Result<Lock, Error> {
        self.store
            .locks
            .making(&format!("{}-{}", self.map_of_layers.key(), diff_id.hex()), self.unpacker.signals)
    }

    /// Unpacks in a new directory; `None` if the archive is in the spool instead.
    fn unpack(
        &self,
        archive: File,
        job: Job,
        done: u64,
        spool: Option<&File>,
    ) -> Result<Option<Unpacked>, Error> {
        let unfinished = Unfinished::begin_in(&self.store.tmp.path, OsStr::new("layer-"))?;
        match self.unpack_in(&unfinished, archive, (job, done), spool) {
            Ok(Report::Tree(summary, Some(diff_id))) => Ok(Some(Unpacked { unfinished, summary, diff_id })),
            Ok(Report::Image) => unfinished.discard().map(|()| None).map_err(Error::Launch),
            Ok(Report::Tree(_, None)) => {
                unfinished.discard_after_error();
                Err(Error::archive("it has no digest"))
            }
            Err(error) => {
                unfinished.discard_after_error();
                Err(self.located(error))
            }
        }
    }

    fn unpack_in(
        &self,
        unfinished: &Unfinished,
        archive: File,
        (job, done): (Job, u64),
        spool: Option<&File>,
    ) -> Result<Report, Error> {
        let above = self.store.tmp.sub(unfinished.path.file_name().unwrap_or_default())?;
        let (tree, target) = make_tree(&above)?;
        let task = Task {
            target,
            max_size: self.max_size.saturating_sub(done),
            squashes: self.squashes,
            map: Some(self.process_map.text().to_owned()),
            job,
        };
        self.unpacker.run(&tree.path, &task, archive, spool)
    }

    /// An error of the process that unpacks, with the store's path if that is full.
    fn located(&self, error: Error) -> Error {
        match error.hint() {
            Some(Hint::Space(errno)) if matches!(error, Error::Reported { .. }) => Error::Store {
                doing: "unpacking into the image store",
                path: self.store.dir.path.clone(),
                errno: Errno::from_raw(errno),
            },
            _ => error,
        }
    }

    fn finish(&self, tree: Unpacked) -> Result<(Digest, Summary), Error> {
        let Unpacked { unfinished, summary, diff_id } = tree;
        let record = self.store.layers.record(diff_id, &self.map_of_layers, &summary);
        match self.store.layers.finish(&self.store.tmp, &unfinished, &self.map_of_layers, &record) {
            Ok(()) => Ok((diff_id, summary)),
            Err(error) => {
                unfinished.discard_after_error();
                Err(error)
            }
        }
    }
}

fn expected(blob: &Blob, diff_id: Option<Digest>) -> Expected {
    let Blob { digest, size } = *blob;
    Expected { blob: digest, size, diff_id, whiteouts: Whiteouts::Overlay, has_lower: false }
}

/// The type of the store's filesystem: proc_pid_fdinfo(5) and proc_pid_mountinfo(5).
fn filesystem(store: &Store) -> String {
    // Error ignored: the type is then not named.
    let read = |path: &Path| fs::read_to_string(path).ok().unwrap_or_default();
    let number = store.dir.fd.as_raw_fd();
    let fd_info = read(Path::new(&format!("/proc/self/fdinfo/{number}")));
    let mount = fd_info.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim).unwrap_or("");
    let mounts = read(Path::new("/proc/self/mountinfo"));
    let line = mounts.lines().find(|line| line.split(' ').next() == Some(mount));
    let kind = line.and_then(|line| line.split_once(" - ")?.1.split(' ').next());
    kind.unwrap_or("a filesystem").to_owned()
}
