//! The privileged mapper: writes `uid_map` and `gid_map` of one process, if the caller was granted the IDs.
//!
//! No libc, no allocation, no environment, nothing that panics. [`run`] reads top to bottom in the order that
//! keeps it safe: privilege aside, request, caller, grants, both maps authorised, target, and only then a write.
#![no_std]

mod error;
mod files;
mod grants;
mod maps;
mod namespace;
mod privileges;
mod target;

pub use error::Streams;

use error::Error;
use grants::Grants;
use idmap::{Request, Verb};
use maps::AuthorizedMaps;
use privileges::Privileges;
use target::Target;

const HELP: &[u8] = b"\
usage: newidmap-helper TARGET [--uid-map IN:OUT:COUNT[,...]] [--gid-map IN:OUT:COUNT[,...]] [--setgroups deny]
Writes the ID maps of a new user namespace, if /etc/subuid and /etc/subgid grant the caller the IDs.
TARGET is fd:N (an open descriptor of /proc/PID, or a pidfd) or a PID.
exit status: 0 written, 1 refused, 2 usage, 3 target unfit, 4 grants unreadable or untrusted,
             5 the mapper lacks its privilege, 6 the kernel refused
";
const VERSION: &[u8] = concat!("newidmap-helper ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

/// Everything that the mapper keeps in memory: all zeros at the start, so that it costs nothing until it is used.
pub struct Memory {
    request: Request,
    grants: Grants,
}

impl Memory {
    /// Nothing read yet.
    pub const EMPTY: Memory = Memory { request: Request::EMPTY, grants: Grants::EMPTY };
}

/// Serves one command line (the words after the program's name) and returns the exit status.
pub fn run(words: impl Iterator<Item = &'static [u8]>, streams: &Streams, memory: &mut Memory) -> u8 {
    match privileges::set_aside().and_then(|privileges| serve(&privileges, words, streams, memory)) {
        Ok(()) => 0,
        Err(error) => error.report(streams),
    }
}

fn serve<'m>(
    privileges: &Privileges,
    words: impl Iterator<Item = &'static [u8]>,
    streams: &Streams,
    memory: &'m mut Memory,
) -> Result<(), Error<'m>> {
    files::occupy_standard_descriptors()?;
    let word = match memory.request.read(words).map_err(Error::Usage)? {
        Verb::Help => return streams.print(HELP),
        Verb::Version => return streams.print(VERSION),
        Verb::Map(word) => word,
    };
    privileges.cover(&memory.request)?;
    memory.grants.read(privileges, &memory.request)?;
    let Memory { request, grants } = &*memory;
    let maps = AuthorizedMaps::new(request, grants)?;
    let target = Target::open(word, privileges.uid())?;
    maps.write(privileges, &target)
}
