//! The release builds as files: static, small, with no segment that is both writable and executable.

use crate::privileged_program::PROGRAMS;
use std::fs;
use subroot_tests::{budget, release_program};

const EXECUTABLE: u16 = 2;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
const GNU_STACK: u32 = 0x6474_e551;
const MAY_EXECUTE: u32 = 1;
const MAY_WRITE: u32 = 2;

/// A program header: elf(5).
struct Segment {
    kind: u32,
    flags: u32,
}

/// A 64-bit little-endian ELF file, as on both architectures of the project.
struct Elf {
    kind: u16,
    segments: Vec<Segment>,
    size: usize,
}

impl Elf {
    fn read(program: &str) -> Elf {
        let path = release_program(program);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(bytes[..6], *b"\x7fELF\x02\x01", "a 64-bit little-endian ELF file");
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let first = usize::try_from(word(32)).expect("an offset");
        let (size, count) = (usize::from(half(54)), usize::from(half(56)));
        let segment = |n: usize| Segment { kind: word(first + n * size), flags: word(first + n * size + 4) };
        Elf { kind: half(16), segments: (0..count).map(segment).collect(), size: bytes.len() }
    }

    fn of_kind(&self, kind: u32) -> Vec<&Segment> {
        self.segments.iter().filter(|segment| segment.kind == kind).collect()
    }
}

#[test]
fn no_loader_and_no_library_has_a_part_in_them() {
    for elf in PROGRAMS.map(Elf::read) {
        assert_eq!(elf.kind, EXECUTABLE);
        assert!(elf.of_kind(INTERPRETER).is_empty(), "a loader");
        assert!(elf.of_kind(DYNAMIC).is_empty(), "a list of needed libraries");
    }
}

#[test]
fn nothing_is_both_writable_and_executable() {
    let both = MAY_WRITE | MAY_EXECUTE;
    for elf in PROGRAMS.map(Elf::read) {
        let loaded = elf.of_kind(LOAD);
        assert!(loaded.len() > 1 && loaded.iter().all(|segment| segment.flags & both != both));
        let stack = elf.of_kind(GNU_STACK);
        assert!(stack.len() == 1 && stack[0].flags & MAY_EXECUTE == 0, "an executable stack");
    }
}

#[test]
fn each_is_small() {
    for elf in PROGRAMS.map(Elf::read) {
        budget::BINARY_BYTES.hold(elf.size);
    }
}
