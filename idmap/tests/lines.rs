//! Reading a file line by line gives the lines of a naive split, however the reads and the buffer divide it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;
use subroot_idmap::each_line;

type Lines = Vec<(u32, Vec<u8>)>;

/// Reads `content` in chunks of the given sizes, repeating the list.
fn lines_of(content: &[u8], chunks: &[usize], buffer: usize) -> Lines {
    let mut sizes = chunks.iter().cycle();
    let mut rest = content;
    let mut seen = Vec::new();
    let read = |into: &mut [u8], _| {
        let size = rest.len().min(into.len()).min(*sizes.next().unwrap());
        into[..size].copy_from_slice(&rest[..size]);
        rest = &rest[size..];
        Ok::<_, ()>(size)
    };
    each_line(&mut vec![0; buffer], read, |number, line| seen.push((number, line.to_vec()))).unwrap();
    seen
}

/// The model: splits the whole file, and cuts lines that are longer than the buffer.
fn naive_lines(content: &[u8], buffer: usize) -> Lines {
    let text = content.strip_suffix(b"\n").unwrap_or(content);
    if content.is_empty() {
        return Vec::new();
    }
    let cut = |line: &[u8]| line[..line.len().min(buffer)].to_vec();
    (1..).zip(text.split(|byte| *byte == b'\n').map(cut)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_reads_through_any_buffer_give_the_lines_of_a_naive_split(
        // Includes neighbours of the newline, and the newline with its highest bit set, because the code
        // compares eight bytes at once.
        content in prop::collection::vec(prop::sample::select(b"\n\nabcdefg\x09\x0b\x8a".to_vec()), 0..90),
        chunks in prop::collection::vec(1..40_usize, 1..6),
        buffer in 1..40_usize,
    ) {
        prop_assert_eq!(lines_of(&content, &chunks, buffer), naive_lines(&content, buffer));
    }
}

#[test]
fn a_line_of_the_buffer_s_length_is_whole_and_a_longer_one_is_cut() {
    let expected = [(1, b"abcd".to_vec()), (2, b"abcd".to_vec()), (3, b"x".to_vec())];
    assert_eq!(lines_of(b"abcd\nabcdefghijkl\nx", &[64], 4), expected);
}

#[test]
fn the_last_line_needs_no_newline_and_an_empty_file_has_no_line() {
    assert_eq!(lines_of(b"a\nb", &[1], 8), lines_of(b"a\nb\n", &[1], 8));
    assert_eq!(lines_of(b"", &[1], 8), []);
    assert_eq!(lines_of(b"\n", &[1], 8), [(1, b"".to_vec())]);
}

#[test]
fn an_error_of_the_read_ends_the_reading() {
    let mut reads = 0;
    let read = |into: &mut [u8], _| {
        reads += 1;
        into[..2].copy_from_slice(b"a\n");
        if reads == 1 { Ok(2) } else { Err("input/output error") }
    };
    let mut seen = 0;
    assert_eq!(each_line(&mut [0; 8], read, |_, _| seen += 1), Err("input/output error"));
    assert_eq!(seen, 1);
}
