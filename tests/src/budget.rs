//! The budgets: what is measured of the privileged program, and of a launch, and may not grow unnoticed (docs: design, "Budget").

use std::io::{self, Write};

/// The most that something may measure.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    what: &'static str,
    most: usize,
}

const fn ceiling(what: &'static str, most: usize) -> Ceiling {
    Ceiling { what, most }
}

/// Lines that are neither blank nor comment in idmap/src and newidmap-helper/src.
pub const CODE_LINES: Ceiling = ceiling("lines of own code", 2092);
/// The same in newidmap-helper/nss/src: what the variant with name services has besides.
pub const VARIANT_LINES: Ceiling = ceiling("lines of the variant with name services, besides", 376);
/// Crates of other people.
pub const EXTERNAL_CRATES: Ceiling = ceiling("external crates", 3);
/// Files with unsafe code.
pub const UNSAFE_FILES: Ceiling = ceiling("files with unsafe code", 2);
/// `unsafe { … }` in all of them.
pub const UNSAFE_BLOCKS: Ceiling = ceiling("unsafe blocks", 13);
/// The stripped release build.
pub const BINARY_BYTES: Ceiling = ceiling("bytes of the release build", 40 * 1024);
/// From the execve to the exit, as `strace -c` counts, outside of nested user namespaces.
pub const SYSTEM_CALLS: Ceiling = ceiling("system calls on success", 40);
/// Within the closure that puts privilege in force, the end of it included.
pub const SYSTEM_CALLS_IN_FORCE: Ceiling = ceiling("system calls with a capability in force", 10);
/// Of the functions that run with privilege in force, or before it is put aside.
pub const LINES_IN_FORCE: Ceiling = ceiling("lines with a capability in force", 75);

/// Of a whole launch by a plain user, of all its processes, as `strace -f -c` counts: the caller's own ID alone.
pub const LAUNCH_CALLS_OWN_ID: Ceiling = ceiling("system calls of a launch with one's own ID", 367);
/// The same with all subordinate IDs, the mapper's among them.
pub const LAUNCH_CALLS_FULL_MAP: Ceiling = ceiling("system calls of a launch with a full map", 512);
/// From the start to a printed plan: what a launch does before its first process is made. callgrind counts.
pub const PLAN_INSTRUCTIONS: Ceiling = ceiling("instructions up to a plan", 800_000);
/// The launcher as packaging/build makes it.
pub const LAUNCHER_BYTES: Ceiling = ceiling("bytes of the launcher, static", 3_104_000);
/// Of the launcher and init together, once a sandbox has run for a moment: what no other process has, in KiB.
pub const PRIVATE_MEMORY: Ceiling = ceiling("KiB of private memory of a running sandbox", 384);

impl Ceiling {
    /// True for what is not above the ceiling.
    pub fn allows(self, measured: usize) -> bool {
        measured <= self.most
    }

    /// Prints what was measured, and fails the test when it is above the ceiling.
    ///
    /// # Panics
    /// Above the ceiling: raise it in tests/src/budget.rs, with a line in CHANGELOG.md saying why.
    pub fn hold(self, measured: usize) {
        let line = format!("\nBUDGET {:>6} of {:>6}  {}\n", measured, self.most, self.what);
        io::stderr().write_all(line.as_bytes()).expect("writing to standard error");
        assert!(self.allows(measured), "{measured} {}, and {} is the ceiling", self.what, self.most);
    }
}
