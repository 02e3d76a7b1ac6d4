//! The applier of archives, on archives that are random or made of pieces that are dangerous together. Whatever
//! they contain, nothing outside of the root changes, and no layer has what only the launcher may make.
#![no_main]
#![allow(unsafe_code)] // unshare(2)

mod outside;
mod pieces;

use libfuzzer_sys::fuzz_target;
use outside::{ROOT, Snapshot};
use std::fs::{self, File};
use std::io::Cursor;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::OnceLock;
use subroot_image::Error;
use subroot_image::apply::Whiteouts;
use subroot_image::apply::applier::{Options, Summary, apply};
use subroot_image::apply::owners::Owners;
use subroot_image::source::compression::decompressed;
use subroot_image::source::stream::ByteStream;
use subroot_image::tar::archive::Archive;

/// The maximum size of all files.
const MAX_SIZE: u64 = 1 << 22;
/// Bits of the first byte.
const OVERLAY: u8 = 1;
const HAS_LOWER: u8 = 2;
const RAW: u8 = 4;

static OUTSIDE: OnceLock<Snapshot> = OnceLock::new();

fuzz_target!(
    init: {
        outside::enter();
        OUTSIDE.get_or_init(outside::make);
    },
    |input: &[u8]| {
        let Some((how, rest)) = input.split_first() else { return };
        fs::create_dir(ROOT).expect("an empty tmpfs");
        if how & HAS_LOWER != 0 {
            outside::make_lower();
        }
        let tar = if how & RAW == 0 { pieces::archive(rest) } else { pieces::sealed(rest) };
        if let Err(error) = unpack(tar, *how) {
            assert!(!error.to_string().is_empty());
        }
        assert_eq!(&outside::now(), OUTSIDE.get().expect("made before"), "something outside has changed");
        assert_only_whiteouts(Path::new(ROOT), how & OVERLAY != 0);
        fs::remove_dir_all(ROOT).expect("removing the root");
    }
);

fn unpack(tar: Vec<u8>, how: u8) -> Result<Summary, Error> {
    let map = |kind| fs::read_to_string(format!("/proc/self/{kind}_map")).expect("own maps");
    let mut options = Options::new(Owners::mapped(&map("uid"), &map("gid"), true), MAX_SIZE);
    options.has_lower = how & HAS_LOWER != 0;
    if how & OVERLAY != 0 {
        options.whiteouts = Whiteouts::Overlay;
    }
    let root = File::open(ROOT).expect("the root");
    let stream = ByteStream::new(decompressed(Cursor::new(tar))?, MAX_SIZE);
    apply(Archive::new(stream), root.into(), options)
}

/// The only devices are the marks of deleted files in a layer for overlayfs.
fn assert_only_whiteouts(dir: &Path, is_overlay: bool) {
    for entry in fs::read_dir(dir).expect("reading the root") {
        let entry = entry.expect("an entry");
        let found = entry.metadata().expect("examining an entry");
        let kind = found.file_type();
        let is_device = kind.is_char_device() || kind.is_block_device();
        assert!(!is_device || is_overlay && found.rdev() == 0, "a device: {}", entry.path().display());
        if kind.is_dir() {
            assert_only_whiteouts(&entry.path(), is_overlay);
        }
    }
}
