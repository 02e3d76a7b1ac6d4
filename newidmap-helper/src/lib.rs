//! The privileged mapper: writes `uid_map` and `gid_map` of one process if the caller was granted the IDs.
//!
//! It uses no libc, no allocation and no environment variables, and does not panic. The order of the steps in
//! [`run`] matters for safety: put privilege aside, read the request, the caller and the grants, authorise
//! both maps, open the target, and only then write. The log comes last.
#![no_std]

mod error;
mod files;
mod grants;
mod log;
mod maps;
mod name_service;
mod namespace;
mod privileges;
mod program;
mod target;

pub use name_service::{NameService, Unanswered};
pub use program::Program;

use error::Error;
use grants::GrantFiles;
use log::Asked;
use maps::AuthorizedMaps;
use privileges::Privileges;
use rustix::fd::BorrowedFd;
use rustix::io::write;
use subroot_idmap::{Policy, Request, Verb};
use target::Target;

const HELP: &str = "\
usage: newidmap-helper TARGET [--uid-map IN:OUT:COUNT[,...]] [--gid-map IN:OUT:COUNT[,...]] [--setgroups deny]
Writes the ID maps of a new user namespace, if /etc/subuid and /etc/subgid grant the caller the IDs.
TARGET is fd:N (an open descriptor of /proc/PID, or a pidfd) or a PID.
exit status: 0 written, 1 refused, 2 usage, 3 target unfit, 4 grants unreadable or untrusted,
             5 the mapper lacks its privilege, 6 the kernel refused
";
const VERSION: &str = concat!("newidmap-helper ", env!("CARGO_PKG_VERSION"), "\n");

/// All memory of the mapper. It is all zeros at the start, so a page costs nothing until it is used.
pub struct Memory {
    request: Request,
    policy: Policy,
    buffer: [u8; 64 * 1024],
}

impl Memory {
    /// Nothing read yet.
    pub const EMPTY: Memory =
        Memory { request: Request::EMPTY, policy: Policy::EMPTY, buffer: [0; 64 * 1024] };
}

/// What the kernel passed to this program.
pub struct Start {
    /// Which program this is.
    pub program: Program,
    /// The caller's real user ID.
    pub uid: u32,
    /// The caller's real group ID.
    pub gid: u32,
    /// Standard output.
    pub out: BorrowedFd<'static>,
    /// Standard error.
    pub err: BorrowedFd<'static>,
}

/// Runs one command line (the arguments after the program's name) and returns the exit status.
pub fn run(
    start: &Start,
    args: impl Iterator<Item = &'static [u8]>,
    memory: &mut Memory,
    names: &mut dyn NameService,
) -> u8 {
    match privileges::set_aside(start).and_then(|privileges| serve(start, &privileges, args, memory, names)) {
        Ok(()) => 0,
        Err(error) => error.report(start),
    }
}

fn serve<'m>(
    start: &Start,
    privileges: &Privileges,
    args: impl Iterator<Item = &'static [u8]>,
    memory: &'m mut Memory,
    names: &mut dyn NameService,
) -> Result<(), Error<'m>> {
    files::occupy_standard_descriptors()?;
    let Memory { request, policy, buffer } = memory;
    let verb = match start.program.only {
        None => request.read(args),
        Some(kind) => request.read_triples(kind, args),
    };
    let verb = verb.map_err(Error::Usage)?;
    let request = &*request;
    let files = &mut GrantFiles { buffer, accounts: None, request, names };
    let arg = match verb {
        Verb::Help => return print(start, HELP),
        Verb::Version => return print(start, VERSION).and_then(|()| policy.read_config(files)),
        Verb::Map(arg) => arg,
    };
    privileges.cover(request)?;
    policy.read_caller(start.uid, start.gid, files)?;
    files.ask_name_service(policy)?;
    let read = policy.read_grants(|kind| !request.maps.get(kind).is_empty(), files);
    let policy = &*policy;
    let outcome = read.and_then(|()| {
        let maps = AuthorizedMaps::new(request, policy)?;
        let target = Target::open(arg, start.uid)?;
        maps.write(privileges, &target)
    });
    log::record(policy.config().log, &Asked { start, arg, request }, &outcome);
    outcome
}

fn print(start: &Start, text: &str) -> Result<(), Error<'static>> {
    write(start.out, text.as_bytes()).map(|_| ()).map_err(|errno| Error::Kernel("printing", errno))
}
