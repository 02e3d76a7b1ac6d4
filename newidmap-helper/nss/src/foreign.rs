//! The code that needs `unsafe`: creating a process, and calling code that is not part of this program.
#![allow(unsafe_code)] // fork, and a library that is loaded by its name

use crate::answer::Trouble;
use core::ffi::{CStr, c_char, c_int, c_uint, c_ulong};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, Pid, fork as fork_process};
use rustix::fd::IntoRawFd as _;
use rustix::process::{PidfdFlags, pidfd_open};
use std::os::fd::{FromRawFd, OwnedFd};

/// The function in shadow's libsubid.h that reports whether an owner has a whole range. The owner is an
/// account's name.
type HasRange = unsafe extern "C" fn(
    owner: *const c_char,
    start: c_ulong,
    count: c_ulong,
    kind: c_uint,
    granted: *mut u8,
) -> c_int;

/// Runs `act` in a new process, which ends by _exit(2) and so runs no exit handlers of the C library.
pub(crate) fn fork(act: impl FnOnce()) -> nix::Result<Pid> {
    // SAFETY: this process has one thread, so the child may do anything its parent may. SIG_DFL runs no code.
    // It is needed because, if the caller has set SIGCHLD to be ignored, the kernel frees the child's PID as
    // soon as it ends (wait(2)).
    unsafe {
        signal(Signal::SIGCHLD, SigHandler::SigDfl)?;
        match fork_process()? {
            ForkResult::Parent { child } => Ok(child),
            ForkResult::Child => {
                act();
                nix::libc::_exit(0)
            }
        }
    }
}

/// A descriptor that becomes readable when the child has ended; `None` before Linux 5.3.
pub(crate) fn descriptor_of(child: Pid) -> Option<OwnedFd> {
    let child = rustix::process::Pid::from_raw(child.as_raw())?;
    let descriptor = pidfd_open(child, PidfdFlags::empty()).ok()?.into_raw_fd();
    // SAFETY: pidfd_open has just returned it, and nothing else owns it.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Removes every variable from the environment.
pub(crate) fn clear_environment() -> Option<()> {
    // SAFETY: this process has one thread, and holds no pointer into the environment.
    let status = unsafe { nix::libc::clearenv() };
    (status == 0).then_some(())
}

/// A `subid:` plugin.
pub(crate) struct Plugin {
    library: Library,
}

impl Plugin {
    /// Loads a plugin from the loader's search path.
    pub(crate) fn load(name: &str) -> Result<Plugin, Trouble> {
        // SAFETY: the library's constructors run only in a confined child.
        let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        library.map(|library| Plugin { library }).map_err(|_| Trouble::NotLoaded)
    }

    /// The plugin's answer about a range: its status, and whether the range is granted.
    pub(crate) fn has_range(
        &self,
        owner: &CStr,
        start: u32,
        count: u32,
        kind: u32,
    ) -> Result<(i32, bool), Trouble> {
        let mut granted = 0;
        // SAFETY: libsubid defines the symbol as a function of that type, and `owner` and `granted` outlive
        // the call. A library that breaks this harms only a confined child.
        let status = unsafe {
            let function = self.library.get::<HasRange>(b"shadow_subid_has_range\0");
            let function = function.map_err(|_| Trouble::NoFunction)?;
            function(owner.as_ptr(), c_ulong::from(start), c_ulong::from(count), kind, &raw mut granted)
        };
        Ok((status, granted == 1))
    }
}
