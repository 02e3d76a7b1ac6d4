//! `subroot-docs build WORKSPACE OUTPUT` builds the documents of packages; `subroot-docs check DIR` finds dead
//! links in installed ones.

use anyhow::{Result, bail, ensure};
use std::env;
use std::path::Path;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["build", workspace, output] => subroot_docs::build(Path::new(workspace), Path::new(output)),
        ["check", dir] => check(Path::new(dir)),
        _ => bail!("usage: subroot-docs build WORKSPACE OUTPUT | subroot-docs check DIR"),
    }
}

fn check(dir: &Path) -> Result<()> {
    let dead = subroot_docs::dead_links(dir)?;
    ensure!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    Ok(())
}
