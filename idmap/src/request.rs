//! The command lines of the mapper: its own, and that of newuidmap and newgidmap.

use crate::invalid::Invalid;
use crate::kind::{IdKind, PerKind};
use crate::number::parse_number;
use crate::requested::{MapLine, RequestedMap};

/// How the process to be mapped was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetWord {
    /// A process ID in the mapper's own `/proc`.
    Pid(u32),
    /// `fd:N`: an open descriptor of `/proc/PID`, or a pidfd.
    Descriptor(u32),
}

/// What a command line asks the mapper to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Write the maps of this process.
    Map(TargetWord),
    /// Print the usage.
    Help,
    /// Print the version.
    Version,
}

/// A whole request, both maps.
pub struct Request {
    /// What was asked of each map.
    pub maps: PerKind<RequestedMap>,
    /// True when setgroups is to be denied whatever the grants say.
    pub deny_setgroups: bool,
}

/// Why a command line was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestError<'a> {
    /// The map that is wrong in itself, if it is that.
    pub map: Option<IdKind>,
    /// The reason.
    pub why: Invalid,
    /// The word that it is about, or none: the caller's bytes, to be escaped before they are printed.
    pub word: &'a [u8],
}

const fn refused(why: Invalid, word: &[u8]) -> RequestError<'_> {
    RequestError { map: None, why, word }
}

fn target(word: Option<&[u8]>) -> Result<TargetWord, RequestError<'_>> {
    let word = word.ok_or(refused(Invalid::NoTarget, b""))?;
    let target = match word.strip_prefix(b"fd:") {
        Some(number) => parse_number(number).ok().map(TargetWord::Descriptor),
        None => parse_number(word).ok().filter(|pid| *pid != 0).map(TargetWord::Pid),
    };
    target.ok_or(refused(Invalid::Target, word))
}

impl Request {
    /// Nothing asked for yet.
    pub const EMPTY: Request = Request {
        maps: PerKind { uid: RequestedMap::EMPTY, gid: RequestedMap::EMPTY },
        deny_setgroups: false,
    };

    /// The kinds of which something is asked.
    pub fn kinds(&self) -> impl Iterator<Item = IdKind> {
        IdKind::BOTH.into_iter().filter(|kind| !self.maps.get(*kind).is_empty())
    }

    /// Reads the words after the program's name into this request.
    ///
    /// # Errors
    /// The first word that does not fit.
    pub fn read<'a>(&mut self, mut words: impl Iterator<Item = &'a [u8]>) -> Result<Verb, RequestError<'a>> {
        let verb = match words.next() {
            Some(b"--help") => Verb::Help,
            Some(b"--version") => Verb::Version,
            word => Verb::Map(target(word)?),
        };
        while let Some(word) = words.next() {
            match verb {
                Verb::Map(_) => self.read_option(word, words.next())?,
                _ => return Err(refused(Invalid::Unexpected, word)),
            }
        }
        self.check(verb)
    }

    /// Reads the words of newuidmap(1) or newgidmap(1), `TARGET IN OUT COUNT [IN OUT COUNT]…`, into this request.
    ///
    /// # Errors
    /// The first word that does not fit.
    pub fn read_triples<'a>(
        &mut self,
        kind: IdKind,
        mut words: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Verb, RequestError<'a>> {
        let verb = Verb::Map(target(words.next())?);
        let map = self.maps.get_mut(kind);
        let number = |word| parse_number(word).map_err(|why| RequestError { map: Some(kind), why, word });
        while let Some(word) = words.next() {
            let (Some(outside), Some(count)) = (words.next(), words.next()) else {
                return Err(refused(Invalid::Incomplete, word));
            };
            let line = MapLine { inside: number(word)?, outside: number(outside)?, count: number(count)? };
            map.push(line).map_err(|why| RequestError { map: Some(kind), why, word })?;
        }
        map.check_size().map_err(|why| RequestError { map: Some(kind), why, word: b"" })?;
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
            Some(kind) => {
                let read = self.maps.get_mut(kind).push_text(value);
                read.map_err(|why| RequestError { map: Some(kind), why, word: value })
            }
            None if value != b"deny" => Err(refused(Invalid::Setgroups, value)),
            None => {
                self.deny_setgroups = true;
                Ok(())
            }
        }
    }
}
