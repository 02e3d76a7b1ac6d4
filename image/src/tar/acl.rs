//! Access control lists: converts the text in an archive to the value of the attribute in which the kernel keeps
//! a list.

use crate::tar::pax::decimal;

/// POSIX_ACL_XATTR_VERSION in linux/posix_acl_xattr.h.
const VERSION: u32 = 2;
/// The ID of an entry that names nobody: ACL_UNDEFINED_ID.
const NO_ID: u32 = u32::MAX;

/// The attribute's value for a list such as `user::rwx,user:1000:r-x,group::r-x,mask::r-x,other::---`. `None` if
/// it is malformed, or names a user or a group without its number: only the system in the archive knows which ID
/// that is.
pub(crate) fn value(text: &[u8]) -> Option<Vec<u8>> {
    let lines = text.split(|byte| matches!(byte, b',' | b'\n')).map(<[u8]>::trim_ascii);
    let is_line = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
    let mut entries = lines.filter(is_line).map(entry).collect::<Option<Vec<_>>>()?;
    // The kernel accepts them only in this order.
    entries.sort_by_key(|(tag, ..)| *tag);
    let mut value = VERSION.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    Some(value)
}

fn entry(line: &[u8]) -> Option<(u16, u16, u32)> {
    let mut fields = line.split(|byte| *byte == b':');
    let (kind, name, permissions) = (fields.next()?, fields.next()?, fields.next()?);
    let number = if name.is_empty() { None } else { Some(id(name, fields.next())?) };
    let tag = match (kind, number) {
        (b"user" | b"u", None) => 0x01,
        (b"user" | b"u", Some(_)) => 0x02,
        (b"group" | b"g", None) => 0x04,
        (b"group" | b"g", Some(_)) => 0x08,
        (b"mask" | b"m", None) => 0x10,
        (b"other" | b"o", None) => 0x20,
        _ => return None,
    };
    let bits = permissions.iter().try_fold(0, |bits, letter| Some(bits | bit(*letter)?))?;
    Some((tag, bits, number.unwrap_or(NO_ID)))
}

/// libarchive writes the number after the permissions.
fn id(name: &[u8], number: Option<&[u8]>) -> Option<u32> {
    decimal(number.unwrap_or(name)).and_then(|id| u32::try_from(id).ok())
}

fn bit(letter: u8) -> Option<u16> {
    match letter {
        b'r' => Some(4),
        b'w' => Some(2),
        b'x' => Some(1),
        b'-' => Some(0),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::value;

    #[test]
    fn a_list_becomes_the_kernels_entries_in_its_order() {
        let made = value(b"other::---,user:1000:r-x,user::rwx,group::r--,mask::r-x").unwrap();
        let tags: Vec<u8> = made[4..].chunks(8).map(|entry| entry[0]).collect();
        assert_eq!(tags, [1, 2, 4, 16, 32]);
        assert_eq!(made[..4], [2, 0, 0, 0]);
        assert_eq!(made[12..20], [2, 0, 5, 0, 0xe8, 3, 0, 0]);
    }

    #[test]
    fn a_name_needs_a_number() {
        assert_eq!(value(b"user:alice:rwx"), None);
        assert_eq!(value(b"user:alice:rwx:1000"), value(b"user:1000:rwx"));
        assert_eq!(value(b"user::rwz"), None);
        assert_eq!(value(b"user"), None);
    }
}
