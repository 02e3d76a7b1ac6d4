//! Finds, resolves and replaces links in Markdown.

use anyhow::{Context, Result, bail};
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};
use std::ops::Range;

/// The target of a relative link.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    /// A path in the same tree as the page.
    pub(crate) path: String,
    /// Empty, or `#` and an anchor.
    pub(crate) fragment: String,
}

impl Target {
    /// The target of a link in a page. `None` for a link to another site or within the page.
    pub(crate) fn of(page: &str, link: &str) -> Result<Option<Target>> {
        let is_elsewhere = link.contains("://") || link.starts_with("mailto:") || link.starts_with('#');
        if is_elsewhere {
            return Ok(None);
        }
        let (path, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
        let mut names: Vec<&str> = page.split('/').collect();
        names.pop();
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop().with_context(|| format!("a link out of the tree: {link}"))?),
                name => names.push(name),
            }
        }
        Ok(Some(Target { path: names.join("/"), fragment: fragment.to_owned() }))
    }
}

/// The link from one file to another of the same tree.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('/').collect(), to.split('/').collect());
    let dirs = &from[..from.len() - 1];
    let common = dirs.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = dirs[common..].iter().map(|_| "..");
    up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

/// A parser with the extensions that GitHub supports and these pages use.
pub(crate) fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// The ranges of the destinations of all links and images, including those in HTML.
pub(crate) fn destinations(text: &str) -> Result<Vec<Range<usize>>> {
    let mut found = Vec::new();
    for (event, range) in parser(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. }) => {
                found.extend(destination(text, range, link_type, &dest_url)?);
            }
            Event::Html(_) | Event::InlineHtml(_) => found.extend(crate::html::destinations(text, range)),
            _ => {}
        }
    }
    found.sort_by_key(|range| range.start);
    Ok(found)
}

fn destination(text: &str, range: Range<usize>, kind: LinkType, url: &str) -> Result<Option<Range<usize>>> {
    match kind {
        LinkType::Autolink | LinkType::Email => return Ok(None),
        LinkType::Inline => {}
        _ => bail!("{}: write the link's target in parentheses", &text[range]),
    }
    let before =
        text[range.clone()].rfind(&format!("]({url}")).with_context(|| format!("a link to {url}"))?;
    let start = range.start + before + 2;
    Ok(Some(start..start + url.len()))
}

/// Replaces each destination for which `new` returns another one.
pub(crate) fn rewrite(text: &str, new: impl Fn(&str) -> Result<Option<String>>) -> Result<String> {
    let (mut rewritten, mut end) = (String::new(), 0);
    for range in destinations(text)? {
        rewritten.push_str(&text[end..range.start]);
        let old = &text[range.clone()];
        rewritten.push_str(&new(old)?.unwrap_or_else(|| old.to_owned()));
        end = range.end;
    }
    Ok(rewritten + &text[end..])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Target, relative, rewrite};

    #[test]
    fn a_link_leads_from_the_directory_of_its_page() {
        let target =
            |path: &str, fragment: &str| Target { path: path.to_owned(), fragment: fragment.to_owned() };
        let of = |link: &str| Target::of("docs/guide/ci.md", link).unwrap();
        assert_eq!(of("../seccomp.md#calls"), Some(target("docs/seccomp.md", "#calls")));
        assert_eq!(of("./by-hand.md"), Some(target("docs/guide/by-hand.md", "")));
        assert_eq!(of("../../README.md"), Some(target("README.md", "")));
        for elsewhere in ["https://example.org/", "mailto:a@example.org", "#calls"] {
            assert_eq!(of(elsewhere), None);
        }
        assert!(Target::of("README.md", "../README.md").is_err());
    }

    #[test]
    fn a_relative_link_goes_up_only_as_far_as_it_must() {
        assert_eq!(relative("guide/ci.md", "guide/by-hand.md"), "by-hand.md");
        assert_eq!(relative("guide/ci.md", "recipes/slurm/README.md"), "../recipes/slurm/README.md");
        assert_eq!(relative("README.md", "recipes"), "recipes");
    }

    #[test]
    fn links_in_code_are_left_alone() {
        let page =
            "[a](x.md) `[b](x.md)` ![c](x.md#y \"title\")\n\n    [d](x.md)\n\n<img src=\"x.md\" alt=\"e\">\n";
        let expected =
            "[a](new) `[b](x.md)` ![c](new \"title\")\n\n    [d](x.md)\n\n<img src=\"new\" alt=\"e\">\n";
        assert_eq!(rewrite(page, |_| Ok(Some("new".to_owned()))).unwrap(), expected);
        assert!(rewrite("[a][b]\n\n[b]: x.md\n", |_| Ok(None)).is_err());
    }
}
