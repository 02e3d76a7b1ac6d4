//! The documents that packages install below /usr/share/doc: Markdown whose links work there, an HTML book,
//! and examples. `packaging/build docs` builds them.

mod book;
mod chapters;
mod check;
mod html;
mod layout;
mod links;
mod manual;
mod markdown;
mod search;
mod template;

pub use check::dead_links;

use anyhow::{Result, ensure};
use layout::Layout;
use std::fs;
use std::path::Path;

/// Builds a directory of documents for each package, below `output`.
///
/// # Errors
/// A file cannot be read or written, the guide's index does not list a page, or a link is dead.
pub fn build(workspace: &Path, output: &Path) -> Result<()> {
    if output.exists() {
        fs::remove_dir_all(output)?;
    }
    for layout in Layout::all(workspace)? {
        let dir = output.join(layout.package);
        layout.install(&dir)?;
        if layout.has_book() {
            book::write(&layout, &dir.join(layout::BOOK))?;
        }
        let dead = dead_links(&dir)?;
        ensure!(dead.is_empty(), "dead links in the documents of {}:\n{}", layout.package, dead.join("\n"));
    }
    Ok(())
}
