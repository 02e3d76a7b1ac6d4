//! `subroot images`: lists the images of the store.

use crate::error::Error;
use crate::output;
use crate::store::Store;
use crate::store::image::StoredImage;
use crate::store::index::Entry;
use crate::store::layers::read_record;
use crate::store::reference::familiar;
use crate::store::time;
use serde_json::{Value, json};
use std::collections::HashSet;

/// How many digits of an ID are shown.
pub(crate) const SHORT_ID: usize = 12;
const HEADER: [&str; 5] = ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"];

/// How to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// True to list also images without a name.
    pub(crate) all: bool,
    pub(crate) json: bool,
    /// True to list only IDs.
    pub(crate) ids: bool,
}

/// An image of the list.
struct Row {
    entry: Entry,
    image: StoredImage,
    /// The size of the unpacked layers, for all maps.
    unpacked: u64,
}

/// Prints the list. Returns false if an image could not be read, which was then named.
///
/// # Errors
/// The store cannot be read, or standard output cannot be written.
pub(crate) fn list(listing: Listing) -> Result<bool, Error> {
    let mut rows = Vec::new();
    let mut is_complete = true;
    if let Some(store) = Store::open()? {
        for entry in store.index()?.entries.into_iter().filter(|entry| listing.all || entry.name.is_some()) {
            match row(&store, entry) {
                Ok(row) => rows.push(row),
                Err(error) => {
                    output::line(&error.to_string());
                    is_complete = false;
                }
            }
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(created(&row.image)));
    output::print(&text(listing, &rows))?;
    Ok(is_complete)
}

fn text(listing: Listing, rows: &[Row]) -> String {
    if listing.json {
        return format!("{:#}\n", Value::from(rows.iter().map(to_json).collect::<Vec<_>>()));
    }
    if listing.ids {
        let mut seen = HashSet::new();
        let ids = rows.iter().map(|row| short_id(&row.image)).filter(|id| seen.insert(id.clone()));
        return ids.map(|id| id + "\n").collect();
    }
    let header = HEADER.map(str::to_owned);
    table(&[header].into_iter().chain(rows.iter().map(columns)).collect::<Vec<_>>())
}

fn row(store: &Store, entry: Entry) -> Result<Row, Error> {
    let image = StoredImage::read(&store.blobs, &entry)?;
    let mut unpacked = 0_u64;
    for layer in &image.layers {
        for dir in store.layers.of(&layer.diff_id)? {
            unpacked = unpacked.saturating_add(read_record(&dir)?.map_or(0, |record| record.bytes));
        }
    }
    Ok(Row { entry, image, unpacked })
}

fn created(image: &StoredImage) -> Option<i64> {
    time::parse(image.document["created"].as_str()?)
}

/// The ID as it is shown.
pub(crate) fn short_id(image: &StoredImage) -> String {
    image.id().chars().take(SHORT_ID).collect()
}

fn columns(row: &Row) -> [String; 5] {
    let name = familiar(&row.entry).unwrap_or_default();
    let tag = row.entry.name.as_deref().map_or("<none>", tag);
    let repository = name.strip_suffix(tag).and_then(|name| name.strip_suffix([':', '@'])).unwrap_or(&name);
    let repository = if repository.is_empty() { "<none>" } else { repository };
    let age = created(&row.image).map_or_else(|| "N/A".into(), |created| time::ago(time::now() - created));
    let size = output::size(row.image.size().saturating_add(row.unpacked));
    [repository.to_owned(), tag.to_owned(), short_id(&row.image), age, size]
}

/// What follows the repository in a canonical name.
fn tag(name: &str) -> &str {
    match name.split_once('@') {
        Some((_, digest)) => digest,
        None => name.rsplit_once(':').map_or("<none>", |(_, tag)| tag),
    }
}

fn to_json(row: &Row) -> Value {
    json!({
        "name": row.entry.name,
        "id": row.image.id(),
        "digest": row.image.manifest.digest.to_string(),
        "created": row.image.document["created"],
        "size": row.image.size(),
        "unpacked": row.unpacked,
    })
}

/// Columns that are as wide as their widest text, with two spaces between them.
fn table(rows: &[[String; 5]]) -> String {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|text| text.chars().count()).max();
    let mut text = String::new();
    for row in rows {
        let columns = (0..).zip(row).map(|(at, column)| format!("{column:<0$}", width(at).unwrap_or(0)));
        text += columns.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}
