//! Builds the search index of the book: a script with the text below each heading and option.

use crate::chapters::Chapter;
use crate::html::{Token, attribute, tokens, unescape};

/// The text below a heading or an option, and its address.
struct Section {
    chapter: String,
    heading: String,
    address: String,
    text: String,
}

#[derive(Default)]
pub(crate) struct Index(Vec<Section>);

impl Index {
    pub(crate) fn add(&mut self, chapter: &Chapter, body: &str) {
        self.begin(chapter, chapter.file.clone());
        let mut in_heading = false;
        for token in tokens(body) {
            match token {
                Token::Tag(tag) if is_heading(tag) => {
                    let anchor = attribute(tag, "id").unwrap_or_default();
                    self.begin(chapter, format!("{}#{anchor}", chapter.file));
                    in_heading = true;
                }
                Token::Tag(tag) if tag.starts_with("/h") || tag == "/dt" => in_heading = false,
                Token::Tag(_) => {}
                Token::Text(text) => self.add_text(&unescape(text), in_heading),
            }
        }
    }

    fn begin(&mut self, chapter: &Chapter, address: String) {
        let (heading, text) = (String::new(), String::new());
        self.0.push(Section { chapter: chapter.title.clone(), heading, address, text });
    }

    fn add_text(&mut self, text: &str, in_heading: bool) {
        let Some(section) = self.0.last_mut() else { return };
        if in_heading { section.heading.push_str(text) } else { section.text.push_str(text) }
    }

    /// The script. It sets `sections`, an array of titles, addresses and texts.
    pub(crate) fn script(&self) -> String {
        let lines = self.0.iter().filter_map(Section::line);
        format!("const sections = [\n{}];\n", lines.collect::<String>())
    }
}

impl Section {
    /// The line for a section; `None` if there is no text before the first heading of a page.
    fn line(&self) -> Option<String> {
        let (heading, text) = (joined(&self.heading), joined(&self.text));
        if heading.is_empty() && text.is_empty() {
            return None;
        }
        let is_whole_page = heading.is_empty() || heading == self.chapter;
        let title = if is_whole_page { self.chapter.clone() } else { format!("{}: {heading}", self.chapter) };
        Some(format!("[{},{},{}],\n", quote(&title), quote(&self.address), quote(&text)))
    }
}

/// Joins a text into one line.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_heading(tag: &str) -> bool {
    let name = tag.split_whitespace().next().unwrap_or_default();
    matches!(name, "h1" | "h2" | "h3" | "h4" | "dt") && attribute(tag, "id").is_some()
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
