//! `subroot import`, `export`, `rm` and `du`: trees of files that belong to subordinate IDs.

mod commit;
mod export;
mod formats;
mod hostile_store;
mod import;
mod interrupted;
mod prepare;
mod registry;
mod run;
mod sources;
mod store;
mod store_faults;
mod store_locks;
mod stored;
mod trees;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use subroot_tests::sandbox::give;
use subroot_tests::{Host, User};

/// A host on which alice can import.
fn host() -> (Host, User) {
    let host = Host::new();
    host.install_image_program();
    let alice = host.user("alice");
    (host, alice)
}

fn subroot(user: &User, words: &[&str]) -> Command {
    let mut command = user.command("subroot");
    command.args(words);
    command
}

/// Gives alice an archive that this script makes in an empty directory as root. `$0` is the archive.
fn archive(alice: &User, name: &str, script: &str) {
    let (dir, path) = (Path::new("/tmp/source"), alice.home.join(name));
    // Error ignored: there is none yet.
    let _ = fs::remove_dir_all(dir);
    fs::create_dir(dir).expect("a directory in a fresh tmpfs");
    let made = Command::new("sh").args(["-ec", script]).arg(&path).current_dir(dir).output();
    let made = made.expect("starting sh");
    assert!(made.status.success(), "{made:?}");
    give(&path, alice, 0o644);
}

/// Every entry of a tree except devices and their neighbours, with its type, mode, owner, time and link target; the
/// size, number of links and checksum of each file; and all attributes. `$0` is the directory.
const LISTING: &str = r#"
    cd "$0" && export LC_ALL=C
    find . -path './dev/*' -prune -o -printf '%P %y %m %U:%G %T@ %l ' \( -type f -printf '%s %n ' -o -true \) -printf '\n' | sort
    find . -type f -exec sha256sum {} + | sort -k2
    find . -path './dev/*' -prune -o -print0 | sort -z | xargs -0 getfattr -d -m - -h -e hex 2>/dev/null
"#;

/// The listing of a tree in alice's home, as root of her sandboxes sees it.
fn listing_inside(host: &Host, alice: &User, dir: &str) -> String {
    host.output(&mut subroot(alice, &["unshare", "--", "sh", "-c", LISTING, dir])).ok()
}

/// The names in alice's home.
fn names(alice: &User) -> Vec<String> {
    let entries = fs::read_dir(&alice.home).expect("reading alice's home");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Standard input from a file.
fn with_input(mut command: Command, path: &Path) -> Command {
    command.stdin(File::open(path).expect("opening an archive"));
    command
}
