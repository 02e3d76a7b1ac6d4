//! Why a program cannot be executed, for errnos that are not specific enough.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::cdi::elf::{number, segments};
use crate::failure::Step;
use crate::sys::lookup::open_inside;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// e_machine in elf(5), and Rust's name for the architecture.
const MACHINES: [(u64, &str); 8] = [
    (3, "x86"),
    (8, "mips"),
    (21, "powerpc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
];
/// PT_INTERP in elf(5).
const PT_INTERP: u64 = 3;
/// The part of a `#!` line that the kernel reads: BINPRM_BUF_SIZE in linux/binfmts.h.
const SCRIPT_LINE: usize = 256;

/// The interpreter of a script, or the loader of an ELF program, if it does not exist.
pub(crate) fn missing_loader(program: &Path) -> Option<(Step, Vec<u8>)> {
    let mut file = open_program(program).ok()?;
    let mut start = [0; SCRIPT_LINE];
    let length = file.read(&mut start).ok()?;
    let start = start.get(..length)?;
    let (step, loader) = match start.strip_prefix(b"#!") {
        Some(line) => (Step::RunInterpreter, script_interpreter(line)?.to_vec()),
        None => (Step::RunLoader, elf_loader(&file, start)?),
    };
    let found = open_inside(Path::new(OsStr::from_bytes(&loader)), OFlag::O_PATH);
    matches!(found, Err(Errno::ENOENT | Errno::ENOTDIR)).then_some((step, loader))
}

/// Opens a program for reading, without blocking if it has been replaced by a pipe or a device.
fn open_program(path: &Path) -> Result<File, Errno> {
    open_inside(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).map(File::from)
}

/// The architecture that an ELF program is for, if it is not this one.
pub(crate) fn foreign_machine(program: &Path) -> Option<&'static str> {
    let mut header = [0; 20];
    open_program(program).ok()?.read_exact(&mut header).ok()?;
    header.starts_with(b"\x7fELF").then_some(())?;
    let machine = number::<2>(&header, 18)?;
    let (_, name) = MACHINES.into_iter().find(|(known, _)| *known == machine)?;
    (name != std::env::consts::ARCH).then_some(name)
}

/// The interpreter in a `#!` line. The kernel takes a CR as part of the name, so scripts with DOS line
/// endings do not run.
fn script_interpreter(line: &[u8]) -> Option<&[u8]> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    line.split(|byte| matches!(byte, b' ' | b'\t')).find(|field| !field.is_empty())
}

/// The path in the PT_INTERP segment of a 64-bit little-endian program.
fn elf_loader(file: &File, header: &[u8]) -> Option<Vec<u8>> {
    let interpreter =
        segments(file, header)?.into_iter().find(|segment| segment.kind() == Some(PT_INTERP))?;
    let (offset, length) = interpreter.in_file()?;
    let mut path = vec![0; usize::try_from(length).ok().filter(|length| *length <= 4096)?];
    file.read_exact_at(&mut path, offset).ok()?;
    path.retain(|byte| *byte != 0);
    Some(path)
}
