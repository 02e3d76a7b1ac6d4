//! What this host is called.

use crate::sys::Outcome;
use nix::sys::utsname::uname;

/// Its node name, as a part of a file name.
///
/// # Errors
/// Those of uname(2).
pub(crate) fn file_name_part() -> Outcome<String> {
    Ok(uname()?.nodename().to_string_lossy().replace('/', "-"))
}
