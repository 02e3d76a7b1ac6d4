//! An image as the root: it can be used only with the maps for which it is unpacked.

use crate::error::Error;
use crate::images::id_map::MapText;
use crate::plan::id_plan::{IdPlan, Maps};
use subroot_idmap::IdKind;

/// Both maps, as the image store writes them.
pub(crate) fn map_text(maps: &Maps) -> MapText {
    let [uids, gids] = IdKind::BOTH.map(|kind| {
        let lines = maps.of(kind).lines().iter();
        lines.map(|line| [line.inside, line.outside, line.count]).collect::<Vec<_>>()
    });
    MapText::of_lines(&uids, &gids)
}

/// Keeps only the candidates that write these maps.
///
/// # Errors
/// There is none.
pub(crate) fn keep_only(ids: &mut IdPlan, map: &str) -> Result<(), Error> {
    ids.candidates.retain(|candidate| map_text(&candidate.maps).text() == map);
    match ids.candidates.is_empty() {
        true => Err(Error::Unmapped("the image is unpacked for other IDs than can be mapped now".into())),
        false => Ok(()),
    }
}
