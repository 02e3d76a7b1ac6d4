//! The digests of layers, which are compared while they are applied.

use crate::builder::{Scratch, Tar, open};
use flate2::Compression;
use flate2::write::GzEncoder;
use nix::unistd::{getegid, geteuid};
use std::io::{Cursor, Write as _};
use subroot_image::Error;
use subroot_image::apply::Whiteouts;
use subroot_image::apply::applier::Options;
use subroot_image::apply::layer::{Expected, apply_layer};
use subroot_image::apply::owners::Owners;
use subroot_image::digest::Digest;

fn expected(blob: &[u8], tar: &[u8]) -> Expected {
    Expected {
        blob: Digest::of(blob),
        size: blob.len() as u64,
        diff_id: Some(Digest::of(tar)),
        whiteouts: Whiteouts::Flat,
        has_lower: false,
    }
}

fn applied(blob: &[u8], expected: &Expected) -> Result<Digest, Error> {
    let scratch = Scratch::new();
    let options = Options::new(Owners::only(geteuid().as_raw(), getegid().as_raw()), 1 << 30);
    let blob = Cursor::new(blob.to_vec());
    let (summary, digest) = apply_layer(blob, open(&scratch.root()), options, expected)?;
    assert_eq!(summary.entries, 1);
    Ok(digest)
}

fn tar() -> Vec<u8> {
    // After its end, a layer may have more zeros, which belong to the digest.
    [Tar::default().file("f", &"text".repeat(700_000)).end(), vec![0; 8192]].concat()
}

fn compressed(tar: &[u8]) -> [Vec<u8>; 3] {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(tar).unwrap();
    [tar.to_vec(), gzip.finish().unwrap(), zstd::encode_all(tar, 1).unwrap()]
}

#[test]
fn a_layer_with_its_digests_is_applied_whatever_its_compression() {
    let tar = tar();
    for blob in compressed(&tar) {
        let mut expected = expected(&blob, &tar);
        assert_eq!(applied(&blob, &expected).unwrap(), Digest::of(&tar));
        expected.diff_id = None;
        assert_eq!(applied(&blob, &expected).unwrap(), Digest::of(&tar));
    }
}

#[test]
fn a_layer_with_another_digest_is_refused() {
    let tar = tar();
    let refusal = |blob: &[u8], change: fn(&mut Expected)| {
        let mut expected = expected(blob, &tar);
        change(&mut expected);
        applied(blob, &expected).err().unwrap().to_string()
    };
    for blob in compressed(&tar) {
        let other = refusal(&blob, |expected| expected.diff_id = Some(Digest::of(b"")));
        assert!(other.contains("checking the layer without its compression"), "{other}");
        let other = refusal(&blob, |expected| expected.blob = Digest::of(b""));
        assert!(other.contains("checking the layer: its digest is"), "{other}");
        let long = refusal(&blob, |expected| expected.size += 1);
        assert!(long.contains("the layer is truncated"), "{long}");
        refusal(&blob, |expected| expected.size -= 1);
    }
}

/// Both names of its content cannot be right.
#[test]
fn a_compressed_layer_with_only_one_digest_is_refused() {
    let tar = tar();
    let [_, gzip, _] = compressed(&tar);
    let mut expected = expected(&gzip, &tar);
    expected.blob = Digest::of(&tar);
    assert!(applied(&gzip, &expected).err().unwrap().to_string().contains("not a tar"));
}
