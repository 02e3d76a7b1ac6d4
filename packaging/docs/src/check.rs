//! Finds dead links in a directory of HTML and Markdown. Links to other sites are not checked.

use crate::html::{self, Token, attribute, tokens};
use crate::links::{self, Target};
use crate::markdown;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The links in a file, and the anchors that links can lead to.
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// Every relative link in the directory whose file or anchor does not exist, as `FILE: LINK`.
///
/// # Errors
/// A page cannot be read, or the directory has no pages.
pub fn dead_links(dir: &Path) -> Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    read_pages(dir, "", &mut pages)?;
    let mut dead = Vec::new();
    for (name, page) in &pages {
        let is_dead = |link: &&String| !leads_somewhere(dir, &pages, name, page, link);
        dead.extend(page.links.iter().filter(is_dead).map(|link| format!("{name}: {link}")));
    }
    Ok(dead)
}

fn leads_somewhere(dir: &Path, pages: &BTreeMap<String, Page>, name: &str, page: &Page, link: &str) -> bool {
    if let Some(anchor) = link.strip_prefix('#') {
        return page.anchors.contains(anchor);
    }
    match Target::of(name, link) {
        Ok(None) => true,
        Ok(Some(Target { path, fragment })) => {
            let has_anchor = |page: &Page| page.anchors.contains(fragment.trim_start_matches('#'));
            dir.join(&path).exists() && (fragment.is_empty() || pages.get(&path).is_some_and(has_anchor))
        }
        // It leads out of the directory.
        Err(_) => false,
    }
}

fn read_pages(dir: &Path, below: &str, pages: &mut BTreeMap<String, Page>) -> Result<()> {
    for entry in fs::read_dir(dir.join(below)).with_context(|| dir.join(below).display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a name that is not UTF-8")?;
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type()?.is_dir() {
            read_pages(dir, &path, pages)?;
        } else if path.ends_with(".md") || path.ends_with(".html") {
            let text = fs::read_to_string(entry.path()).with_context(|| path.clone())?;
            let page = if path.ends_with(".md") { of_markdown(&text) } else { Ok(of_html(&text)) };
            pages.insert(path.clone(), page.with_context(|| path)?);
        }
    }
    Ok(())
}

fn of_markdown(text: &str) -> Result<Page> {
    let links = links::destinations(text)?.into_iter().map(|range| text[range].to_owned()).collect();
    Ok(Page { links, anchors: markdown::anchors(text).into_iter().collect() })
}

fn of_html(text: &str) -> Page {
    let (mut links, mut anchors) = (Vec::new(), BTreeSet::new());
    for token in tokens(text) {
        let Token::Tag(tag) = token else { continue };
        links.extend(html::destinations(tag, 0..tag.len()).into_iter().map(|range| tag[range].to_owned()));
        anchors.extend(attribute(tag, "id").map(str::to_owned));
    }
    Page { links, anchors }
}
