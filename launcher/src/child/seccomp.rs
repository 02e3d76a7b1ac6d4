//! Filters of system calls: the built-in one, or one of a file. seccomp(2).

pub mod architecture;
pub mod default_filter;
pub mod profile;
pub mod program;
pub mod selection;

use crate::child::seccomp::architecture::Architecture;
use crate::child::seccomp::profile::Profile;
use crate::child::seccomp::program::MAX_INSTRUCTIONS;
use crate::child::seccomp::selection::Host;
use crate::error::Error;
use crate::failure::{reason, reason_of};
use crate::sys;
use nix::errno::Errno;
use nix::libc;
use nix::sys::utsname::uname;
use seccompiler::{SeccompAction, sock_filter};
use std::borrow::Cow;
use std::path::Path;

/// What the option is called in a message.
const OPTION: &str = "--security-opt seccomp";

/// Made by build.rs from the tables in [`default_filter`].
static DEFAULT: &[sock_filter] = include!(concat!(env!("OUT_DIR"), "/default_filter.rs"));
/// The same for the kernel's own architecture only.
static NATIVE: &[sock_filter] = include!(concat!(env!("OUT_DIR"), "/native_filter.rs"));

/// What is installed before the command starts, and stays with all that it starts.
#[derive(Debug)]
pub struct Filter {
    /// The program, in classic BPF.
    pub program: Cow<'static, [sock_filter]>,
    /// True when what is not allowed goes to the audit log: SECCOMP_FILTER_FLAG_LOG.
    pub logs: bool,
}

impl Filter {
    /// The built-in one.
    pub const DEFAULT: Filter = Filter { program: Cow::Borrowed(DEFAULT), logs: false };
    /// The built-in one for `seccomp-arch=native`.
    pub const NATIVE: Filter = Filter { program: Cow::Borrowed(NATIVE), logs: false };

    /// The filter of a file. `capabilities` are those of the command; if `native_only` is true, calls of other architectures fail.
    ///
    /// # Errors
    /// What cannot be read or expressed, with the file and its entry.
    pub fn of_file(file: &Path, capabilities: u64, native_only: bool) -> Result<Filter, Error> {
        let refused = |why| Error::Usage { what: OPTION, why: format!("{}: {why}", file.display()) };
        let text = std::fs::read(file).map_err(|error| refused(reason_of(&error)))?;
        // Not by /proc/sys, which a /proc with subset=pid does not show: an entry for this kernel must not be passed over.
        let kernel =
            uname().map_err(|errno| refused(format!("reading the kernel's release: {}", reason(errno))))?;
        let release = kernel.release().to_string_lossy();
        let architectures = Architecture::of_kernel(std::env::consts::ARCH)
            .ok_or_else(|| refused(format!("no system call numbers of {}", std::env::consts::ARCH)))?;
        let host = Host { architectures, release: &release, capabilities, native_only };
        Filter::compile(&text, host).map_err(refused)
    }

    /// Installs it for this process and all that it starts. It is done while CAP_SYS_ADMIN of the own user namespace is held, so
    /// that no_new_privs need not be set: set-user-ID programs work inside.
    ///
    /// # Errors
    /// EACCES without that capability; others where the kernel has no filters.
    pub fn install(&self) -> Result<(), Errno> {
        sys::credentials::install_filter(
            &self.program,
            if self.logs { libc::SECCOMP_FILTER_FLAG_LOG } else { 0 },
        )
    }

    /// Compiles the text of a profile.
    ///
    /// # Errors
    /// What cannot be read or expressed, with its entry.
    pub fn compile(text: &[u8], host: Host<'_>) -> Result<Filter, String> {
        let profile: Profile = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let logs = logs(&profile.flags)?;
        let rules = selection::select(&profile, host)?;
        // libseccomp kills the thread for an architecture that a filter is not for: SCMP_FLTATR_ACT_BADARCH.
        let foreign = if host.native_only { program::ENOSYS } else { SeccompAction::KillThread };
        let program = program::compile(&rules, foreign).map_err(|error| error.to_string())?;
        if program.len() > MAX_INSTRUCTIONS {
            let count = program.len();
            return Err(format!("it makes {count} instructions, and the kernel takes {MAX_INSTRUCTIONS}"));
        }
        Ok(Filter { program: Cow::Owned(program), logs })
    }
}

/// One thread needs no TSYNC, and SPEC_ALLOW would only take a mitigation of the processor's flaws away.
fn logs(flags: &[String]) -> Result<bool, String> {
    let mut logs = false;
    for flag in flags {
        match flag.as_str() {
            "SECCOMP_FILTER_FLAG_LOG" => logs = true,
            "SECCOMP_FILTER_FLAG_TSYNC" | "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => {}
            other => return Err(format!("flags: {other} cannot be kept")),
        }
    }
    Ok(logs)
}
