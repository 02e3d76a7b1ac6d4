//! The unsafe code of the entry point under AddressSanitizer, on heap blocks of exactly the size that it may
//! access.
#![no_main]
#![no_builtins] // otherwise the compiler would replace these routines by calls of the C library's
#![allow(unsafe_code)] // the functions under test are unsafe to call

use libfuzzer_sys::fuzz_target;
use std::cmp::Ordering;

#[allow(dead_code, unused_imports)] // the entry itself, which is not for a program with a libc
#[path = "../../newidmap-helper/src/start.rs"]
mod start;

const PROGRAM: newidmap_helper::Program = newidmap_helper::Program::NEWIDMAP_HELPER;

/// AT_UID and AT_GID in linux/auxvec.h.
const AT_UID: usize = 11;
const AT_GID: usize = 13;

fuzz_target!(|input: &[u8]| {
    let [one, two, rest @ ..] = input else { return };
    let (one, two) = (usize::from(*one), usize::from(*two));
    copies(rest);
    moves(rest, one, two);
    fills(rest.len(), one);
    compares(rest, one);
    reads_a_string(rest);
    reads_a_stack(rest, one % 8, two % 8);
});

fn copies(from: &[u8]) {
    let from: Box<[u8]> = from.into();
    let mut to = vec![0; from.len()].into_boxed_slice();
    // SAFETY: both blocks have `count` bytes and do not overlap.
    let returned = unsafe { start::memcpy(to.as_mut_ptr(), from.as_ptr(), from.len()) };
    assert_eq!(returned.cast_const(), to.as_ptr());
    assert_eq!(to, from);
}

fn moves(bytes: &[u8], one: usize, two: usize) {
    let (from, to) = (one.min(bytes.len()), two.min(bytes.len()));
    let count = bytes.len() - from.max(to);
    let mut moved: Box<[u8]> = bytes.into();
    let mut expected = bytes.to_vec();
    expected.copy_within(from..from + count, to);
    let block = moved.as_mut_ptr();
    // SAFETY: the block has at least that many bytes from either offset.
    let returned = unsafe { start::memmove(block.add(to), block.add(from), count) };
    assert_eq!(returned.addr(), block.addr() + to);
    assert_eq!(*moved, *expected);
}

fn fills(count: usize, byte: usize) {
    let mut filled = vec![0x55; count].into_boxed_slice();
    let word = i32::try_from(byte).expect("a byte") - 128;
    // SAFETY: the block has `count` bytes.
    unsafe { start::memset(filled.as_mut_ptr(), word, count) };
    assert!(filled.iter().all(|filled| *filled == word.to_le_bytes()[0]));
}

fn compares(bytes: &[u8], other: usize) {
    let left: Box<[u8]> = bytes.into();
    let mut right: Box<[u8]> = bytes.into();
    let (half, count) = (bytes.len() / 2, bytes.len());
    if let Some(byte) = right.get_mut(other) {
        *byte = byte.wrapping_add(1);
    }
    for (left, right, count) in [(&left[..], &right[..], count), (&left[..half], &left[count - half..], half)]
    {
        // SAFETY: both sides have at least that many bytes.
        let (order, differs) = unsafe {
            (
                start::memcmp(left.as_ptr(), right.as_ptr(), count),
                start::bcmp(left.as_ptr(), right.as_ptr(), count),
            )
        };
        assert_eq!(order.cmp(&0), left.cmp(right));
        assert_eq!(differs == 0, left.cmp(right) == Ordering::Equal);
    }
}

fn reads_a_string(text: &[u8]) {
    let string: Box<[u8]> = text.iter().copied().chain([0]).collect();
    let expected = text.split(|byte| *byte == 0).next().unwrap_or_default();
    // SAFETY: the block ends with a NUL and outlives the result.
    assert_eq!(unsafe { start::bytes(string.as_ptr()) }, expected);
}

/// Builds the stack that the kernel provides (execve(2), getauxval(3)), with invalid pointers, because none
/// may be followed.
fn reads_a_stack(input: &[u8], argc: usize, variables: usize) {
    let pairs = input.chunks_exact(9).map(|pair| {
        let value: [u8; 8] = pair[1..].try_into().expect("eight bytes");
        let short = if pair[0] & 64 == 0 { u64::from(u32::MAX) } else { u64::MAX };
        (usize::from(pair[0] % 32), usize::try_from(u64::from_le_bytes(value) & short).expect("a word"))
    });
    let pairs: Vec<(usize, usize)> = pairs.take_while(|(key, _)| *key != 0).collect();
    let mut stack = vec![argc];
    stack.extend((0..argc).map(|at| at + 1));
    stack.push(0);
    stack.extend((0..variables).map(|at| usize::MAX - at));
    stack.push(0);
    stack.extend(pairs.iter().flat_map(|(key, value)| [*key, *value]));
    stack.push(0);
    let last = |wanted| pairs.iter().rev().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
    let id = |wanted| last(wanted).and_then(|value| u32::try_from(value).ok());
    // SAFETY: argc, its pointers, a null, more pointers, a null, and pairs up to the terminating key.
    assert_eq!(unsafe { start::real_ids(stack.into_boxed_slice().as_ptr()) }, id(AT_UID).zip(id(AT_GID)));
}
