//! Renders Markdown as HTML, with the same anchors for headings as on GitHub.

use crate::links;
use anyhow::{Context, Result};
use pulldown_cmark::{Event, Tag, TagEnd, html};

pub(crate) fn render(text: &str) -> String {
    let mut anchors = anchors(text).into_iter();
    let events = links::parser(text).map(|event| match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            Event::Start(Tag::Heading { level, id: anchors.next().map(Into::into), classes, attrs })
        }
        other => other,
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

/// The text of the first heading.
pub(crate) fn title(text: &str) -> Result<String> {
    headings(text).into_iter().next().context("a page without a heading")
}

/// The anchor of each heading: its words in lower case, joined by hyphens, and a number if an earlier heading
/// has the same.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let plain: Vec<String> = headings(text).iter().map(|heading| anchor(heading)).collect();
    for (index, anchor) in plain.iter().enumerate() {
        let earlier = plain[..index].iter().filter(|other| *other == anchor).count();
        found.push(if earlier == 0 { anchor.clone() } else { format!("{anchor}-{earlier}") });
    }
    found
}

fn headings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for event in links::parser(text) {
        match (event, &mut open) {
            (Event::Start(Tag::Heading { .. }), _) => open = Some(String::new()),
            (Event::End(TagEnd::Heading(_)), _) => found.extend(open.take()),
            (Event::Text(part) | Event::Code(part), Some(heading)) => heading.push_str(&part),
            (Event::SoftBreak, Some(heading)) => heading.push(' '),
            _ => {}
        }
    }
    found
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::{anchors, render};

    #[test]
    fn anchors_are_those_of_github() {
        let page =
            "# What `--userns` does, and why\n## Limits\n### Limits\n## 32-bit calls\n## It's newuidmap(1)\n";
        let expected = ["what---userns-does-and-why", "limits", "limits-1", "32-bit-calls", "its-newuidmap1"];
        assert_eq!(anchors(page), expected);
    }

    #[test]
    fn headings_have_their_anchors_and_code_is_text() {
        let page = render("# A `b`\n\n```console\n$ a <b>\n```\n");
        assert!(page.contains("<h1 id=\"a-b\">A <code>b</code></h1>"), "{page}");
        assert!(page.contains("$ a &lt;b&gt;"), "{page}");
    }
}
