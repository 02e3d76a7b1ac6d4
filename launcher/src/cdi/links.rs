//! What hooks would link, shown by mounts of the same files.
//!
//! A driver's library has its version in its name, and programs look for it by its soname, a symlink that
//! ldconfig makes. subroot writes nothing into the root, so it mounts the library once more, with that name.
//!
//! Errors ignored: a link that cannot be resolved leads to nothing, and a warning says so.

use crate::cdi::edits::Edits;
use crate::cdi::elf::soname;
use crate::cdi::hooks::Hooks;
use crate::request::mount::{Content, Mount, inside_path};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Adds the mounts, and warnings about what hooks would have done.
pub(super) fn add(edits: &mut Edits, hooks: &Hooks) {
    let libraries: Vec<Mount> = edits.mounts.iter().filter_map(|mount| library(mount, hooks)).collect();
    libraries.into_iter().for_each(|library| edits.mount(library));
    // A link can lead to one that comes later.
    for _ in 0..2 {
        for (target, link) in &hooks.links {
            if let Some(linked) = linked(edits, target, link) {
                edits.mount(linked);
            }
        }
    }
    let is_there = |link: &Path| edits.mounts.iter().any(|mount| mount.target == link);
    let dangling = hooks.links.iter().filter(|(_, link)| !is_there(link));
    let dangling = dangling.map(|(target, link)| {
        format!(
            "{} is not made: it would be a link to {}, which no device has",
            link.display(),
            target.display()
        )
    });
    let dangling: Vec<String> = dangling.collect();
    edits.warnings.extend(dangling);
    edits.warnings.extend(not_cached(&hooks.cached));
}

/// The mount of a library under its soname.
fn library(mount: &Mount, hooks: &Hooks) -> Option<Mount> {
    let dir = mount.target.parent().filter(|dir| hooks.libraries.iter().any(|known| known == dir))?;
    let name = soname(mount.source()?)?;
    let target = dir.join(OsStr::from_bytes(&name));
    (target.parent() == Some(dir)).then(|| Mount { target, ..mount.clone() })
}

/// The mount that shows at a link's path what the link leads to.
fn linked(edits: &Edits, target: &Path, link: &Path) -> Option<Mount> {
    let link = inside_path(link.as_os_str()).ok()?;
    let led_to = inside_path(link.parent()?.join(target).as_os_str()).ok()?;
    edits.mounts.iter().find_map(|mount| {
        let below = led_to.strip_prefix(&mount.target).ok()?;
        let mut linked = Mount { target: link.clone(), ..mount.clone() };
        let Content::Bind(bind) = &mut linked.content else { return None };
        if !below.as_os_str().is_empty() {
            bind.source.push(below);
        }
        bind.source.exists().then_some(linked)
    })
}

/// Directories that a dynamic loader does not search without a cache.
fn not_cached(dirs: &[PathBuf]) -> Option<String> {
    let is_searched = |dir: &&PathBuf| {
        let dir = dir.strip_prefix("/usr").ok().map_or(dir.as_path(), |dir| dir);
        let dir = dir.to_str().unwrap_or_default().trim_start_matches('/');
        matches!(dir, "lib" | "lib64" | "lib32") || dir.starts_with("lib/") && dir.ends_with("-linux-gnu")
    };
    // Libraries in such a directory are opened by their paths.
    let is_of_plugins = |dir: &&PathBuf| dir.ends_with("vdpau") || dir.ends_with("gbm");
    let dirs = dirs.iter().filter(|dir| !is_searched(dir) && !is_of_plugins(dir));
    let mut dirs: Vec<String> = dirs.map(|dir| dir.display().to_string()).collect();
    dirs.dedup();
    let dirs = (!dirs.is_empty()).then(|| dirs.join(":"))?;
    Some(format!(
        "the loader's cache inside is not updated: if a program does not find the driver, add -e LD_LIBRARY_PATH={dirs}"
    ))
}
