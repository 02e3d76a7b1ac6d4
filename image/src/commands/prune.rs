//! `subroot images prune`: removes images without a name, and everything that no image needs.

use crate::commands::rmi::collect;
use crate::error::Error;
use crate::output;
use crate::store::Store;

/// Prunes, and prints how much space that has freed.
///
/// # Errors
/// Something is being made in the store, or cannot be removed.
pub(crate) fn prune() -> Result<(), Error> {
    let Some(store) = Store::open()? else { return Ok(()) };
    let Some(alone) = store.locks.try_alone()? else {
        return Err(Error::Images {
            doing: "pruning",
            name: store.dir.path.display().to_string(),
            why: "another process is adding to the store or pruning it; try again when it has ended".into(),
            fix: None,
        });
    };
    // On a full disk, this frees what is needed to write the index.
    store.remove_leftovers(&alone)?;
    if store.index()?.entries.iter().any(|entry| entry.name.is_none()) {
        store.change_index(|index| {
            index.entries.retain(|entry| entry.name.is_some());
            Ok(())
        })?;
    }
    let freed = collect(&store, &alone)?;
    output::print(&format!("Total reclaimed space: {}\n", output::size(freed.bytes)))
}
