//! The `subid:` line of `/etc/nsswitch.conf`, which names the source of grants: see nsswitch.conf(5) and
//! subuid(5).

/// The configuration of name services.
pub const NSSWITCH_FILE: &str = "/etc/nsswitch.conf";

/// The longest plugin name in bytes, as in shadow.
pub const MAX_PLUGIN: usize = 50;

const SUBID: &[u8] = b"subid:";

/// The plugin that a line names instead of the files: NAME in `libsubid_NAME.so`. `None` for any other line.
///
/// Only the first name counts, as in shadow.
pub fn plugin_of_line(line: &[u8]) -> Option<&[u8]> {
    let (key, names) = line.trim_ascii().split_at_checked(SUBID.len())?;
    if !key.eq_ignore_ascii_case(SUBID) {
        return None;
    }
    let name = names.split(u8::is_ascii_whitespace).find(|name| !name.is_empty())?;
    if name == b"files" || name.starts_with(b"#") { None } else { Some(name) }
}
