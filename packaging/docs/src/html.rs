//! Finds anchors, links and text in HTML. It supports only what this crate, mandoc and this repository's
//! Markdown write.

use std::ops::Range;

/// A tag, without its angle brackets, or the text between two tags.
pub(crate) enum Token<'a> {
    Tag(&'a str),
    Text(&'a str),
}

/// Splits HTML into tokens. An attribute's value must not contain `>`: all programs that write this HTML
/// write `&gt;`.
pub(crate) fn tokens(html: &str) -> impl Iterator<Item = Token<'_>> {
    let parts = html.split_inclusive('>').flat_map(|part| {
        let (text, tag) = part.split_at(part.find('<').unwrap_or(part.len()));
        let tag = tag.strip_prefix('<').map(|tag| Token::Tag(tag.trim_end_matches('>')));
        [Some(Token::Text(text)), tag]
    });
    parts.flatten()
}

/// The value of an attribute of a tag.
pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split('"').next()
}

/// The ranges of all attribute values in a part of a text that refer to other files.
pub(crate) fn destinations(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for name in [" href=\"", " src=\"", " srcset=\""] {
        for (at, _) in text[part.clone()].match_indices(name) {
            let start = part.start + at + name.len();
            let length = text[start..].find('"').unwrap_or(0);
            found.push(start..start + length);
        }
    }
    found
}

/// Replaces the character references in HTML text.
pub(crate) fn unescape(text: &str) -> String {
    let mut parts = text.split("&#x");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (letter, rest) = numbered(part).unwrap_or((char::REPLACEMENT_CHARACTER, part));
        shown.push(letter);
        shown.push_str(rest);
    }
    shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The character of `NUMBER;`, with the number in hexadecimal, and the text after it.
fn numbered(text: &str) -> Option<(char, &str)> {
    let (number, rest) = text.split_once(';')?;
    Some((char::from_u32(u32::from_str_radix(number, 16).ok()?)?, rest))
}

/// Escapes text for HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
