//! Writes the HTML book: one page for each chapter, and the files that all pages use, in one directory.

use crate::chapters::{self, Chapter};
use crate::layout::{self, Layout};
use crate::search::Index;
use crate::{links, manual, markdown, template};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

pub(crate) fn write(layout: &Layout, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    let chapters = chapters::all(layout)?;
    let mut index = Index::default();
    for (at, chapter) in chapters.iter().enumerate() {
        let body = body(layout, &chapters, chapter).with_context(|| chapter.source.clone())?;
        index.add(chapter, &body);
        fs::write(dir.join(&chapter.file), template::page(&chapters, at, &body))?;
    }
    fs::write(dir.join("search-index.js"), index.script())?;
    fs::write(dir.join("search.js"), include_str!("../assets/search.js"))?;
    fs::write(dir.join("book.css"), include_str!("../assets/book.css"))?;
    Ok(())
}

fn body(layout: &Layout, chapters: &[Chapter], chapter: &Chapter) -> Result<String> {
    if chapter.is_manual() {
        let manuals = chapters.iter().filter(|other| other.is_manual() && other.source != chapter.source);
        let pages: Vec<(&str, &str)> = manuals.map(|page| (&*page.title, &*page.file)).collect();
        return manual::render(&layout.workspace.join(&chapter.source), &pages);
    }
    let text = layout.read(&chapter.source)?;
    let text = links::rewrite(&text, |link| self::link(layout, chapters, chapter, link))?;
    Ok(markdown::render(&text))
}

/// The new target of a link: another page of the book if there is one, else a file of the package, else the
/// repository.
fn link(layout: &Layout, chapters: &[Chapter], chapter: &Chapter, link: &str) -> Result<Option<String>> {
    let Some(target) = layout.target(&chapter.source, link)? else { return Ok(None) };
    let page = chapters.iter().find(|chapter| chapter.source == target.path);
    let file = page.map(|chapter| chapter.file.clone());
    let file = file.or_else(|| Some(format!("../{}", layout.installed(&target.path)?)));
    Ok(Some(file.unwrap_or_else(|| layout::online(&target.path)) + &target.fragment))
}
