//! Where subroot-image is, the program that has the code for archives and images.

use std::env;
use std::path::{Path, PathBuf};

/// The program's name.
const NAME: &str = "subroot-image";
/// Where packages install it.
const BUILT_IN: &str = "/usr/libexec/subroot/subroot-image";
/// Where this program is `bin/subroot`, as the tarball's installer has it.
const BELOW_PREFIX: &str = "libexec/subroot/subroot-image";

/// Beside this program, in its prefix, or where packages install it.
pub(crate) fn find() -> Option<PathBuf> {
    // Error ignored: the installed one is then used.
    let own = env::current_exe().ok();
    let prefix = own.as_deref().and_then(Path::parent).and_then(Path::parent);
    let beside = own.as_deref().map(|own| own.with_file_name(NAME));
    let below = prefix.map(|prefix| prefix.join(BELOW_PREFIX));
    beside.into_iter().chain(below).chain([BUILT_IN.into()]).find(|path| is_there(path))
}

/// A file that cannot be examined counts: executing it then says why.
fn is_there(path: &Path) -> bool {
    // Error ignored: as above.
    path.try_exists().ok() != Some(false)
}
