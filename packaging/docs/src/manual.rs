//! Renders man pages as HTML with mandoc(1).

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// A page's name and section: subroot-run(1) for `packaging/man/subroot-run.1`.
pub(crate) fn title(path: &str) -> Result<String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let (name, section) = file.rsplit_once('.').with_context(|| format!("{path}: no section"))?;
    Ok(format!("{name}({section})"))
}

/// Renders a page. `pages` are the titles and HTML files of all pages, for links between them.
pub(crate) fn render(file: &Path, pages: &[(&str, &str)]) -> Result<String> {
    let mut mandoc = Command::new("mandoc");
    let output = mandoc.args(["-T", "html", "-O", "fragment"]).arg(file).output();
    let output = output.context("starting mandoc, of the package mandoc")?;
    ensure!(output.status.success(), "mandoc {}: {}", file.display(), output.status);
    Ok(with_links(String::from_utf8(output.stdout)?, pages))
}

/// Adds links to other pages. mandoc adds them only to pages written in mdoc(7).
fn with_links(html: String, pages: &[(&str, &str)]) -> String {
    pages.iter().fold(html, |html, (title, page)| {
        let Some((name, section)) = title.split_once('(') else { return html };
        let bold = format!("<b>{name}</b>({section}");
        html.replace(&bold, &format!("<a href=\"{page}\">{bold}</a>"))
    })
}
