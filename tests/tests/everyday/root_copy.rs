//! A root is backed up by its own tar, from inside, and restored elsewhere: the copy runs like the original.

use crate::job::{Debian, GRANTED, NO_ROOT};
use std::fs;
use std::os::unix::fs::MetadataExt;
use subroot_tests::{Outcome, skip};

/// Without large files that are not used here.
const BACK_UP: &str = "tar --create --one-file-system --numeric-owner --exclude=./usr/lib/gcc --exclude=./usr/share/nodejs \
    --exclude=./srv/packages --exclude=./usr/lib/git-core --directory / .";

#[test]
fn a_root_is_backed_up_and_restored_and_runs() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    debian.output("useradd --create-home worker; su worker -c 'echo mine >~/file; chmod 600 ~/file'");
    let by_alice = |line: &str| -> Outcome {
        let line = line.replace("ROOT", &debian.rootfs.path.display().to_string());
        debian.host.output(debian.alice.command("bash").args(["-euo", "pipefail", "-c", &line]))
    };
    by_alice(&format!("subroot run ROOT -- {BACK_UP} >~/backup.tar")).ok();
    by_alice(
        "mkdir ~/copy; subroot unshare tar --extract --preserve-permissions --directory ~/copy <~/backup.tar",
    )
    .ok();
    let seen = by_alice(
        "subroot run ~/copy -- bash -c 'su worker -c \"id -un; cat ~/file\"; sudo -u worker id -un; ls -A /dev /proc/self/fd | wc -l'",
    );
    assert!(seen.stdout.starts_with("worker\nmine\nworker\n"), "{seen:?}");
    let file = fs::metadata(debian.alice.home.join("copy/home/worker/file")).expect("the worker's file");
    assert_eq!((file.uid(), file.mode() & 0o7777), (GRANTED + 999, 0o600));
    by_alice("subroot unshare rm -rf ~/copy; test ! -e ~/copy").ok();
}
