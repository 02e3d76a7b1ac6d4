//! The entry of a program without libc: its first instructions, its arguments, and the memory routines the compiler calls.
#![allow(unsafe_code)] // nothing below the entry can be written without

use core::arch::{asm, global_asm};
use core::ffi::c_int;
use newidmap_helper::{Memory, Streams};
use rustix::stdio::{stderr, stdout};

// A stack of our own: a caller who sets RLIMIT_STACK to next to nothing then starves only the kernel's.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".local own_stack",
    ".comm own_stack, 131072, 4096",
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "lea rsp, [rip + own_stack + 131072]",
    "call {entry}",
    "mov edi, eax",
    "mov eax, 231", // exit_group
    "syscall",
    "ud2",
    entry = sym entry,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".local own_stack",
    ".comm own_stack, 131072, 4096",
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "adrp x1, own_stack + 131072",
    "add x1, x1, :lo12:own_stack + 131072",
    "mov sp, x1",
    "bl {entry}",
    "mov w8, 94", // exit_group
    "svc 0",
    "udf 0",
    entry = sym entry,
);

static mut MEMORY: Memory = Memory::EMPTY;

unsafe extern "C" fn entry(stack: *const usize) -> c_int {
    let memory = &raw mut MEMORY;
    // SAFETY: at the entry, the kernel has left argc and then as many argv pointers at the stack pointer (execve(2)); they
    // and their strings stay where they are. MEMORY is borrowed here alone, once. Descriptors 1 and 2 are only ever
    // handed back to the kernel, which answers EBADF where they are not open.
    let (words, streams, memory) = unsafe {
        let argv = stack.add(1).cast::<*const u8>();
        let words = (1..*stack).map(move |at| bytes(*argv.add(at)));
        (words, Streams { out: stdout(), err: stderr() }, &mut *memory)
    };
    c_int::from(newidmap_helper::run(words, &streams, memory))
}

unsafe fn bytes(string: *const u8) -> &'static [u8] {
    let mut length = 0;
    // SAFETY: the caller passes a string that ends with a NUL and is never written again.
    unsafe {
        while *string.add(length) != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(string, length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the compiler's own contract: both sides are valid for `count` bytes and, but for memmove, apart.
    (0..count).for_each(|at| unsafe { *to.add(at) = *from.add(at) });
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.addr() <= from.addr() {
        // SAFETY: going up, no byte is overwritten before it has been read.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: as for memcpy; going down, no byte is overwritten before it has been read.
    (0..count).rev().for_each(|at| unsafe { *to.add(at) = *from.add(at) });
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: c_int, count: usize) -> *mut u8 {
    // SAFETY: the compiler's own contract: `to` is valid for `count` bytes.
    (0..count).for_each(|at| unsafe { *to.add(at) = byte.to_le_bytes()[0] });
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    // SAFETY: the compiler's own contract: both sides are valid for `count` bytes.
    let pairs = (0..count).map(|at| unsafe { (*left.add(at), *right.add(at)) });
    pairs.map(|(left, right)| c_int::from(left) - c_int::from(right)).find(|order| *order != 0).unwrap_or(0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    // SAFETY: bcmp is memcmp whose sign nobody reads.
    unsafe { memcmp(left, right, count) }
}

/// Debug builds ask for the unwinder's entry points; with panic=abort nothing ever calls them.
#[cfg(debug_assertions)]
mod unwinder {
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}
    #[unsafe(no_mangle)]
    extern "C" fn _Unwind_Resume() {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: an undefined instruction ends the process; the release build has nothing that leads here.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("ud2", options(noreturn));
        #[cfg(target_arch = "aarch64")]
        asm!("udf #0", options(noreturn));
    }
}
