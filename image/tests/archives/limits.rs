//! Archives that try to use up memory or disk, and truncated ones.

use crate::builder::{Scratch, Tar, header, seal};
use std::io::Cursor;
use subroot_image::source::compression::decompressed;

#[test]
fn a_truncated_archive_is_refused() {
    let whole = Tar::default().file("a", &"x".repeat(600)).file("b", "y").end();
    for length in [100, 512, 700, 1536, 2048, 2560] {
        let scratch = Scratch::new();
        let why = scratch.refusal(whole[..length].to_vec());
        assert!(why.contains("truncated"), "{length}: {why}");
    }
    // Some programs write only one block of zeros.
    Scratch::new().apply(whole[..whole.len() - 512].to_vec()).unwrap();
}

#[test]
fn what_is_not_a_tar_is_refused() {
    assert!(Scratch::new().refusal(vec![b'x'; 4096]).contains("not a tar"));
}

#[test]
fn metadata_and_names_are_limited() {
    let scratch = Scratch::new();
    let large = vec![b'v'; 2 << 20];
    assert!(
        scratch.refusal(Tar::default().pax(&[("comment", &large)]).file("f", "").end()).contains("limit")
    );
    let long = vec![b'n'; 5000];
    assert!(scratch.refusal(Tar::default().pax(&[("path", &long)]).file("f", "").end()).contains("limit"));
    assert!(
        scratch.refusal(Tar::default().entry(b'L', "long", "", &long).file("f", "").end()).contains("limit")
    );
}

#[test]
fn sparse_maps_are_limited_and_must_match() {
    let scratch = Scratch::new();
    let sparse = |map: &str, size: &str, content: &str| {
        let records: [(&str, &[u8]); 2] =
            [("GNU.sparse.map", map.as_bytes()), ("GNU.sparse.size", size.as_bytes())];
        Tar::default().pax(&records).file("f", content).end()
    };
    scratch.apply(sparse("0,1,4,1", "6", "ab")).unwrap();
    assert_eq!(scratch.text("f"), "a\0\0\0b\0");
    let many = (0..20_000).map(|at| format!("{},0,", at)).collect::<String>();
    assert!(scratch.refusal(sparse(&many, "30000", "")).contains("sparse"));
    for (map, size, content) in [
        ("4,1,0,1", "6", "ab"),
        ("0,2,1,1", "6", "abc"),
        ("0,1,6,1", "6", "ab"),
        ("0,1", "6", "ab"),
        ("0,5", "6", "ab"),
        ("18446744073709551615,1", "6", "a"),
    ] {
        assert!(scratch.refusal(sparse(map, size, content)).contains("sparse map"), "{map}");
    }
    assert!(scratch.refusal(sparse("0,1", "9223372036854775807", "a")).contains("--max-size"));
}

/// Both would otherwise be collected in memory as long as the archive goes on.
#[test]
fn an_endless_sparse_map_is_refused() {
    let records: [(&str, &[u8]); 3] =
        [("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"5")];
    let digits = Tar::default().pax(&records).entry(b'0', "f", "", &vec![b'1'; 8 << 20]).end();
    assert!(Scratch::new().refusal(digits).contains("metadata is too large"));
    let mut blocks = header(b'S', "f", "", 0);
    blocks[257..265].copy_from_slice(b"ustar  \0");
    blocks[345..483].fill(0);
    blocks[482] = 1;
    blocks[483..494].copy_from_slice(b"00000000005");
    seal(&mut blocks);
    let mut block = vec![0; 512];
    block[504] = 1;
    blocks.extend(block.repeat(16 << 10));
    assert!(Scratch::new().refusal(blocks).contains("metadata is too large"));
}

#[test]
fn the_size_of_all_files_is_limited() {
    let scratch = Scratch::new();
    let tar = Tar::default().file("a", &"x".repeat(3000)).file("b", &"x".repeat(3000)).end();
    let refused = scratch.apply_with(tar, |options| options.max_size = 5000).err().unwrap();
    assert!(refused.to_string().contains("--max-size"), "{refused}");
}

#[test]
fn the_number_of_entries_is_limited_also_of_skipped_ones() {
    let scratch = Scratch::new();
    let tar = Tar::default().file("a", "").entry(b'3', "null", "", b"").file("b", "");
    let applied = |max: u64| scratch.apply_with(tar.clone().end(), |options| options.max_entries = max);
    assert!(applied(2).err().unwrap().to_string().contains("more than 2 entries"));
    applied(3).unwrap();
}

#[test]
fn an_impossible_size_is_refused() {
    let mut endless = header(b'0', "f", "", 0);
    endless[124] = 0x80;
    endless[125..136].fill(0xff);
    seal(&mut endless);
    Scratch::new().refusal(Tar(endless).end());
}

#[test]
fn formats_are_told_apart_by_their_first_bytes() {
    for (start, name) in [("BZh91AY", "bzip2"), ("PK\x03\x04..", "zip"), ("hsqs....", "squashfs")] {
        let refused = decompressed(Cursor::new(start.as_bytes().to_vec())).err().unwrap().to_string();
        assert!(refused.contains(name), "{refused}");
    }
    assert!(decompressed(Cursor::new(Vec::new())).err().unwrap().to_string().contains("empty"));
}
