//! The budgets: measured sizes of the privileged program and of a launch, which must not grow unnoticed
//! (docs: design, "Budget").

use std::io::{self, Write};

/// An upper limit for a measured value.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    what: &'static str,
    most: usize,
}

const fn ceiling(what: &'static str, most: usize) -> Ceiling {
    Ceiling { what, most }
}

/// Lines in idmap/src and newidmap-helper/src that are neither blank nor comments.
pub const CODE_LINES: Ceiling = ceiling("lines of own code", 2104);
/// The same for newidmap-helper/nss/src: the additional code of the variant with name services.
pub const VARIANT_LINES: Ceiling = ceiling("additional lines of the variant with name services", 376);
/// Third-party crates.
pub const EXTERNAL_CRATES: Ceiling = ceiling("external crates", 3);
/// Files with unsafe code.
pub const UNSAFE_FILES: Ceiling = ceiling("files with unsafe code", 2);
/// `unsafe { … }` in all of them.
pub const UNSAFE_BLOCKS: Ceiling = ceiling("unsafe blocks", 13);
/// The stripped release build.
pub const BINARY_BYTES: Ceiling = ceiling("bytes of the release build", 41 * 1024);
/// From execve to exit, as `strace -c` counts, outside nested user namespaces.
pub const SYSTEM_CALLS: Ceiling = ceiling("system calls on success", 40);
/// Within the closure that puts privilege in force, including its end.
pub const SYSTEM_CALLS_IN_FORCE: Ceiling = ceiling("system calls with a capability in force", 10);
/// Of functions that run with privilege in force, or before it is put aside.
pub const LINES_IN_FORCE: Ceiling = ceiling("lines with a capability in force", 75);

/// Of a whole launch by an ordinary user, with all its processes, as `strace -f -c` counts; only the caller's
/// own ID is mapped.
pub const LAUNCH_CALLS_OWN_ID: Ceiling = ceiling("system calls of a launch with only the caller's ID", 380);
/// The same with all subordinate IDs, including the mapper's calls.
pub const LAUNCH_CALLS_FULL_MAP: Ceiling = ceiling("system calls of a launch with a full map", 521);
/// From the start to a printed plan: everything that a launch does before it creates a process, as callgrind
/// counts.
pub const PLAN_INSTRUCTIONS: Ceiling = ceiling("instructions up to a plan", 900_000);
/// The launcher as built by packaging/build.
pub const LAUNCHER_BYTES: Ceiling = ceiling("bytes of the launcher, static", 4_140_000);
/// Of the launcher and init together, after a sandbox has run for a moment: memory that no other process
/// shares, in KiB.
pub const PRIVATE_MEMORY: Ceiling = ceiling("KiB of private memory of a running sandbox", 384);

impl Ceiling {
    /// True if the value does not exceed the ceiling.
    pub fn allows(self, measured: usize) -> bool {
        measured <= self.most
    }

    /// Prints the measured value, and fails the test if it exceeds the ceiling.
    ///
    /// # Panics
    /// Above the ceiling. To raise it, change tests/src/budget.rs and explain why in CHANGELOG.md.
    pub fn hold(self, measured: usize) {
        let line = format!("\nBUDGET {:>6} of {:>6}  {}\n", measured, self.most, self.what);
        io::stderr().write_all(line.as_bytes()).expect("writing to standard error");
        assert!(self.allows(measured), "{measured} {}, and {} is the ceiling", self.what, self.most);
    }
}
