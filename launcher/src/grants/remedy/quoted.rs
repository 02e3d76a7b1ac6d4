//! Quotes words for a command that root pastes into a shell.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The word, in single quotes if a shell would change it. `None` if it cannot be printed unchanged.
pub(crate) fn quoted(word: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(word).ok().filter(|text| !text.contains(char::is_control))?;
    Some(if is_plain(word) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) })
}

/// The path of an existing file, quoted. If it cannot be quoted, it is printed as well as possible.
pub(crate) fn quoted_path(path: &Path) -> String {
    quoted(path.as_os_str().as_bytes()).unwrap_or_else(|| path.display().to_string())
}

/// True for a word of letters, digits and marks that no shell interprets.
pub(crate) fn is_plain(word: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-@:/+,=".contains(byte);
    !word.is_empty() && word.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_takes_each_name_for_one_word() {
        for (name, word) in [
            ("alice.b-c@d", "alice.b-c@d"),
            ("DOMAIN\\user", "'DOMAIN\\user'"),
            ("$(id)", "'$(id)'"),
            ("o'brien", r"'o'\''brien'"),
            ("a b", "'a b'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(name.as_bytes()).as_deref(), Some(word));
        }
        for name in [&b"a\nb"[..], b"\xff", b"a\xc2\x9bb"] {
            assert_eq!(quoted(name), None);
        }
    }
}
