//! Misspelt lines of a grant file: what is wrong with them and where, and the intended range.

use subroot_idmap::{IdRange, Invalid, SubidLine, parse_number};

/// A line of a grant file, or why it grants nothing.
pub(crate) fn line_of(text: &[u8]) -> Result<Option<SubidLine<'_>>, String> {
    SubidLine::parse(text).map_err(|why| reason(text, why))
}

/// The mapper's reason, with the position in the line.
fn reason(text: &[u8], why: Invalid) -> String {
    let position = match why {
        Invalid::Blank => text.iter().position(|byte| b" \t".contains(byte)),
        Invalid::Control => text.iter().position(u8::is_ascii_control),
        Invalid::Encoding => std::str::from_utf8(text).err().map(|error| error.valid_up_to()),
        Invalid::LineFields => {
            let fields = text.split(|byte| *byte == b':').count();
            return format!("{} (owner:start:count), but {fields}", why.reason());
        }
        _ => None,
    };
    let Some((byte, position)) = position.and_then(|at| Some((*text.get(at)?, at))) else {
        return why.reason().to_owned();
    };
    let what = match byte {
        0 => " (NUL, as in UTF-16)",
        b'\r' => " (a carriage return)",
        _ => "",
    };
    let is_end = text.get(position..).is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace));
    match position {
        0 => format!("{} at its beginning{what}", why.reason()),
        _ if is_end => format!("{} at its end{what}", why.reason()),
        _ => format!("{} in column {}{what}", why.reason(), position.saturating_add(1)),
    }
}

/// Removes what an editor or another system may have added: a byte order mark, the zeros of UTF-16, and
/// blanks at both ends.
pub(crate) fn bare(text: &[u8]) -> Vec<u8> {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let text = marks.iter().find_map(|mark| text.strip_prefix(*mark)).unwrap_or(text);
    let without_nul: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    without_nul.trim_ascii().to_vec()
}

/// The intended range of a misspelt line, if only blanks, a comment or extra colons at the end are wrong.
pub(crate) fn meant(text: &[u8]) -> Option<IdRange> {
    let line = bare(text);
    let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
    let mut fields: Vec<&[u8]> = line.split(|byte| *byte == b':').map(<[u8]>::trim_ascii).collect();
    while fields.len() > 3 && fields.last().is_some_and(|field| field.is_empty()) {
        fields.pop();
    }
    let [_, first, count] = fields.as_slice() else { return None };
    // Errors ignored: the intended range is unclear.
    let (first, count) = (parse_number(first).ok()?, parse_number(count).ok()?);
    IdRange::new(first, count).ok().filter(|range| range.first() != 0)
}

#[cfg(test)]
mod tests {
    use super::{line_of, meant};
    use subroot_idmap::IdRange;

    #[test]
    fn a_reason_says_where() {
        for (line, reason) in [
            (&b" alice:1:2"[..], "the line has a blank at its beginning"),
            (b"alice:1:2 \t ", "the line has a blank at its end"),
            (b"al ice:1:2", "the line has a blank in column 3"),
            (b"alice:1:2\r", "the line has a control character at its end (a carriage return)"),
            (b"a\0l:1:2", "the line has a control character in column 2 (NUL, as in UTF-16)"),
            (b"al\xe9:1:2", "the line is not UTF-8 in column 3"),
            (b"alice:1", "the line has not exactly three fields (owner:start:count), but 2"),
            (b"alice:0:2", "the range holds ID 0"),
        ] {
            assert_eq!(line_of(line), Err(reason.to_owned()), "{line:?}");
        }
    }

    #[test]
    fn what_was_meant_is_read_through_blanks_marks_and_comments() {
        let range = IdRange::new(300_000, 65_536).ok();
        for line in [
            &b"  alice:300000:65536"[..],
            b"alice : 300000 :65536\r",
            b"alice:300000:65536 # mine",
            b"alice:300000:65536::",
            b"\xef\xbb\xbfalice:300000:65536",
            b"\xff\xfea\0:\x003\x000\x000\x000\x000\x000\0:\x006\x005\x005\x003\x006\0",
            b"al ice:300000:65536",
        ] {
            assert_eq!(meant(line), range, "{line:?}");
        }
        for line in
            [&b"alice:300000"[..], b"alice:0:65536", b"alice:3 00000:65536", b"alice:1:2:3", b"alice:x:1"]
        {
            assert_eq!(meant(line), None, "{line:?}");
        }
    }
}
