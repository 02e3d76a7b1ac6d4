//! Executes the command from a process whose program file no ID of the sandbox can own.
//!
//! The kernel opens a script's interpreter before the new program takes over, so `#!/proc/self/exe` refers to
//! the program of the process that calls execve(2). A command that owned that file could change its mode,
//! owner, times and content through /proc/PID/exe (CVE-2019-5736). Therefore the command's process first
//! becomes a tiny program in sealed memory, which calls execve(2). If the program file is owned by the host's
//! root, no shim is needed: root is never mapped for another user.
#![allow(unsafe_code)]

use crate::failure::Failure;
use crate::sys;
use crate::sys::program::Arguments;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::stat::stat;
use nix::unistd::{geteuid, write};
use std::arch::global_asm;
use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

/// Write permission for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The shim for one launch.
pub(crate) struct Shim {
    memory: OwnedFd,
    report: RawFd,
}

impl Shim {
    /// Creates a shim for a command whose process has this report pipe. None is needed if this program's file
    /// is owned by root and writable only by root, and this process cannot map any of root's IDs because it
    /// is neither root nor has a capability.
    ///
    /// # Errors
    /// An error of stat(2), capget(2) or memfd_create(2), such as EACCES if vm.memfd_noexec is 2
    /// (proc_sys_vm(5)).
    pub(crate) fn new_if_needed(report: &OwnedFd) -> Result<Option<Shim>, Errno> {
        let program = stat("/proc/self/exe")?;
        let is_roots =
            program.st_uid == 0 && !geteuid().is_root() && sys::credentials::effective_capabilities()? == 0;
        if is_roots && program.st_mode & WRITABLE_BY_OTHERS == 0 {
            return Ok(None);
        }
        Ok(Some(Shim {
            memory: sys::program::executable_memory(c"subroot-shim")?,
            report: report.as_raw_fd(),
        }))
    }

    /// The file in memory.
    pub(crate) fn memory(&self) -> &OwnedFd {
        &self.memory
    }

    /// Becomes the shim, which becomes the program. If the shim fails, it sends `likely` to the report pipe
    /// if the errno is that of `likely`, or else `other` with the kernel's errno, and ends. Returns only if
    /// the shim itself cannot be executed.
    pub(crate) fn execute(
        &self,
        program: &CStr,
        (arguments, environment): (&Arguments, &Arguments),
        [likely, other]: [&Failure; 2],
    ) -> Errno {
        match self.fill(&image(&self.data(likely, other))) {
            Ok(()) => sys::program::execute_open(&self.memory, &arguments.with_first(program), environment),
            Err(errno) => errno,
        }
    }

    /// Writes and seals the file in memory, and keeps the report pipe open across the execve of the shim.
    fn fill(&self, image: &[u8]) -> Result<(), Errno> {
        sys::descriptors::keep_on_exec(self.report)?;
        if write(&self.memory, image)? != image.len() {
            return Err(Errno::ENOSPC);
        }
        let seals =
            [SealFlag::F_SEAL_WRITE, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_SEAL];
        fcntl(&self.memory, FcntlArg::F_ADD_SEALS(seals.into_iter().collect())).map(drop)
    }

    /// The data that the code reads: four 32-bit numbers, then both records. See the assembly below.
    fn data(&self, likely: &Failure, other: &Failure) -> Vec<u8> {
        let (first, second) = (likely.record(), other.record());
        let length = |record: &[u8]| u32::try_from(record.len()).ok().unwrap_or(0);
        let numbers = [
            self.report.unsigned_abs(),
            (likely.errno as i32).unsigned_abs(),
            length(&first),
            length(&second),
        ];
        let numbers = numbers.into_iter().flat_map(u32::to_ne_bytes).collect();
        [numbers, first, second].concat()
    }
}

/// The program as an ELF file that is loaded at a fixed address: elf(5).
fn image(data: &[u8]) -> Vec<u8> {
    const ADDRESS: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 2 * 56;
    let content = [code(), data].concat();
    let length = HEADERS + u64::try_from(content.len()).ok().unwrap_or(0);
    // ELF64, little-endian, ET_EXEC; two program headers follow the file header, and no section headers.
    let mut image = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    image.extend(MACHINE.to_le_bytes());
    image.extend(1_u32.to_le_bytes());
    image.extend([ADDRESS + HEADERS, 64, 0].into_iter().flat_map(u64::to_le_bytes));
    image.extend(0_u32.to_le_bytes());
    image.extend([64_u16, 56, 2, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes));
    // PT_LOAD, readable and executable; PT_GNU_STACK, readable and writable.
    segment(&mut image, [1, 5], [0, ADDRESS, ADDRESS, length, length, 0x1_0000]);
    segment(&mut image, [0x6474_e551, 6], [0, 0, 0, 0, 0, 16]);
    image.extend(content);
    image
}

fn segment(image: &mut Vec<u8>, kind_and_flags: [u32; 2], numbers: [u64; 6]) {
    image.extend(kind_and_flags.into_iter().flat_map(u32::to_le_bytes));
    image.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
}

unsafe extern "C" {
    static subroot_shim_start: u8;
    static subroot_shim_end: u8;
}

fn code() -> &'static [u8] {
    let (start, end) = (&raw const subroot_shim_start, &raw const subroot_shim_end);
    // SAFETY: the assembly below puts both labels into one read-only section, the end after the start.
    unsafe { std::slice::from_raw_parts(start, end.addr() - start.addr()) }
}

/// e_machine: elf(5).
const MACHINE: u16 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };

// argv[0] is the program's path; its arguments follow. The report pipe gets FD_CLOEXEC, so the program's
// start closes it, which tells the launcher that the command has started. If it is already closed, the shim
// is being run as the interpreter of a script, and ends. If execve(2) returns, one writev(2) sends the record
// that fits the errno, with the errno in bytes 1 to 4.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .rodata.subroot_shim, \"a\"",
    ".balign 8",
    "subroot_shim_start:",
    "lea rbx, [rip + 3f]",
    "mov edi, [rbx]",
    "mov esi, 2",  // F_SETFD
    "mov edx, 1",  // FD_CLOEXEC
    "mov eax, 72", // fcntl
    "syscall",
    "test eax, eax",
    "js 4f",
    "mov rdi, [rsp + 8]",
    "lea rsi, [rsp + 16]",
    "mov rcx, [rsp]",
    "lea rdx, [rsp + rcx * 8 + 16]",
    "mov eax, 59", // execve
    "syscall",
    "neg eax",
    "push rax",
    "mov r8, rsp",
    "lea rsi, [rbx + 16]",
    "mov edx, [rbx + 8]",
    "cmp eax, [rbx + 4]",
    "je 2f",
    "add rsi, rdx",
    "mov edx, [rbx + 12]",
    "2:",
    "lea rcx, [rsi + 5]",
    "sub edx, 5",
    "push rdx", // the rest of the record
    "push rcx",
    "push 4", // the errno
    "push r8",
    "push 1", // the step
    "push rsi",
    "mov rsi, rsp",
    "mov edi, [rbx]",
    "mov edx, 3",
    "mov eax, 20", // writev
    "syscall",
    "4:",
    "mov edi, 126",
    "mov eax, 231", // exit_group
    "syscall",
    ".balign 8",
    "3:",
    "subroot_shim_end:",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .rodata.subroot_shim, \"a\"",
    ".balign 8",
    "subroot_shim_start:",
    "adr x19, 3f",
    "ldr w0, [x19]",
    "mov x1, #2",  // F_SETFD
    "mov x2, #1",  // FD_CLOEXEC
    "mov x8, #25", // fcntl
    "svc #0",
    "cbnz w0, 4f",
    "ldr x0, [sp, #8]",
    "add x1, sp, #16",
    "ldr x3, [sp]",
    "add x2, sp, x3, lsl #3",
    "add x2, x2, #16",
    "mov x8, #221", // execve
    "svc #0",
    "neg w20, w0",
    "sub sp, sp, #64",
    "str w20, [sp, #48]",
    "add x3, x19, #16",
    "ldr w4, [x19, #8]",
    "ldr w5, [x19, #4]",
    "cmp w20, w5",
    "b.eq 2f",
    "add x3, x3, x4",
    "ldr w4, [x19, #12]",
    "2:",
    "mov x5, #1",
    "stp x3, x5, [sp]", // the step
    "add x6, sp, #48",
    "mov x7, #4",
    "stp x6, x7, [sp, #16]", // the errno
    "add x3, x3, #5",
    "sub x4, x4, #5",
    "stp x3, x4, [sp, #32]", // the rest of the record
    "ldr w0, [x19]",
    "mov x1, sp",
    "mov x2, #3",
    "mov x8, #66", // writev
    "svc #0",
    "4:",
    "mov x0, #126",
    "mov x8, #94", // exit_group
    "svc #0",
    ".balign 8",
    "3:",
    "subroot_shim_end:",
    ".popsection",
);
