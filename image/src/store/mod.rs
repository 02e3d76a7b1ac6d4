//! The image store: an OCI image layout that other tools can read, and beside it the unpacked layers.

pub(crate) mod add;
pub(crate) mod blobs;
mod commit;
pub(crate) mod dir;
pub(crate) mod garbage;
pub(crate) mod holders;
pub(crate) mod image;
pub(crate) mod index;
pub(crate) mod layers;
pub(crate) mod locks;
pub(crate) mod reference;
mod run_files;
pub(crate) mod time;
pub(crate) mod unpacking;

use crate::error::Error;
use crate::signals::Signals;
use crate::store::blobs::Blobs;
use crate::store::dir::Dir;
use crate::store::index::Index;
use crate::store::layers::Layers;
use crate::store::locks::{Lock, Locks};
use crate::store::run_files::RunFiles;
use std::os::fd::AsFd as _;
use subroot::images::store::StoreDir;

pub(crate) const LAYOUT: &str = "oci-layout";
pub(crate) const LAYOUT_VERSION: &[u8] = br#"{"imageLayoutVersion": "1.0.0"}"#;

/// The caller's store, opened.
pub(crate) struct Store {
    pub(crate) dir: Dir,
    pub(crate) tmp: Dir,
    pub(crate) blobs: Blobs,
    pub(crate) layers: Layers,
    pub(crate) runs: RunFiles,
    pub(crate) locks: Locks,
}

impl Store {
    /// Opens the store, and creates it if it does not exist.
    ///
    /// # Errors
    /// It is not the caller's alone, or cannot be created.
    pub(crate) fn create() -> Result<Store, Error> {
        Store::of(&StoreDir::create().map_err(Error::Launch)?)
    }

    /// Opens the store; `None` if it does not exist.
    ///
    /// # Errors
    /// It is not the caller's alone, or cannot be opened.
    pub(crate) fn open() -> Result<Option<Store>, Error> {
        let opened = StoreDir::open().map_err(Error::Launch)?;
        opened.as_ref().map(Store::of).transpose()
    }

    fn of(opened: &StoreDir) -> Result<Store, Error> {
        let fd = opened.dir().as_fd().try_clone_to_owned();
        let path = opened.path().to_owned();
        let fd = fd.map_err(|error| Error::Open { path: path.clone(), error })?;
        // That descriptor is of O_PATH.
        let dir = Dir { fd, path: path.clone() }.sub(".").map(|dir| Dir { path, ..dir })?;
        let tmp = || dir.make("tmp");
        let store = Store {
            tmp: tmp()?,
            blobs: Blobs::new(dir.make("blobs")?.make("sha256")?, tmp()?),
            layers: Layers::new(dir.make("layers")?)?,
            runs: RunFiles::new(dir.make("run")?, tmp()?),
            locks: Locks::new(dir.make("locks")?),
            dir,
        };
        store.complete()
    }

    /// Writes the files of an empty layout, if they are missing.
    fn complete(self) -> Result<Store, Error> {
        if self.dir.open(LAYOUT)?.is_none() || Index::read(&self.dir)?.is_none() {
            let _locked = self.locks.index()?;
            if Index::read(&self.dir)?.is_none() {
                Index::empty().write(&self.dir, &self.tmp)?;
            }
            self.dir.replace(&self.tmp, LAYOUT, LAYOUT_VERSION)?;
        }
        Ok(self)
    }

    /// The images.
    ///
    /// # Errors
    /// The index cannot be read.
    pub(crate) fn index(&self) -> Result<Index, Error> {
        Index::read(&self.dir).map(|index| index.unwrap_or_else(Index::empty))
    }

    /// Changes the images, while no other process does.
    ///
    /// # Errors
    /// The index cannot be read or written, or an error of `change`, after which nothing is written.
    pub(crate) fn change_index<T>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _locked = self.locks.index()?;
        let mut index = self.index()?;
        let changed = change(&mut index)?;
        index.write(&self.dir, &self.tmp)?;
        Ok(changed)
    }

    /// Does something that depends on the names, while no other process changes them.
    ///
    /// # Errors
    /// The index cannot be read, or errors of `act`.
    pub(crate) fn with_index<T>(&self, act: impl FnOnce(&Index) -> Result<T, Error>) -> Result<T, Error> {
        let _locked = self.locks.index()?;
        act(&self.index()?)
    }

    /// Keeps what this process makes from being taken for garbage. Removes first what killed processes have left,
    /// if no other process works in the store.
    ///
    /// # Errors
    /// The lock cannot be taken, or a signal came meanwhile.
    pub(crate) fn begin(&self, signals: &Signals) -> Result<Lock, Error> {
        if let Some(alone) = self.locks.try_alone()? {
            self.remove_leftovers(&alone)?;
        }
        self.locks.shared(signals)
    }
}
