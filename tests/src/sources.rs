//! Refuses to test a program that is older than its sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

/// The sources of the launcher, below the workspace. `assert_fresh` in tests/steps.bash has the same lists.
const LAUNCHER: &[&str] =
    &["launcher/src", "launcher/build.rs", "launcher/Cargo.toml", "idmap/src", "Cargo.toml", "Cargo.lock"];
/// The same for subroot-image, which contains the launcher's library.
const IMAGE: &[&str] = &[
    "image/src",
    "image/Cargo.toml",
    "launcher/src",
    "launcher/build.rs",
    "launcher/Cargo.toml",
    "idmap/src",
    "Cargo.toml",
    "Cargo.lock",
];
/// The same for the mapper's programs.
const MAPPER: &[&str] = &[
    "newidmap-helper/src",
    "newidmap-helper/nss/src",
    "newidmap-helper/build.rs",
    "newidmap-helper/no-unwinding.ld",
    "newidmap-helper/Cargo.toml",
    "newidmap-helper/nss/Cargo.toml",
    "idmap/src",
    "Cargo.toml",
    "Cargo.lock",
];

type Change = (SystemTime, PathBuf);

/// Fails the test if a source of the program was changed after the program was built.
///
/// # Panics
/// In that case. Run `packaging/build programs` or tests/quick first.
pub(crate) fn assert_fresh(program: &Path, workspace: &Path) {
    static LAST_CHANGES: [OnceLock<Change>; 3] = [const { OnceLock::new() }; 3];
    // A missing program is reported by the code that reads it.
    let Ok(built) = fs::metadata(program).and_then(|file| file.modified()) else { return };
    let (at, sources) = match program.file_name().and_then(|name| name.to_str()) {
        Some("subroot") => (0, LAUNCHER),
        Some("subroot-image") => (1, IMAGE),
        _ => (2, MAPPER),
    };
    // Found only once, because a test's host may cover the workspace later.
    let (changed, source) = LAST_CHANGES[at].get_or_init(|| last_change(workspace, sources));
    assert!(
        *changed <= built,
        "{} is older than {}: run `packaging/build programs` or tests/quick first",
        program.display(),
        source.display()
    );
}

fn last_change(workspace: &Path, sources: &[&str]) -> Change {
    let mut paths: Vec<PathBuf> = sources.iter().map(|source| workspace.join(source)).collect();
    let mut last = (SystemTime::UNIX_EPOCH, PathBuf::new());
    while let Some(path) = paths.pop() {
        let fail = |error| panic!("{}: {error}", path.display());
        let file = fs::metadata(&path).unwrap_or_else(fail);
        if file.is_dir() {
            let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            paths.extend(entries.map(|entry| entry.expect("a source").path()));
        } else {
            last = last.max((file.modified().expect("a time"), path));
        }
    }
    last
}
