//! `subroot rmi`: removes names of images, and then what no image needs.

use crate::commands::images::short_id;
use crate::error::Error;
use crate::output;
use crate::store::Store;
use crate::store::garbage::{Freed, Needed};
use crate::store::holders;
use crate::store::image::StoredImage;
use crate::store::index::{Entry, Index};
use crate::store::layers::lock;
use crate::store::locks::Exclusive;
use crate::store::reference::{Found, by_name, familiar};
use std::ffi::OsString;

/// Removes each image. All are checked before anything is removed.
///
/// # Errors
/// One does not exist, is used by a sandbox, or cannot be removed.
pub(crate) fn remove(names: &[OsString]) -> Result<(), Error> {
    let Some(store) = Store::open()? else {
        let name = names.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return Err(refused(name, "there is no image store yet".into()));
    };
    let removed = store.change_index(|index| {
        let entries = names.iter().map(|name| choose(&store, index, name)).collect::<Result<Vec<_>, _>>()?;
        refuse_used(&store, index, &entries)?;
        entries.iter().try_for_each(|entry| drop_entry(&store, index, entry))?;
        Ok(entries)
    })?;
    let untagged: String =
        removed.iter().filter_map(familiar).map(|name| format!("Untagged: {name}\n")).collect();
    output::print(&untagged)?;
    match store.locks.try_alone()? {
        Some(alone) => {
            collect(&store, &alone)?;
        }
        None => output::line(
            "another process is adding to the store: subroot images prune frees the space when it has ended",
        ),
    }
    Ok(())
}

/// The entry that a word names. An ID must be that of an image with at most one name.
fn choose(store: &Store, index: &Index, typed: &OsString) -> Result<Entry, Error> {
    // A damaged image can be removed.
    if let Some(entry) = by_name(index, typed) {
        return Ok(entry.clone());
    }
    let Found { entries, image } = store.find("removing", index, typed)?;
    match entries.as_slice() {
        [only] => Ok(only.clone()),
        several => {
            let names: Vec<String> = several.iter().filter_map(familiar).collect();
            let why = format!("it has several names, remove them one by one: {}", names.join(", "));
            Err(refused(short_id(&image), why))
        }
    }
}

/// Refuses to remove layers that a sandbox uses.
fn refuse_used(store: &Store, index: &Index, removed: &[Entry]) -> Result<(), Error> {
    let is_removed = |entry: &Entry| removed.iter().any(|removed| removed.is_same(entry));
    let mut left = Index::empty();
    left.entries = index.entries.iter().filter(|entry| !is_removed(entry)).cloned().collect();
    // Of a damaged image, the garbage collection skips what is used.
    let Ok(needed) = Needed::by(store, &left) else { return Ok(()) };
    for entry in removed {
        // Error ignored: as above.
        let Ok(image) = StoredImage::read(&store.blobs, entry) else { continue };
        for layer in image.layers.iter().filter(|layer| !needed.layers.contains(&layer.diff_id.hex())) {
            for dir in store.layers.of(&layer.diff_id)? {
                let users = holders::of(&dir);
                if lock(dir)?.is_none() {
                    let name = familiar(entry).unwrap_or_else(|| short_id(&image));
                    return Err(refused(name, format!("{} uses it", holders::shown(&users))));
                }
            }
        }
    }
    Ok(())
}

fn drop_entry(store: &Store, index: &mut Index, entry: &Entry) -> Result<(), Error> {
    if let Some(name) = &entry.name {
        // The launcher reads these, and finds them missing before the image is.
        store.runs.remove(name)?;
    }
    index.entries.retain(|other| !other.is_same(entry));
    Ok(())
}

/// Collects garbage, and says what remains because a sandbox uses it.
///
/// # Errors
/// Errors of [`Store::collect`].
pub(crate) fn collect(store: &Store, alone: &Exclusive) -> Result<Freed, Error> {
    let freed = store.collect(alone)?;
    let layers = match freed.used {
        0 => return Ok(freed),
        1 => "1 layer is".into(),
        count => format!("{count} layers are"),
    };
    output::line(&format!(
        "{layers} still used by a sandbox: subroot images prune frees the space when it has ended"
    ));
    Ok(freed)
}

fn refused(name: String, why: String) -> Error {
    Error::Images { doing: "removing", name, why, fix: None }
}
