//! Whether the plugin that provides the grants is installed, and the mapper variant that asks it.

use crate::causes::{Cause, NO_PLUGIN, NO_VARIANT};
use crate::grants::files::each_line_of;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use subroot_idmap::{NSSWITCH_FILE, plugin_of_line};

/// The path where packages install the mapper.
pub(crate) const BUILT_IN_HELPER: &str = "/usr/libexec/subroot/newidmap-helper";
/// The mapper variant that uses name services. Only it asks plugins.
pub(crate) const VARIANT: &str = "/usr/libexec/subroot/newidmap-helper-nss";
/// The cache of ldconfig(8): the names and paths of libraries.
const CACHE: &str = "/etc/ld.so.cache";
/// The directories that ld.so(8) searches. Distributions have a subdirectory for each architecture in some of
/// them.
const DIRS: [&str; 5] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];

/// True unless only shadow's programs can be used. These read any file, whatever its owner and mode.
pub(crate) fn is_own_mapper_installed() -> bool {
    // Error ignored: a launch tries a mapper that cannot be examined.
    !matches!(fs::exists(BUILT_IN_HELPER), Ok(false))
}

/// Why this plugin grants nothing, if its library or the mapper variant for it is missing. The mapper then
/// refuses every map, whatever the files grant.
pub(crate) fn refused(plugin: &[u8]) -> Option<Cause> {
    if plugin.is_empty() || !is_own_mapper_installed() {
        return None;
    }
    let library = [b"libsubid_", plugin, b".so"].concat();
    let plugin = String::from_utf8_lossy(plugin);
    if is_installed(&library) {
        // Error ignored: the mapper reports why it cannot execute the variant.
        let is_missing = matches!(fs::exists(VARIANT), Ok(false));
        return is_missing.then(|| Cause::new(&NO_VARIANT, &[("plugin", &plugin)]));
    }
    let (line, library) = (line_of_plugin(), String::from_utf8_lossy(&library));
    Some(Cause::new(&NO_PLUGIN, &[("library", &library), ("plugin", &plugin), ("line", &line)]))
}

fn line_of_plugin() -> u32 {
    let mut found = None;
    each_line_of(NSSWITCH_FILE, |number, line| {
        found = found.or_else(|| plugin_of_line(line).map(|_| number));
    });
    found.unwrap_or_default()
}

fn is_installed(library: &[u8]) -> bool {
    // Error ignored: without a cache, only the directories are searched.
    let cache = fs::read(CACHE).ok().unwrap_or_default();
    let named = [library, b"\0"].concat();
    let is_cached = || cache.windows(named.len()).any(|part| part == named);
    let library = OsStr::from_bytes(library);
    // Error ignored: what cannot be examined cannot be loaded.
    DIRS.iter().flat_map(with_subdirs).any(|dir| dir.join(library).exists()) || is_cached()
}

/// A directory and its subdirectories.
fn with_subdirs(dir: &&str) -> Vec<PathBuf> {
    // Error ignored: most hosts lack some of them.
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    // Error ignored: what cannot be examined cannot be loaded.
    let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    std::iter::once(Path::new(dir).to_owned()).chain(dirs.map(|entry| entry.path())).collect()
}
