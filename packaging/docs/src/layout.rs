//! Lists the files that each package installs as documents, and their names.

use crate::links::{self, Target};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The directory of the book, in the package `subroot`.
pub(crate) const BOOK: &str = "html";
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file or directory of the workspace, and its name below `/usr/share/doc/PACKAGE`.
type Entry = (&'static str, &'static str);

const SUBROOT: &[Entry] = &[
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("SECURITY.md", "SECURITY.md"),
    ("docs/guide", "guide"),
    ("docs/differences-from-shadow.md", "differences-from-shadow.md"),
    ("docs/peers.md", "peers.md"),
    ("docs/plan.schema.json", "plan.schema.json"),
    ("docs/seccomp.md", "seccomp.md"),
    ("docs/security-history.md", "security-history.md"),
    ("docs/session/session-dark.svg", "session-dark.svg"),
    ("docs/session/session-light.svg", "session-light.svg"),
    ("docs/threat-model.md", "threat-model.md"),
    ("newidmap-helper/README.md", "newidmap-helper.md"),
    ("etc-subuid-examples", "examples/etc-subuid"),
    ("packaging/image", "examples/image"),
    ("packaging/recipes", "examples/recipes"),
];
const NEWIDMAP_HELPER: &[Entry] = &[
    ("newidmap-helper/README.md", "README.md"),
    ("newidmap-helper/mapper.conf", "examples/mapper.conf"),
    ("docs/differences-from-shadow.md", "differences-from-shadow.md"),
    ("SECURITY.md", "SECURITY.md"),
];
const SUBROOT_UIDMAP: &[Entry] = &[
    ("newidmap-helper/mapper.conf", "examples/mapper.conf"),
    ("docs/differences-from-shadow.md", "differences-from-shadow.md"),
];

/// The documents of one package.
pub(crate) struct Layout<'a> {
    pub(crate) package: &'static str,
    pub(crate) workspace: &'a Path,
    /// Each file's path in the workspace, and its path in the package.
    files: BTreeMap<String, String>,
}

impl Layout<'_> {
    /// The documents of every package that has more than a licence.
    pub(crate) fn all(workspace: &Path) -> Result<Vec<Layout<'_>>> {
        [("subroot", SUBROOT), ("newidmap-helper", NEWIDMAP_HELPER), ("subroot-uidmap", SUBROOT_UIDMAP)]
            .map(|(package, entries)| Layout::new(package, workspace, entries))
            .into_iter()
            .collect()
    }

    fn new<'a>(package: &'static str, workspace: &'a Path, entries: &[Entry]) -> Result<Layout<'a>> {
        let mut files = BTreeMap::new();
        for (source, installed) in entries {
            add(workspace, source, installed, &mut files).with_context(|| (*source).to_owned())?;
        }
        Ok(Layout { package, workspace, files })
    }

    pub(crate) fn has_book(&self) -> bool {
        self.package == "subroot"
    }

    /// The workspace paths of the pages in one of its directories, sorted.
    pub(crate) fn pages<'b>(&'b self, dir: &'b str) -> impl Iterator<Item = &'b str> {
        let is_page = move |path: &&String| path.starts_with(dir) && path.ends_with(".md");
        self.files.keys().filter(is_page).map(String::as_str)
    }

    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.workspace.join(path)).with_context(|| path.to_owned())
    }

    /// Copies all files, with links that work in the package.
    pub(crate) fn install(&self, dir: &Path) -> Result<()> {
        for (source, installed) in &self.files {
            let file = dir.join(installed);
            fs::create_dir_all(file.parent().context("a file without a directory")?)?;
            // Also copies the mode: some recipes are programs.
            fs::copy(self.workspace.join(source), &file).with_context(|| source.clone())?;
            if source.ends_with(".md") {
                let page = links::rewrite(&self.read(source)?, |link| self.link(source, installed, link))
                    .with_context(|| source.clone())?;
                fs::write(&file, page)?;
            }
        }
        Ok(())
    }

    /// The link that replaces a page's link in the package.
    fn link(&self, source: &str, installed: &str, link: &str) -> Result<Option<String>> {
        let Some(target) = self.target(source, link)? else { return Ok(None) };
        let found = self.installed(&target.path).map(|path| links::relative(installed, &path));
        Ok(Some(found.unwrap_or_else(|| online(&target.path)) + &target.fragment))
    }

    /// The workspace path to which a relative link of a page leads.
    pub(crate) fn target(&self, source: &str, link: &str) -> Result<Option<Target>> {
        let Some(target) = Target::of(source, link)? else { return Ok(None) };
        ensure!(self.workspace.join(&target.path).exists(), "a dead link: {link}");
        Ok(Some(target))
    }

    /// The package path of a file or directory of the workspace.
    pub(crate) fn installed(&self, path: &str) -> Option<String> {
        let dir = format!("{path}/");
        self.files.get(path).cloned().or_else(|| {
            let (source, installed) = self.files.iter().find(|(source, _)| source.starts_with(&dir))?;
            let below = source.len() - path.len();
            Some(installed[..installed.len() - below].to_owned())
        })
    }
}

/// The address in the repository of a file that is not in the package.
pub(crate) fn online(path: &str) -> String {
    format!("{REPOSITORY}/blob/v{VERSION}/{path}")
}

fn add(workspace: &Path, source: &str, installed: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    let path = workspace.join(source);
    if !path.is_dir() {
        ensure!(path.is_file(), "missing");
        files.insert(source.to_owned(), installed.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&path)? {
        let name = entry?.file_name().into_string().ok().context("a name that is not UTF-8")?;
        // Skip `.gitattributes` and similar files.
        if name.starts_with('.') {
            continue;
        }
        add(workspace, &format!("{source}/{name}"), &format!("{installed}/{name}"), files)?;
    }
    Ok(())
}
