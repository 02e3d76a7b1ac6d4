//! The process that examines where the store is: which IDs are mapped, and whether the filesystem keeps owners and
//! attributes. Users of NFS and FUSE would otherwise learn it from an error in the middle of a layer.

use crate::apply::owners::ranges;
use crate::error::Error;
use crate::sys;
use crate::unpack::own_maps;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchown, unlink};
use serde_json::{Value, json};
use std::io::{self, Write as _};
use subroot::images::id_map::MapText;

/// A file in the working directory, which is empty.
const FILE: &str = "probe";

/// What was found.
pub(crate) struct Probed {
    /// The IDs that processes have which unpack.
    pub(crate) map: MapText,
    /// What the filesystem cannot keep.
    pub(crate) lacks: Option<(String, Errno)>,
}

/// Examines the working directory, and writes the report to standard output. Returns true if it succeeded.
pub(crate) fn run() -> bool {
    let report = match own_maps() {
        Ok(maps) => match keeps_all(&maps) {
            Ok(()) => json!({"maps": maps}),
            Err((lacks, errno)) => json!({"maps": maps, "lacks": lacks, "errno": errno as i32}),
        },
        Err(error) => json!({"error": error.to_string()}),
    };
    // An error means that the process that would read it has ended.
    writeln!(io::stdout(), "{report}").is_ok()
}

fn keeps_all(maps: &[String; 2]) -> Result<(), (&'static str, Errno)> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let file = open(FILE, flags, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|errno| ("files", errno))?;
    let [uid, gid] = maps.each_ref().map(|map| last_id(map));
    let owned = fchown(&file, uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    let kept = sys::set_attribute(&file, c"user.overlay.opaque", b"y");
    unlink(FILE).map_err(|errno| ("files", errno))?;
    owned.map_err(|errno| ("owners", errno)).and(kept.map_err(|errno| ("attributes", errno)))
}

/// The last ID that is mapped.
fn last_id(map: &str) -> Option<u32> {
    let end = ranges(map).iter().map(|range| range.end).max()?;
    u32::try_from(end.checked_sub(1)?).ok()
}

/// The report of [`run`], as it was read from the pipe; `None` if the process ended without one.
pub(crate) fn read_report(text: &str) -> Option<Result<Probed, Error>> {
    // Error ignored: the text is then not a report.
    let report: Value = serde_json::from_str(text.lines().last()?).ok()?;
    if let Some(why) = report["error"].as_str() {
        return Some(Err(Error::Reported { why: why.to_owned(), hint: None }));
    }
    // Error ignored: as above.
    let errno = report["errno"].as_i64().and_then(|errno| i32::try_from(errno).ok());
    let lacks = report["lacks"].as_str().zip(errno);
    let lacks = lacks.map(|(what, errno)| (what.to_owned(), Errno::from_raw(errno)));
    let map = MapText::of_files(report["maps"][0].as_str()?, report["maps"][1].as_str()?)?;
    Some(Ok(Probed { map, lacks }))
}
