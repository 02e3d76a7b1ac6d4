//! The documents that packages install: they are all there, and no link in them is dead.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// One file of each kind that a package must have below `/usr/share/doc/PACKAGE`.
const DOCUMENTS: [(&str, &[&str]); 3] = [
    (
        "subroot",
        &[
            "README.md",
            "guide/administrators.md",
            "html/index.html",
            "html/troubleshooting.html",
            "html/subroot-run.1.html",
            "examples/recipes/slurm/array.sbatch",
            "examples/recipes/gitlab-runner/run",
            "examples/etc-subuid/one-user/subuid",
        ],
    ),
    ("newidmap-helper", &["README.md", "examples/mapper.conf"]),
    ("subroot-uidmap", &["differences-from-shadow.md", "examples/mapper.conf"]),
];

/// Asserts that these packages have their documents in this `/usr/share/doc`.
#[track_caller]
pub(crate) fn assert_documented(share: &Path, packages: &[&str]) {
    for (package, files) in DOCUMENTS.iter().filter(|(package, _)| packages.contains(package)) {
        let dir = share.join(package);
        for file in *files {
            assert!(dir.join(file).is_file(), "{}", dir.join(file).display());
        }
        let dead = subroot_docs::dead_links(&dir).expect("the documents");
        assert!(dead.is_empty(), "dead links in {}:\n{}", dir.display(), dead.join("\n"));
        assert_modes(&dir, Path::new(""));
    }
}

/// Every user can read every file; of the files, only programs among the recipes can be executed.
#[track_caller]
fn assert_modes(dir: &Path, below: &Path) {
    for entry in fs::read_dir(dir.join(below)).expect("a directory") {
        let path = below.join(entry.expect("an entry").file_name());
        let facts = fs::metadata(dir.join(&path)).expect("a file's status");
        let is_program = path.starts_with("examples/recipes")
            && path.extension().is_none()
            && starts_as_script(&dir.join(&path));
        let expected = if facts.is_dir() || is_program { 0o755 } else { 0o644 };
        assert_eq!(facts.mode() & 0o7777, expected, "{}", dir.join(&path).display());
        if facts.is_dir() {
            assert_modes(dir, &path);
        }
    }
}

fn starts_as_script(file: &Path) -> bool {
    fs::read(file).is_ok_and(|content| content.starts_with(b"#!"))
}
