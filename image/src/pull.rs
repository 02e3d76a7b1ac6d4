//! Copies the layers of a registry's image into the store, several at a time, and unpacks each while the next ones
//! are downloaded.

use crate::error::Error;
use crate::import::Imported;
use crate::output;
use crate::progress::Download;
use crate::registry::blob::BlobReader;
use crate::registry::client::Repository;
use crate::registry::refusal::Refusal;
use crate::signals::Signals;
use crate::source::image::Image;
use crate::store::Store;
use crate::store::add::Name;
use crate::store::blobs::Blob;
use crate::store::image::StoredLayer;
use crate::store::unpacking::Unpacking;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How many layers are downloaded at a time.
const CONNECTIONS: usize = 3;
/// How often signals are looked for.
const INTERVAL: Duration = Duration::from_millis(50);

/// An image whose documents were downloaded.
pub(crate) struct Pull<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) image: &'a Image,
    pub(crate) is_quiet: bool,
}

/// A layer that is downloaded, or was there.
type Done = Result<Blob, Error>;

impl Pull<'_> {
    /// Adds the image to the store.
    ///
    /// # Errors
    /// What stopped it. The name is unchanged then.
    pub(crate) fn add_to(&self, unpacking: &Unpacking<'_>, name: Name<'_>) -> Result<Imported, Error> {
        let downloads = Downloads {
            pull: self,
            store: unpacking.store,
            signals: unpacking.unpacker.signals,
            blobs: self.blobs(),
            next: AtomicUsize::new(0),
        };
        let (sender, done) = channel();
        thread::scope(|scope| {
            // Dropped before the threads are waited for.
            let _ending = Ending(self.repository);
            for _ in 0..CONNECTIONS.min(downloads.blobs.len()) {
                let (downloads, sender) = (&downloads, sender.clone());
                scope.spawn(move || downloads.run(&sender));
            }
            drop(sender);
            self.unpack(unpacking, &done)
        })?;
        unpacking.add_image(self.image, name)
    }

    /// The blobs of all layers, each once.
    fn blobs(&self) -> Vec<Blob> {
        let mut seen = HashSet::new();
        let layers = self.image.layers.iter().filter(|layer| seen.insert(layer.blob));
        layers.map(Blob::of).collect()
    }

    /// Unpacks the layers in their order, each as soon as its blob is there.
    fn unpack(&self, unpacking: &Unpacking<'_>, done: &Receiver<Done>) -> Result<(), Error> {
        let (mut present, mut bytes) = (HashSet::new(), 0);
        for layer in &self.image.layers {
            while !present.contains(&layer.blob) {
                present.insert(self.next(unpacking, done)?.digest);
            }
            let stored = StoredLayer { blob: Blob::of(layer), diff_id: layer.diff_id };
            let summary = unpacking.layer(&stored, bytes)?;
            bytes = summary.bytes.saturating_add(bytes);
        }
        Ok(())
    }

    /// Waits for the next blob.
    fn next(&self, unpacking: &Unpacking<'_>, done: &Receiver<Done>) -> Done {
        loop {
            match done.recv_timeout(INTERVAL) {
                Ok(downloaded) => return downloaded,
                Err(RecvTimeoutError::Timeout) => unpacking.unpacker.signals.pause(0)?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.repository.failed(Refusal::new("a download has ended early")));
                }
            }
        }
    }
}

/// What the threads share that download.
struct Downloads<'a> {
    pull: &'a Pull<'a>,
    store: &'a Store,
    signals: &'a Signals,
    blobs: Vec<Blob>,
    /// The index of the blob that comes next.
    next: AtomicUsize,
}

impl Downloads<'_> {
    /// Downloads blobs until none is left, or one fails.
    fn run(&self, done: &Sender<Done>) {
        while let Some((at, blob)) = self.next() {
            let downloaded = self.blob(blob, &format!("layer {} of {}", at + 1, self.blobs.len()));
            let has_failed = downloaded.is_err();
            // Error ignored: the main thread has stopped, and so does this one.
            let is_wanted = done.send(downloaded.map(|()| blob.clone())).is_ok();
            if has_failed || !is_wanted {
                return;
            }
        }
    }

    fn next(&self) -> Option<(usize, &Blob)> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        self.blobs.get(at).map(|blob| (at, blob))
    }

    fn blob(&self, blob: &Blob, label: &str) -> Result<(), Error> {
        let (repository, blobs) = (self.pull.repository, &self.store.blobs);
        let _locked = self.store.locks.making(&blob.digest.hex(), self.signals)?;
        if blobs.size(&blob.digest)? == Some(blob.size) {
            return Ok(());
        }
        let download = Download::new(label, blob.size, self.pull.is_quiet);
        let mut content = BlobReader::new(repository, blob);
        let added = blobs.add(download.counting(&mut content), Some(blob), &|| self.check());
        added.map(|_| download.finish(blob)).map_err(|error| match (content.failure(), error) {
            (Some(failure), _) => failure,
            (None, Error::Archive { why }) => repository.failed(Refusal::new(why)),
            (None, other) => other,
        })
    }

    fn check(&self) -> Result<(), Error> {
        if self.pull.repository.http.is_cancelled() {
            return Err(self.pull.repository.failed(Refusal::new("interrupted")));
        }
        Ok(())
    }
}

/// Ends what is still being downloaded.
struct Ending<'a>(&'a Repository);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.http.cancel();
    }
}

/// Prints what was pulled.
pub(crate) fn summary(canonical: &str, familiar: &str, imported: &Imported) {
    let layers = output::counted(imported.layers.unwrap_or(0) as u64, "layer", "layers");
    let size = output::size(imported.summary.bytes);
    output::line(&format!("pulled {canonical}: {layers}, {size}{}", output::run_with(familiar, imported)));
}
