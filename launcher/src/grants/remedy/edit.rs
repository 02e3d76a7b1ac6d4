//! The command that changes or empties lines of a grant file and leaves all other bytes unchanged.

use crate::grants::site::Grant;
use subroot_idmap::{IdKind, IdRange};

/// The maximum number of removed lines that a command names one by one. More are named as ranges of lines.
const MAX_NAMED: usize = 8;

/// The change of one line.
#[derive(Clone)]
pub(crate) struct Edit {
    pub(crate) kind: IdKind,
    pub(crate) line: u32,
    /// A pattern of sed(1) that the line matches. If the lines have moved since, the command does not change
    /// a different one.
    pub(crate) old: String,
    /// The new line; `None` empties the line. It is not deleted, so that the numbers in other commands stay
    /// right.
    pub(crate) new: Option<String>,
    /// The range that the new line grants.
    pub(crate) range: Option<IdRange>,
}

impl Edit {
    /// Empties a well-formed line.
    pub(crate) fn without(grant: &Grant) -> Edit {
        let old = format!(":{}:{}$", grant.range.first(), grant.range.count());
        Edit { kind: grant.kind, line: grant.line, old, new: None, range: None }
    }

    /// Empties a line that begins with this text.
    pub(crate) fn without_text(kind: IdKind, line: u32, text: &[u8]) -> Edit {
        Edit { kind, line, old: pattern(text), new: None, range: None }
    }

    fn script(&self) -> String {
        let (line, old, new) = (self.line, &self.old, self.new.as_deref().unwrap_or_default());
        format!("{line}{{/{old}/s/.*/{new}/;}};")
    }
}

/// The command that removes an invalid line.
pub(crate) fn without_line(kind: IdKind, line: u32, text: &[u8]) -> String {
    command(kind, &[Edit::without_text(kind, line, text)]).unwrap_or_default()
}

/// A pattern of sed(1) that this line matches. Bytes other than letters, digits, `:`, `_` and `-` may be
/// anything, so that the pattern needs no escapes.
pub(crate) fn pattern(text: &[u8]) -> String {
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-".contains(byte);
    let other = if text.iter().any(is_kept) { ".*" } else { "[^[:alnum:]]*$" };
    let mut pattern = String::from("^");
    for byte in text.iter().take(64) {
        match byte {
            byte if is_kept(byte) => pattern.push(char::from(*byte)),
            _ if pattern.ends_with(other) => {}
            _ => pattern.push_str(other),
        }
    }
    pattern
}

/// The command for all edits of a kind. It does not use `sed -i`, which would replace a symlink by a file. It
/// saves the old file under the name that shadow uses for its backup.
pub(crate) fn command(kind: IdKind, edits: &[Edit]) -> Option<String> {
    let edits: Vec<&Edit> = edits.iter().filter(|edit| edit.kind == kind).collect();
    let named = edits.iter().filter(|edit| edit.new.is_some() || edits.len() <= MAX_NAMED);
    let mut script: String = named.map(|edit| edit.script()).collect();
    if edits.len() > MAX_NAMED {
        let dropped = edits.iter().filter(|edit| edit.new.is_none()).map(|edit| edit.line);
        runs(dropped).into_iter().for_each(|(first, last)| script += &format!("{first},{last}s/.*//;"));
    }
    let file = kind.grant_file();
    let script = script.trim_end_matches(';');
    (!edits.is_empty()).then(|| format!("cp {file} {file}- && LC_ALL=C sed '{script}' {file}- >{file}"))
}

/// Groups consecutive numbers: the first and last of each group.
fn runs(numbers: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::{pattern, runs};

    #[test]
    fn a_line_matches_its_pattern_and_no_shell_takes_it_apart() {
        assert_eq!(pattern(b"alice:0:65536"), "^alice:0:65536");
        assert_eq!(pattern(b"  a'l$i/c\xffe:1"), "^.*a.*l.*i.*c.*e:1");
        assert_eq!(pattern(b"\0\0"), "^[^[:alnum:]]*$");
    }

    #[test]
    fn numbers_in_a_row_are_one_run() {
        assert_eq!(runs([3, 4, 5, 9].into_iter()), [(3, 5), (9, 9)]);
    }
}
