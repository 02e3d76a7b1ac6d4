//! Lists the pages of the book, in order.

use crate::layout::Layout;
use crate::links::{self, Target};
use crate::{manual, markdown};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::fs;

const INDEX: &str = "docs/guide/README.md";
const MANUAL: &str = "packaging/man";
/// The pages between the recipes and the man pages.
const REFERENCE: [&str; 8] = [
    "newidmap-helper/README.md",
    "etc-subuid-examples/README.md",
    "docs/differences-from-shadow.md",
    "docs/peers.md",
    "docs/threat-model.md",
    "docs/security-history.md",
    "SECURITY.md",
    "CHANGELOG.md",
];

/// One page of the book.
pub(crate) struct Chapter {
    /// Its path in the workspace.
    pub(crate) source: String,
    /// Its file name in the book.
    pub(crate) file: String,
    pub(crate) title: String,
    /// The heading above it in the list of pages.
    pub(crate) group: &'static str,
}

impl Chapter {
    pub(crate) fn is_manual(&self) -> bool {
        self.source.starts_with(MANUAL)
    }
}

/// All pages. The guide's index determines the order of its pages, and must list all of them.
pub(crate) fn all(layout: &Layout) -> Result<Vec<Chapter>> {
    let guide = listed(layout)?;
    let missing = layout.pages("docs/guide/").find(|page| !guide.iter().any(|listed| listed == page));
    ensure!(missing.is_none(), "{INDEX} does not list {}", missing.unwrap_or_default());
    let recipes = layout.pages("packaging/recipes/").chain(["packaging/image/README.md"]);
    let recipes: Vec<String> = recipes.map(str::to_owned).collect();
    let reference = REFERENCE.map(str::to_owned).to_vec();
    let groups = [
        ("Guide", guide),
        ("Recipes", recipes),
        ("Reference", reference),
        ("Manual pages", manuals(layout)?),
    ];
    let mut seen = BTreeSet::new();
    let sources =
        groups.into_iter().flat_map(|(group, sources)| sources.into_iter().map(move |s| (group, s)));
    let chapters: Vec<Chapter> = sources
        .filter(|(_, source)| seen.insert(source.clone()))
        .map(|(group, source)| chapter(layout, group, source))
        .collect::<Result<_>>()?;
    let files: BTreeSet<&str> = chapters.iter().map(|chapter| &*chapter.file).collect();
    ensure!(files.len() == chapters.len(), "two pages of the book have the same name");
    Ok(chapters)
}

/// The guide's index, and the pages that it lists.
fn listed(layout: &Layout) -> Result<Vec<String>> {
    let index = layout.read(INDEX)?;
    let mut pages = vec![INDEX.to_owned()];
    for range in links::destinations(&index)? {
        if let Some(Target { path, .. }) = layout.target(INDEX, &index[range])? {
            pages.push(path);
        }
    }
    pages.retain(|page| page.ends_with(".md"));
    Ok(pages)
}

/// The man pages, with those of `subroot` first.
fn manuals(layout: &Layout) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(layout.workspace.join(MANUAL))? {
        names.push(entry?.file_name().into_string().ok().context("a name that is not UTF-8")?);
    }
    names.sort_by_key(|name| {
        (!name.starts_with("subroot"), name.rsplit_once('.').map(|(name, _)| name.to_owned()))
    });
    Ok(names.into_iter().map(|name| format!("{MANUAL}/{name}")).collect())
}

fn chapter(layout: &Layout, group: &'static str, source: String) -> Result<Chapter> {
    let is_manual = source.starts_with(MANUAL);
    let title = if is_manual { manual::title(&source)? } else { markdown::title(&layout.read(&source)?)? };
    let file = file_name(&source);
    Ok(Chapter { source, file, title, group })
}

fn file_name(source: &str) -> String {
    if source == INDEX {
        return "index.html".to_owned();
    }
    let page = source.trim_end_matches("/README.md").trim_end_matches(".md");
    let name = page.rsplit('/').next().unwrap_or(page).to_lowercase();
    let kind = if page.starts_with("packaging/recipes/") { "recipe-" } else { "" };
    format!("{kind}{name}.html")
}
