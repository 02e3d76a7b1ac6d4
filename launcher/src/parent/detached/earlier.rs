//! The record of an earlier sandbox with the name of one that starts. It is set aside, and removed once the new
//! command runs, so that a start that fails loses nothing.

use crate::error::Error;
use crate::parent::detached::store::{JobDir, Store, making};
use crate::parent::registry::Name;
use crate::sys::Outcome;
use nix::errno::Errno;
use std::sync::Arc;

/// A record that was set aside.
pub(crate) struct Earlier {
    store: Arc<Store>,
    name: String,
}

impl Earlier {
    /// Sets the record with this name aside, which no running sandbox has. `None` if there is none.
    ///
    /// # Errors
    /// Only `subroot rm` may remove the record, or it cannot be read or renamed.
    pub(crate) fn set_aside(store: &Arc<Store>, name: &str) -> Result<Option<Earlier>, Error> {
        settle(store, name)?;
        let Some(job) = store.job(name)? else { return Ok(None) };
        let failed = |errno| making(&job.path, errno);
        if !has_started(&job)? {
            return store.remove(name, &job).map(|()| None).map_err(failed);
        }
        if job.read()?.is_kept() {
            return Err(Error::RecordKept { name: name.to_owned() });
        }
        store.rename(name, &aside(name)).map_err(failed)?;
        Ok(Some(Earlier { store: Arc::clone(store), name: name.to_owned() }))
    }

    /// Removes the record.
    pub(crate) fn remove(self) {
        let aside = aside(&self.name);
        // Error ignored: a later start removes it.
        let Ok(Some(job)) = self.store.job(&aside) else { return };
        if let Err(errno) = self.store.remove(&aside, &job) {
            // Error ignored: a later start removes it.
            log::debug!("{}", making(&job.path, errno));
        }
    }
}

/// Gives a record that was set aside its name again, if there is one.
///
/// # Errors
/// Errors of rename(2).
pub(crate) fn restore(store: &Store, name: &str) -> Outcome<()> {
    match store.rename(&aside(name), name) {
        Err(Errno::ENOENT) => Ok(()),
        renamed => renamed,
    }
}

/// Does what supervisors that were killed have not done: restores or removes the records that they set aside.
pub(crate) fn settle_all(store: &Store, own: &str) {
    // Error ignored: the next start does it.
    let hidden = store.hidden_names().ok().unwrap_or_default();
    for name in hidden.iter().filter_map(|name| name.strip_prefix('.')).filter(|name| *name != own) {
        // A supervisor that is starting has the name.
        let settled = Name::take(name).and_then(|_reserved| settle(store, name));
        if let Err(error) = settled {
            // Error ignored: the next start does it.
            log::debug!("{error}");
        }
    }
}

/// The caller has the name.
fn settle(store: &Store, name: &str) -> Result<(), Error> {
    let aside = aside(name);
    let Some(earlier) = store.job(&aside)? else { return Ok(()) };
    let failed = |errno| making(&earlier.path, errno);
    match store.job(name)? {
        Some(job) if has_started(&job)? => return store.remove(&aside, &earlier).map_err(failed),
        Some(job) => store.remove(name, &job).map_err(failed)?,
        None => {}
    }
    restore(store, name).map_err(failed)
}

/// False for the record of a supervisor that was killed at its start.
fn has_started(job: &JobDir) -> Result<bool, Error> {
    match job.record() {
        Err(Errno::ENOENT) => Ok(false),
        _ => job.read().map(|record| record.has_started()),
    }
}

/// No sandbox has a name that begins with a dot.
fn aside(name: &str) -> String {
    format!(".{name}")
}
