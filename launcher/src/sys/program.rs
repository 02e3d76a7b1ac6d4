//! Programs: execve(2), memory to execute programs from, and what /proc shows of the one that runs.

use crate::sys::descriptors::duplicate_to;
use crate::sys::process::{exit, vfork_with, wait_for};
use crate::sys::signals::clean_signals;
use crate::sys::{Outcome, owned};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc::{self, c_char, c_int, c_long};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getppid, setsid, write};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

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
    pub(crate) lifetime: Lifetime,
    /// The request to AppArmor for the profile that it gets: `exec PROFILE`. Without one, the rules of this
    /// process's profile decide.
    pub(crate) profile: Option<&'a str>,
}

/// How long a program may run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Until it has done its work, or a signal from the terminal ends it.
    Own,
    /// As long as the process with this PID, which starts it, and not ended by a signal from the terminal: it
    /// has its own session.
    Of(Pid),
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
    if let Lifetime::Of(parent) = program.lifetime {
        if let Err(errno) = end_with(parent) {
            return errno;
        }
    }
    for (number, stream) in (0..).zip(program.streams) {
        if let Err(errno) = duplicate_to(stream, number) {
            return errno;
        }
    }
    if let Err(errno) = program.profile.map_or(Ok(()), choose_profile) {
        return errno;
    }
    match clean_signals() {
        Err(errno) => errno,
        Ok(()) => execute(program.path, program.arguments, program.environment),
    }
}

/// Makes the kernel kill this process when its parent ends. An execve(2) keeps that, and so does joining a user
/// namespace of the caller's own: commit_creds() in kernel/cred.c.
fn end_with(parent: Pid) -> Outcome<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    setsid()?;
    // The parent may have ended before the signal was requested.
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

/// Asks AppArmor for this profile at the next execve: proc_pid_attr(5). Each thread has its own request.
fn choose_profile(request: &str) -> Outcome<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = open(c"/proc/thread-self/attr/apparmor/exec", flags, Mode::empty())?;
    write(file, request.as_bytes()).map(drop)
}

/// The addresses of the first argument, the end of the last one, and the end of the last variable. The kernel
/// puts all these strings behind each other.
static ADDRESSES: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// glibc passes the arguments of main to the functions in this section.
#[cfg(target_env = "gnu")]
#[used]
#[unsafe(link_section = ".init_array")]
static REMEMBER: extern "C" fn(c_int, *const *const c_char, *const *const c_char) = remember;

/// Remembers where the strings are, before a change of the environment can move the pointers to them.
#[cfg(target_env = "gnu")]
extern "C" fn remember(_: c_int, arguments: *const *const c_char, environment: *const *const c_char) {
    // SAFETY: glibc passes both arrays of main, each of which ends with a null pointer.
    let (start, end) = unsafe { (*arguments, end_of(arguments, (*arguments).addr())) };
    // SAFETY: as above.
    let last = unsafe { end_of(environment, end) };
    for (address, value) in ADDRESSES.iter().zip([start.addr(), end, last]) {
        address.store(value, Ordering::Relaxed);
    }
}

/// The end of the strings in an array that follow each other from this address on.
///
/// # Safety
/// The array contains C strings and ends with a null pointer.
#[cfg(target_env = "gnu")]
unsafe fn end_of(mut array: *const *const c_char, mut end: usize) -> usize {
    // SAFETY: the caller promises it.
    unsafe {
        while !(*array).is_null() && (*array).addr() == end {
            end += CStr::from_ptr(*array).to_bytes_with_nul().len();
            array = array.add(1);
        }
    }
    end
}

/// Replaces this process's command line and environment in /proc by a title, which is cut off if it is longer
/// than both: proc_pid_cmdline(5), proc_pid_environ(5). Any user in a sandbox can read the command line of its
/// init. Only for a process with one thread, which no longer reads its environment.
pub(crate) fn replace_title(title: &str) {
    let name = title.split(' ').next().unwrap_or_default();
    // Error ignored: the thread keeps its name, which says less.
    let _ = CString::new(name).map(|name| prctl::set_name(&name));
    let [start, end, last] = ADDRESSES.each_ref().map(|address| address.load(Ordering::Relaxed));
    if start == 0 || end <= start || last < end {
        return;
    }
    // SAFETY: `remember` found strings of the kernel's in this range, on this process's own stack. Nothing
    // holds a reference to them: std copies arguments and variables.
    let strings = unsafe {
        std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut::<u8>(start), last - start)
    };
    write_title(strings, end - start, title.as_bytes());
}

/// If the last byte of the arguments is not 0, the kernel shows the text up to the first 0, as for
/// setproctitle(3): get_mm_cmdline() in fs/proc/base.c. Otherwise it shows all bytes of the arguments.
fn write_title(strings: &mut [u8], arguments: usize, title: &[u8]) {
    strings.fill(0);
    let longest = strings.len().saturating_sub(1);
    strings.iter_mut().zip(title.iter().take(longest)).for_each(|(byte, letter)| *byte = *letter);
    if title.len() + 1 < arguments {
        strings.iter_mut().skip(arguments - 1).take(1).for_each(|byte| *byte = 1);
    }
}

#[cfg(test)]
mod tests {
    use super::write_title;

    #[test]
    fn nothing_of_the_old_strings_stays() {
        let title = |arguments, title: &[u8]| {
            let mut strings = *b"run\0-e\0TOKEN=x\0A=B\0";
            write_title(&mut strings, arguments, title);
            strings
        };
        assert_eq!(&title(15, b"init web"), b"init web\0\0\0\0\0\0\x01\0\0\0\0");
        assert_eq!(&title(7, b"init web"), b"init web\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&title(9, b"init web"), b"init web\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&title(15, b"a title that is too long"), b"a title that is to\0");
    }
}
