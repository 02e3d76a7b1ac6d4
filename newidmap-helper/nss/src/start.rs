//! The entry point for programs with the C library, which calls it before Rust's runtime starts.
#![allow(unsafe_code)] // what the C library hands over is pointers

use core::ffi::{CStr, c_char, c_int};
use newidmap_helper::{Memory, Start, run};
use newidmap_helper_nss::NameServices;
use nix::unistd::{getgid, getuid};
use rustix::stdio::{stderr, stdout};
use std::sync::{Mutex, PoisonError};

static MEMORY: Mutex<Memory> = Mutex::new(Memory::EMPTY);

/// `run` puts privilege aside first. Foreign code runs only in children without capabilities.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the C library calls this once, with argc strings that are never moved or freed. Descriptors 1
    // and 2 are only passed back to the kernel, which returns EBADF if they are not open.
    let (args, out, err) = unsafe {
        let args =
            (1..usize::try_from(argc).unwrap_or(0)).map(move |at| CStr::from_ptr(*argv.add(at)).to_bytes());
        (args, stdout(), stderr())
    };
    let start = Start { program: crate::PROGRAM, uid: getuid().as_raw(), gid: getgid().as_raw(), out, err };
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    c_int::from(run(&start, args, &mut memory, &mut NameServices::new()))
}
