//! The unpacked layers: `layers/MAP/DIFFID/fs`, in overlayfs's form, each with a `layer.json` beside it.

use crate::apply::applier::Summary;
use crate::digest::Digest;
use crate::error::Error;
use crate::store::dir::Dir;
use crate::store::image::StoredLayer;
use crate::store::time;
use crate::target::Unfinished;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, renameat};
use nix::sys::stat::{Mode, fstat, fstatat, mkdirat};
use nix::unistd::syncfs;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use subroot::images::boot;
use subroot::images::id_map::MapText;

/// The file beside a layer.
const RECORD: &str = "layer.json";
/// The layer itself.
pub(crate) const TREE: &str = "fs";
const VERSION: u64 = 1;
const MOST_RECORD: u64 = 1 << 20;
/// Twice the time after which the kernel writes what was changed, in seconds: dirty_expire_centisecs in sysctl/vm.
const WRITEBACK: i64 = 60;

/// The directory `layers`.
pub(crate) struct Layers {
    dir: Dir,
    boot_id: String,
}

/// What is known of an unpacked layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) diff_id: Digest,
    /// The boot of the kernel that unpacked it.
    pub(crate) boot_id: String,
    /// True if all of it is on the disk.
    pub(crate) is_synced: bool,
    pub(crate) map: String,
    /// The size of its files.
    pub(crate) bytes: u64,
    /// Their number.
    entries: u64,
}

impl Layers {
    /// # Errors
    /// The kernel's boot ID cannot be read.
    pub(crate) fn new(dir: Dir) -> Result<Layers, Error> {
        boot::id().map(|boot_id| Layers { dir, boot_id }).map_err(Error::Launch)
    }

    /// The path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.dir.path
    }

    /// The boot in which these layers are to be used, if not all of them are on the disk.
    ///
    /// # Errors
    /// One cannot be examined.
    pub(crate) fn needed_boot(&self, map: &MapText, layers: &[StoredLayer]) -> Result<Option<String>, Error> {
        let records = layers.iter().map(|layer| self.usable(map, &layer.diff_id));
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let are_synced = records.iter().all(|record| record.as_ref().is_some_and(|record| record.is_synced));
        Ok((!are_synced).then(|| self.boot_id.clone()))
    }

    /// Records of the layers of this boot that they are on the disk, once the kernel has had the time to write them
    /// there. Waiting for it sooner would make imports slow.
    ///
    /// # Errors
    /// A record cannot be read or written; errors of syncfs(2).
    pub(crate) fn record_synced(&self, tmp: &Dir) -> Result<(), Error> {
        let mut written = Vec::new();
        for (above, name) in self.all()? {
            let layer = above.sub(&name)?;
            let record =
                read_record(&layer)?.filter(|record| !record.is_synced && record.boot_id == self.boot_id);
            if let Some(record) = record.filter(|_| is_old(&layer)) {
                written.push((layer, record));
            }
        }
        if !written.is_empty() {
            syncfs(&self.dir.fd).map_err(self.dir.failed("writing", ""))?;
        }
        written.iter().try_for_each(|(layer, record)| {
            let record = Record { is_synced: true, ..record.clone() };
            layer.replace(tmp, RECORD, record.to_json().to_string().as_bytes())
        })
    }

    /// What is known of a layer that may be used; `None` if it is not there, or was never synced and is of
    /// another boot, so that a crash may have emptied its files.
    ///
    /// # Errors
    /// It cannot be examined.
    pub(crate) fn usable(&self, map: &MapText, diff_id: &Digest) -> Result<Option<Record>, Error> {
        let Some(above) = self.dir.sub_if_any(map.key())? else { return Ok(None) };
        let Some(layer) = above.sub_if_any(diff_id.hex())? else { return Ok(None) };
        let Some(record) = read_record(&layer)? else { return Ok(None) };
        if record.map != map.text() {
            return Err(layer.damaged(RECORD, "it is of other ID maps"));
        }
        let is_complete = record.diff_id == *diff_id && layer.has_dir(TREE)?;
        Ok(Some(record).filter(|record| is_complete && (record.is_synced || record.boot_id == self.boot_id)))
    }

    /// Gives a complete layer its name. One that may not be used any more is first moved to `tmp`.
    ///
    /// # Errors
    /// It cannot be written or renamed.
    pub(crate) fn finish(
        &self,
        tmp: &Dir,
        unfinished: &Unfinished,
        map: &MapText,
        record: &Record,
    ) -> Result<(), Error> {
        let name = unfinished.path.file_name().unwrap_or_default();
        let layer = tmp.sub(name)?;
        layer.replace(tmp, RECORD, record.to_json().to_string().as_bytes())?;
        let above = self.dir.make(map.key())?;
        let place = OsString::from(record.diff_id.hex());
        let place = place.as_os_str();
        if above.sub_if_any(place)?.is_some() {
            let Some((moved, _)) = self.discard(tmp, &above, place)? else {
                let (path, why) = (above.path.join(place), "a sandbox uses a damaged layer".into());
                return Err(Error::Target { doing: "replacing", path, why });
            };
            subroot::trees::remove(moved).map_err(Error::Launch)?;
        }
        renameat(&tmp.fd, name, &above.fd, place).map_err(above.failed("writing", place))
    }

    /// The record of a layer that this process makes.
    pub(crate) fn record(&self, diff_id: Digest, map: &MapText, summary: &Summary) -> Record {
        let (map, boot_id) = (map.text().to_owned(), self.boot_id.clone());
        let Summary { bytes, entries, .. } = *summary;
        Record { diff_id, boot_id, is_synced: false, map, bytes, entries }
    }

    /// Every layer, with the key of its map.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub(crate) fn all(&self) -> Result<Vec<(Rc<Dir>, OsString)>, Error> {
        let mut all = Vec::new();
        for map in self.dir.names()? {
            let above = Rc::new(self.dir.sub(&map)?);
            all.extend(above.names()?.into_iter().map(|name| (Rc::clone(&above), name)));
        }
        Ok(all)
    }

    /// The directories of a layer, for all maps.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub(crate) fn of(&self, diff_id: &Digest) -> Result<Vec<Dir>, Error> {
        let found = self.dir.names()?.into_iter().map(|map| self.dir.sub(map)?.sub_if_any(diff_id.hex()));
        found.filter_map(Result::transpose).collect()
    }

    /// Moves a layer to `tmp`, and returns its path there and the size of its files; `None` if a sandbox uses it.
    ///
    /// # Errors
    /// It cannot be locked or moved.
    pub(crate) fn discard(
        &self,
        tmp: &Dir,
        above: &Dir,
        name: &OsStr,
    ) -> Result<Option<(PathBuf, u64)>, Error> {
        let layer = above.sub(name)?;
        let bytes = read_record(&layer)?.map_or(0, |record| record.bytes);
        let Some(_locked) = lock(layer)? else { return Ok(None) };
        let map = above.path.file_name().unwrap_or_default();
        let process = OsString::from(format!("unneeded-{}-", std::process::id()));
        let moved: OsString = [&process, map, OsStr::new("-"), name].into_iter().collect();
        renameat(&above.fd, name, &tmp.fd, moved.as_os_str()).map_err(above.failed("removing", name))?;
        Ok(Some((tmp.path.join(moved), bytes)))
    }
}

/// Makes the directory of the layer itself in a new directory. Returns also its device and inode.
///
/// # Errors
/// Errors of mkdirat(2).
pub(crate) fn make_tree(unfinished: &Dir) -> Result<(Dir, (u64, u64)), Error> {
    mkdirat(&unfinished.fd, TREE, Mode::S_IRWXU).map_err(unfinished.failed("making", TREE))?;
    let tree = unfinished.sub(TREE)?;
    let found = fstat(&tree.fd).map_err(unfinished.failed("examining", TREE))?;
    Ok((tree, (found.st_dev, found.st_ino)))
}

/// Locks the directory of a layer; `None` if a sandbox uses it.
///
/// # Errors
/// It cannot be locked.
pub(crate) fn lock(layer: Dir) -> Result<Option<Flock<OwnedFd>>, Error> {
    let Dir { fd, path } = layer;
    match Flock::lock(fd, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => Ok(Some(locked)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(Error::Store { doing: "locking", path, errno }),
    }
}

/// True if the layer was unpacked so long ago that the kernel has written most of it.
fn is_old(layer: &Dir) -> bool {
    // Error ignored: it is examined again the next time.
    let Ok(found) = fstatat(&layer.fd, RECORD, AtFlags::AT_SYMLINK_NOFOLLOW) else { return false };
    time::now().saturating_sub(found.st_mtime) > WRITEBACK
}

/// Reads the record of a layer; `None` if it has none of this version.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_record(layer: &Dir) -> Result<Option<Record>, Error> {
    let Some(content) = layer.read(RECORD, MOST_RECORD)? else { return Ok(None) };
    // Error ignored: the layer is then unpacked again.
    Ok(serde_json::from_slice(&content).ok().and_then(|value| Record::from_json(&value)))
}

impl Record {
    /// What was made when the layer was unpacked.
    pub(crate) fn summary(&self) -> Summary {
        Summary { bytes: self.bytes, entries: self.entries, ..Summary::default() }
    }

    fn to_json(&self) -> Value {
        json!({
            "version": VERSION,
            "diff_id": self.diff_id.hex(),
            "boot_id": self.boot_id,
            "synced": self.is_synced,
            "map": self.map,
            "bytes": self.bytes,
            "entries": self.entries,
        })
    }

    fn from_json(value: &Value) -> Option<Record> {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        if value["version"].as_u64() != Some(VERSION) {
            return None;
        }
        Some(Record {
            diff_id: Digest::from_hex(value["diff_id"].as_str()?)?,
            boot_id: text("boot_id")?,
            is_synced: value["synced"].as_bool()?,
            map: text("map")?,
            bytes: value["bytes"].as_u64().unwrap_or(0),
            entries: value["entries"].as_u64().unwrap_or(0),
        })
    }
}
