//! `--symlink` and `--dir`: what is made inside.

use crate::cli::values::{self, number as number_of, shown, split, split_once, utf8};
use crate::request::mount::{Mount, inside_path};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// `--symlink TARGET:LINK`. LINK is absolute, so it begins at the last `:/`, and TARGET can have colons.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn symlink(value: &OsStr) -> Result<Mount, String> {
    let bytes = value.as_bytes();
    let at = bytes.windows(2).rposition(|pair| pair == b":/").filter(|at| *at > 0);
    let at = at.ok_or_else(|| format!("{} is not TARGET:LINK with an absolute LINK", shown(value)))?;
    let [text, link] = [bytes.get(..at), bytes.get(at + 1..)].map(|part| part.unwrap_or_default());
    Ok(Mount::symlink(OsStr::from_bytes(text), inside_path(OsStr::from_bytes(link))?))
}

/// `--file FD:PATH[:OPTION,…]`: the descriptor, and the file without its content.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn file(value: &OsStr) -> Result<(i32, Mount), String> {
    let mut parts = split(value, b':');
    let (Some(number), Some(path), options, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("{} is not FD:PATH[:OPTIONS]", shown(value)));
    };
    let mut mount = Mount::file([], inside_path(path)?);
    for option in split(options.unwrap_or_default(), b',').filter(|option| !option.is_empty()) {
        mount = match utf8(option)? {
            "ro" => mount.read_only(),
            option => mount.mode(octal_of(option)?),
        };
    }
    Ok((number_of(number)?, mount))
}

/// `--dir PATH[:mode=MODE]`.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn dir(value: &OsStr) -> Result<Mount, String> {
    let (path, option) = split_once(value, b':');
    let mount = Mount::dir(inside_path(path)?);
    let Some(option) = option else { return Ok(mount) };
    Ok(mount.mode(octal_of(utf8(option)?)?))
}

/// The mode of `mode=MODE`.
fn octal_of(option: &str) -> Result<u32, String> {
    let mode = option.strip_prefix("mode=").ok_or_else(|| format!("unknown option {option}"))?;
    values::mode(mode).ok_or_else(|| format!("{mode} is not an octal mode up to 7777"))
}

#[cfg(test)]
mod tests {
    use super::{dir, file, symlink};
    use crate::request::mount::{Content, Mount};

    #[test]
    fn a_link_begins_at_the_last_colon_before_a_slash() {
        for (value, text, link) in [
            ("usr/bin:/bin", "usr/bin", "/bin"),
            ("/a:b:/c:d", "/a:b", "/c:d"),
            ("/usr/lib:/lib/", "/usr/lib", "/lib"),
            ("a:/:/b", "a:/", "/b"),
        ] {
            assert_eq!(symlink(value.as_ref()), Ok(Mount::symlink(text, link)), "{value}");
        }
        for wrong in ["", "usr/bin", "usr/bin:bin", ":/bin", "usr:/", "usr/bin:"] {
            assert!(symlink(wrong.as_ref()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_has_a_descriptor_and_a_path() {
        let made =
            |value: &str| file(value.as_ref()).map(|(number, mount)| (number, mount.target, mount.content));
        let content = |mode| Content::File { content: Vec::new(), mode };
        assert_eq!(made("3:/a"), Ok((3, "/a".into(), content(0o644))));
        assert_eq!(made("0:/a:ro,mode=0600"), Ok((0, "/a".into(), content(0o600))));
        for wrong in ["", "3", "/a", "3:a", "x:/a", "3:/", "3:/a:rw", "3:/a:mode=9", "3:/a:ro:/b", "+3:/a"] {
            assert!(file(wrong.as_ref()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_directory_has_a_mode() {
        for (value, mode) in [("/srv", 0o755), ("/srv:mode=0700", 0o700), ("/srv:mode=1777", 0o1777)] {
            let made = dir(value.as_ref()).map(|mount| (mount.target, mount.content));
            assert_eq!(made, Ok(("/srv".into(), Content::Directory(mode))), "{value}");
        }
        for wrong in
            ["srv", "/", "/srv:", "/srv:ro", "/srv:mode=", "/srv:mode=8", "/srv:mode=+755", "/a:mode=77777"]
        {
            assert!(dir(wrong.as_ref()).is_err(), "{wrong}");
        }
    }
}
