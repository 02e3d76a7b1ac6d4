//! Programs: execve(2), and memory to execute programs from.

use crate::sys::descriptors::duplicate_to;
use crate::sys::process::{exit, vfork_with, wait_for};
use crate::sys::signals::clean_signals;
use crate::sys::{Outcome, owned};
use nix::errno::Errno;
use nix::libc::{self, c_char, c_long};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

unsafe extern "C" {
    /// Defined by the linker: the first byte of the program, and the byte after its code. See end(3).
    static __executable_start: u8;
    static etext: u8;
}

/// Releases this process's memory for the program's own code. Code that runs again is read back from the page
/// cache: madvise(2).
pub(crate) fn unmap_code() {
    let (start, end) = (&raw const __executable_start, &raw const etext);
    // The range contains headers, code and constants, which are never written, so no changes are lost.
    // Error ignored: the memory stays in use.
    let _ = syscall!(libc::SYS_madvise, start, end.addr() - start.addr(), libc::MADV_DONTNEED);
}

/// True if the program was started with more privilege than its caller has: getauxval(3), AT_SECURE.
pub(crate) fn is_secure_execution() -> bool {
    // SAFETY: getauxval reads the process's own auxiliary vector and takes no pointer.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Argument or environment arrays for execve(2), built before the clone so that the child need not allocate.
pub(crate) struct Arguments {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Arguments {
    /// Builds the array.
    pub(crate) fn new(strings: Vec<CString>) -> Arguments {
        let ends = std::iter::once(std::ptr::null());
        let pointers = strings.iter().map(|string| string.as_ptr()).chain(ends).collect();
        Arguments { strings, pointers }
    }

    /// A copy with another argument before the others.
    pub(crate) fn with_first(&self, first: &CStr) -> Arguments {
        Arguments::new(std::iter::once(first.to_owned()).chain(self.strings.iter().cloned()).collect())
    }
}

/// execve(2). Returns only on failure.
pub(crate) fn execute(program: &CStr, arguments: &Arguments, environment: &Arguments) -> Errno {
    // SAFETY: both arrays end with a null pointer, and the borrowed Arguments own their strings.
    unsafe { libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
    Errno::last()
}

/// execveat(2) for an open file. Returns only on failure.
pub(crate) fn execute_open(file: &OwnedFd, arguments: &Arguments, environment: &Arguments) -> Errno {
    let (arguments, environment) = (arguments.pointers.as_ptr(), environment.pointers.as_ptr());
    let path = c"".as_ptr();
    let executed =
        syscall!(libc::SYS_execveat, file.as_raw_fd(), path, arguments, environment, libc::AT_EMPTY_PATH);
    // Error ignored: a successful call does not return.
    executed.err().unwrap_or(Errno::UnknownErrno)
}

/// memfd_create(2): a file in memory that can be sealed and executed.
///
/// # Errors
/// EACCES if vm.memfd_noexec is 2: proc_sys_vm(5).
pub(crate) fn executable_memory(name: &CStr) -> Outcome<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    match syscall!(libc::SYS_memfd_create, name.as_ptr(), flags | libc::MFD_EXEC) {
        // Before Linux 6.3 every such file is executable.
        Err(Errno::EINVAL) => syscall!(libc::SYS_memfd_create, name.as_ptr(), flags).and_then(owned),
        made => made.and_then(owned),
    }
}

/// A program to start: its path, arguments, environment and standard streams.
pub(crate) struct Program<'a> {
    /// The path.
    pub(crate) path: &'a CStr,
    /// The arguments, including the program's name.
    pub(crate) arguments: &'a Arguments,
    pub(crate) environment: &'a Arguments,
    /// The descriptors 0 to 2.
    pub(crate) streams: [BorrowedFd<'a>; 3],
}

/// Starts a program without copying page tables, and returns its pidfd. All signals must be blocked.
///
/// # Errors
/// EAGAIN if no more processes are allowed, and errors of execve(2).
pub(crate) fn start(program: &Program<'_>) -> Outcome<OwnedFd> {
    let (mut failed, mut pidfd) = (Ok(()), -1);
    vfork_with(libc::CLONE_PIDFD, &mut pidfd, || {
        failed = Err(become_program(program));
        exit(127)
    })?;
    let child = owned(c_long::from(pidfd))?;
    match failed {
        Ok(()) => Ok(child),
        Err(errno) => wait_for(&child).and(Err(errno)),
    }
}

/// Returns only on failure.
fn become_program(program: &Program<'_>) -> Errno {
    for (number, stream) in (0..).zip(program.streams) {
        if let Err(errno) = duplicate_to(stream, number) {
            return errno;
        }
    }
    match clean_signals() {
        Err(errno) => errno,
        Ok(()) => execute(program.path, program.arguments, program.environment),
    }
}
