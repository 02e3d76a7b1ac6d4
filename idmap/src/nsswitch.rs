//! The `subid:` line of `/etc/nsswitch.conf`, which says who keeps the grants: see nsswitch.conf(5) and subuid(5).

/// Where name services are configured.
pub const NSSWITCH_FILE: &str = "/etc/nsswitch.conf";

/// The longest name that a plugin can have, in bytes, as in shadow.
pub const MAX_PLUGIN: usize = 50;

const SUBID: &[u8] = b"subid:";

/// The plugin that a line names in place of the files, by its NAME in `libsubid_NAME.so`; `None` for any other line.
///
/// Only the first word counts, as in shadow.
pub fn plugin_of_line(line: &[u8]) -> Option<&[u8]> {
    let (key, names) = line.trim_ascii().split_at_checked(SUBID.len())?;
    if !key.eq_ignore_ascii_case(SUBID) {
        return None;
    }
    let name = names.split(u8::is_ascii_whitespace).find(|name| !name.is_empty())?;
    if name == b"files" || name.starts_with(b"#") { None } else { Some(name) }
}
