//! The command lines of newidmap-helper, and of newuidmap and newgidmap.

use crate::invalid::Invalid;
use crate::kind::{IdKind, PerKind};
use crate::number::parse_number;
use crate::range::IdRange;
use crate::requested::{BadMap, MapLine, RequestedMap};

/// How the command line names the target process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetArg {
    /// A process ID in the mapper's `/proc`.
    Pid(u32),
    /// `fd:N`: an open descriptor of `/proc/PID`, or a pidfd.
    Descriptor(u32),
}

/// What a command line asks the mapper to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Write the maps of this process.
    Map(TargetArg),
    /// Print the usage.
    Help,
    /// Print the version.
    Version,
}

/// A whole request: both maps.
pub struct Request {
    /// The map requested for each kind.
    pub maps: PerKind<RequestedMap>,
    /// True if setgroups is to be denied regardless of the grants.
    pub deny_setgroups: bool,
}

/// Why a command line was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestError<'a> {
    /// The kind of the invalid map, if the error is in a map.
    pub map: Option<IdKind>,
    /// The reason.
    pub why: Invalid,
    /// The two ranges, if they overlap.
    pub overlap: Option<[IdRange; 2]>,
    /// The argument at fault, or empty. These are the caller's bytes: escape them before printing.
    pub arg: &'a [u8],
}

fn bad_map<'a>(kind: IdKind, bad: impl Into<BadMap>, arg: &'a [u8]) -> RequestError<'a> {
    let BadMap { why, overlap } = bad.into();
    RequestError { map: Some(kind), why, overlap, arg }
}

const fn refused(why: Invalid, arg: &[u8]) -> RequestError<'_> {
    RequestError { map: None, why, overlap: None, arg }
}

fn target(arg: Option<&[u8]>) -> Result<TargetArg, RequestError<'_>> {
    let arg = arg.ok_or(refused(Invalid::NoTarget, b""))?;
    let target = match arg.strip_prefix(b"fd:") {
        Some(number) => parse_number(number).ok().map(TargetArg::Descriptor),
        None => parse_number(arg).ok().filter(|pid| *pid != 0).map(TargetArg::Pid),
    };
    target.ok_or(refused(Invalid::Target, arg))
}

impl Request {
    /// An empty request.
    pub const EMPTY: Request = Request {
        maps: PerKind { uid: RequestedMap::EMPTY, gid: RequestedMap::EMPTY },
        deny_setgroups: false,
    };

    /// The kinds for which a map is requested.
    pub fn kinds(&self) -> impl Iterator<Item = IdKind> {
        IdKind::BOTH.into_iter().filter(|kind| !self.maps.get(*kind).is_empty())
    }

    /// Reads the arguments after the program's name into this request.
    ///
    /// # Errors
    /// The first invalid argument.
    pub fn read<'a>(&mut self, mut args: impl Iterator<Item = &'a [u8]>) -> Result<Verb, RequestError<'a>> {
        let verb = match args.next() {
            Some(b"--help") => Verb::Help,
            Some(b"--version") => Verb::Version,
            arg => Verb::Map(target(arg)?),
        };
        while let Some(arg) = args.next() {
            match verb {
                Verb::Map(_) => self.read_option(arg, args.next())?,
                _ => return Err(refused(Invalid::Unexpected, arg)),
            }
        }
        self.check(verb)
    }

    /// Reads the arguments of newuidmap(1) or newgidmap(1), `TARGET IN OUT COUNT [IN OUT COUNT]…`, into this
    /// request.
    ///
    /// # Errors
    /// The first invalid argument.
    pub fn read_triples<'a>(
        &mut self,
        kind: IdKind,
        mut args: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Verb, RequestError<'a>> {
        let verb = Verb::Map(target(args.next())?);
        let map = self.maps.get_mut(kind);
        let number = |arg| parse_number(arg).map_err(|why| bad_map(kind, why, arg));
        while let Some(arg) = args.next() {
            let (Some(outside), Some(count)) = (args.next(), args.next()) else {
                return Err(refused(Invalid::Incomplete, arg));
            };
            let line = MapLine { inside: number(arg)?, outside: number(outside)?, count: number(count)? };
            map.push(line).map_err(|bad| bad_map(kind, bad, arg))?;
        }
        map.check_size().map_err(|why| bad_map(kind, why, b""))?;
        self.check(verb)
    }

    fn check<'a>(&self, verb: Verb) -> Result<Verb, RequestError<'a>> {
        match verb {
            Verb::Map(_) if self.kinds().count() == 0 => Err(refused(Invalid::NoMap, b"")),
            _ => Ok(verb),
        }
    }

    fn read_option<'a>(&mut self, option: &'a [u8], value: Option<&'a [u8]>) -> Result<(), RequestError<'a>> {
        let kind = IdKind::BOTH.into_iter().find(|kind| kind.option().as_bytes() == option);
        if kind.is_none() && option != b"--setgroups" {
            return Err(refused(Invalid::Unexpected, option));
        }
        let is_twice = kind.map_or(self.deny_setgroups, |kind| !self.maps.get(kind).is_empty());
        let value = value.ok_or(refused(Invalid::NoValue, option))?;
        match kind {
            _ if is_twice => Err(refused(Invalid::Twice, option)),
            Some(kind) => self.maps.get_mut(kind).push_text(value).map_err(|bad| bad_map(kind, bad, value)),
            None if value != b"deny" => Err(refused(Invalid::Setgroups, value)),
            None => {
                self.deny_setgroups = true;
                Ok(())
            }
        }
    }
}
