//! The entry point for programs without libc: first instructions, arguments, and the memory routines that the
//! compiler calls.
#![allow(unsafe_code)] // nothing below the entry can be written without

use core::arch::{asm, global_asm};
use core::ffi::c_int;
use core::ptr::null;
use newidmap_helper::{Memory, NameService, Start, Unanswered};
use rustix::stdio::{stderr, stdout};
use subroot_idmap::{Caller, MAX_NAMES, Text};

// A separate stack: a caller that sets RLIMIT_STACK to almost nothing then limits only the kernel's initial
// one.
#[cfg(all(target_arch = "x86_64", not(fuzzing)))]
global_asm!(
    ".local own_stack",
    ".comm own_stack, 131072, 64",
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

#[cfg(all(target_arch = "aarch64", not(fuzzing)))]
global_asm!(
    ".local own_stack",
    ".comm own_stack, 131072, 64",
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

/// AT_NULL, AT_UID and AT_GID in linux/auxvec.h.
const AT_NULL: usize = 0;
const AT_UID: usize = 11;
const AT_GID: usize = 13;

unsafe extern "C" fn entry(stack: *const usize) -> c_int {
    let memory = &raw mut MEMORY;
    // SAFETY: at the entry, argc and then argc argv pointers are at the stack pointer (execve(2)); they and
    // their strings are never moved or freed. MEMORY is borrowed only here, once. Descriptors 1 and 2 are
    // only passed back to the kernel, which returns EBADF if they are not open.
    let (args, out, err, ids, memory) = unsafe {
        let argv = stack.add(1).cast::<*const u8>();
        let args = (1..*stack).map(move |at| bytes(*argv.add(at)));
        (args, stdout(), stderr(), real_ids(stack), &mut *memory)
    };
    let Some((uid, gid)) = ids else { return NO_IDS };
    let start = Start { program: crate::PROGRAM, uid, gid, out, err };
    c_int::from(newidmap_helper::run(&start, args, memory, &mut Variant { stack: stack.cast_mut() }))
}

/// Hands the request to the variant with name services: replaces this program by it, using a compiled-in
/// path.
struct Variant {
    stack: *mut usize,
}

impl NameService for Variant {
    /// Returns only if the variant is not installed or cannot be executed. The local files then decide alone.
    fn find_name(&mut self, _: &Caller, _: &mut Text<MAX_NAMES>) -> Result<bool, Unanswered> {
        let (path, environment) = (crate::PROGRAM.variant.as_ptr(), &null::<u8>());
        // SAFETY: the kernel left argc and argv at `stack`, writable and terminated by a null, and nothing
        // reads argv[0]. Without arguments argv[0] would be that null, so it is not written. execve(2) only
        // reads the path and the two lists, and returns only on failure; the environment is empty.
        unsafe {
            let argv = self.stack.add(1);
            if *self.stack > 0 {
                *argv = path.addr();
                #[cfg(target_arch = "x86_64")]
                asm!("syscall", inout("rax") 59_usize => _, in("rdi") path, in("rsi") argv,
                    in("rdx") environment, out("rcx") _, out("r11") _, options(nostack));
                #[cfg(target_arch = "aarch64")]
                asm!("svc 0", in("x8") 221_usize, inout("x0") path => _, in("x1") argv,
                    in("x2") environment, options(nostack));
            }
        }
        Ok(false)
    }
}

/// The exit status if the auxiliary vector has no real IDs. The kernel always provides them.
const NO_IDS: c_int = 6;

/// The process's real IDs, from the auxiliary vector: getauxval(3). The vector follows the pointers of argv
/// and of the environment. Those are skipped; no environment string is read.
pub(crate) unsafe fn real_ids(stack: *const usize) -> Option<(u32, u32)> {
    let (mut uid, mut gid) = (None, None);
    // SAFETY: the kernel lays out argc, argc pointers, a null, more pointers, a null, and pairs that end with
    // AT_NULL.
    unsafe {
        let mut at = stack.add(*stack + 2);
        while *at != 0 {
            at = at.add(1);
        }
        at = at.add(1);
        while *at != AT_NULL {
            match *at {
                AT_UID => uid = u32::try_from(*at.add(1)).ok(),
                AT_GID => gid = u32::try_from(*at.add(1)).ok(),
                _ => {}
            }
            at = at.add(2);
        }
    }
    uid.zip(gid)
}

pub(crate) unsafe fn bytes(string: *const u8) -> &'static [u8] {
    let mut length = 0;
    // SAFETY: the caller passes a string that ends with a NUL and is never written again.
    unsafe {
        while *string.add(length) != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(string, length)
    }
}

#[cfg_attr(not(fuzzing), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the compiler's contract: both sides are valid for `count` bytes, and do not overlap except for
    // memmove.
    (0..count).for_each(|at| unsafe { *to.add(at) = *from.add(at) });
    to
}

#[cfg_attr(not(fuzzing), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.addr() <= from.addr() {
        // SAFETY: copying upwards, each byte is read before it is overwritten.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: as for memcpy; copying downwards, each byte is read before it is overwritten.
    (0..count).rev().for_each(|at| unsafe { *to.add(at) = *from.add(at) });
    to
}

#[cfg_attr(not(fuzzing), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn memset(to: *mut u8, byte: c_int, count: usize) -> *mut u8 {
    // SAFETY: the compiler's contract: `to` is valid for `count` bytes.
    (0..count).for_each(|at| unsafe { *to.add(at) = byte.to_le_bytes()[0] });
    to
}

#[cfg_attr(not(fuzzing), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    // SAFETY: the compiler's contract: both sides are valid for `count` bytes.
    let pairs = (0..count).map(|at| unsafe { (*left.add(at), *right.add(at)) });
    pairs.map(|(left, right)| c_int::from(left) - c_int::from(right)).find(|order| *order != 0).unwrap_or(0)
}

#[cfg_attr(not(fuzzing), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    // SAFETY: bcmp is memcmp, except that callers do not use the sign.
    unsafe { memcmp(left, right, count) }
}

/// Debug builds refer to the unwinder's entry points. With panic=abort nothing calls them.
#[cfg(all(debug_assertions, not(fuzzing)))]
mod unwinder {
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}
    #[unsafe(no_mangle)]
    extern "C" fn _Unwind_Resume() {}
}

#[cfg_attr(not(fuzzing), panic_handler)]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: an undefined instruction ends the process. In release builds only rustix's assertions that a
    // descriptor returned by the kernel is not negative can get here.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("ud2", options(noreturn));
        #[cfg(target_arch = "aarch64")]
        asm!("udf #0", options(noreturn));
    }
}
