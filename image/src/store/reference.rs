//! Finds an image of the store by what a user types: its name, or the beginning of its ID.

use crate::error::Error;
use crate::store::Store;
use crate::store::image::StoredImage;
use crate::store::index::{Entry, Index};
use std::ffi::OsStr;
use subroot::images::index::nearest;
use subroot::images::name::ImageName;

/// How many digits of an ID are enough.
const SHORTEST: usize = 3;

/// An image, and how it was named.
pub(crate) struct Found {
    /// Every entry of the image if it was found by its ID, else that of the name.
    pub(crate) entries: Vec<Entry>,
    pub(crate) image: StoredImage,
}

impl Store {
    /// Finds an image. A name takes precedence.
    ///
    /// # Errors
    /// There is none, several have an ID that begins so, or it is damaged.
    pub(crate) fn find(&self, doing: &'static str, index: &Index, typed: &OsStr) -> Result<Found, Error> {
        let failed =
            |why: String, fix| Error::Images { doing, name: typed.to_string_lossy().into_owned(), why, fix };
        let missing = |what: &str| {
            let near = near(index, typed).map(|near| format!(" (there is {near})")).unwrap_or_default();
            format!("the store has no image of this {what}{near}")
        };
        if let Some(entry) = by_name(index, typed) {
            let image = StoredImage::read(&self.blobs, entry)?;
            return Ok(Found { entries: vec![entry.clone()], image });
        }
        let Some(digits) = digits(typed) else {
            return Err(failed(missing("name"), Some("subroot images".into())));
        };
        let mut found: Option<Found> = None;
        for entry in &index.entries {
            // Error ignored: a damaged image can be removed by its name.
            let Ok(image) = StoredImage::read(&self.blobs, entry) else { continue };
            if !image.id().starts_with(digits) {
                continue;
            }
            match &mut found {
                Some(found) if found.image.manifest == image.manifest => found.entries.push(entry.clone()),
                Some(_) => return Err(failed("several images have an ID that begins so".into(), None)),
                None => found = Some(Found { entries: vec![entry.clone()], image }),
            }
        }
        found.ok_or_else(|| failed(missing("name or ID"), Some("subroot images".into())))
    }
}

/// The entry of a name.
pub(crate) fn by_name<'a>(index: &'a Index, typed: &OsStr) -> Option<&'a Entry> {
    // Error ignored: it may be an ID.
    let name = ImageName::parse(typed).ok()?;
    index.named(name.canonical())
}

/// The most similar name of an image.
fn near(index: &Index, typed: &OsStr) -> Option<String> {
    // Error ignored: nothing is similar to what is not a name.
    let wanted = ImageName::parse(typed).ok()?;
    nearest(index.entries.iter().filter_map(|entry| entry.name.as_deref()), &wanted)
}

/// The digits of an ID, with or without `sha256:`.
fn digits(typed: &OsStr) -> Option<&str> {
    let typed = typed.to_str()?;
    let digits = typed.strip_prefix("sha256:").unwrap_or(typed);
    let is_id = digits.len() >= SHORTEST && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(digits)
}

/// The name of an entry as users write it.
pub(crate) fn familiar(entry: &Entry) -> Option<String> {
    let name = entry.name.as_deref()?;
    // Error ignored: another program has written it, and it is shown unchanged.
    let parsed = ImageName::parse(name.as_ref()).ok();
    Some(parsed.map_or_else(|| name.to_owned(), |name| name.familiar().to_owned()))
}
