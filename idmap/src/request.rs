//! The command lines of the mapper: its own, and that of newuidmap and newgidmap.

use crate::kind::IdKind;
use crate::number::parse_number;
use crate::requested::{MapError, MapLine, RequestedMap};

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
    /// What was asked of `uid_map`.
    pub uid: RequestedMap,
    /// What was asked of `gid_map`.
    pub gid: RequestedMap,
    /// True when setgroups is to be denied whatever the grants say.
    pub deny_setgroups: bool,
}

/// Why a command line was not understood; the bytes are the caller's, to be escaped before they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError<'a> {
    /// No TARGET.
    NoTarget,
    /// A TARGET that is neither a PID nor `fd:N`.
    Target(&'a [u8]),
    /// A word that is no option of the mapper.
    Unknown(&'a [u8]),
    /// An option without its value.
    NoValue(&'a [u8]),
    /// An option that came twice.
    Twice(&'a [u8]),
    /// `--setgroups` with a word other than `deny`.
    Setgroups(&'a [u8]),
    /// Neither map was asked for.
    NoMap,
    /// A range that begins with this word and has not three of them.
    Incomplete(&'a [u8]),
    /// A map that is wrong in itself.
    Map(IdKind, &'a [u8], MapError),
}

impl TargetWord {
    /// Reads a TARGET.
    pub fn parse(word: &[u8]) -> Option<TargetWord> {
        match word.strip_prefix(b"fd:") {
            Some(number) => parse_number(number).ok().map(TargetWord::Descriptor),
            None => parse_number(word).ok().filter(|pid| *pid != 0).map(TargetWord::Pid),
        }
    }
}

impl Request {
    /// Nothing asked for yet.
    pub const EMPTY: Request =
        Request { uid: RequestedMap::EMPTY, gid: RequestedMap::EMPTY, deny_setgroups: false };

    /// The map of a kind.
    pub fn map(&self, kind: IdKind) -> &RequestedMap {
        match kind {
            IdKind::Uid => &self.uid,
            IdKind::Gid => &self.gid,
        }
    }

    /// Reads the words after the program's name into this request.
    ///
    /// # Errors
    /// The first word that does not fit.
    pub fn read<'a>(&mut self, mut words: impl Iterator<Item = &'a [u8]>) -> Result<Verb, RequestError<'a>> {
        let mut target = None;
        let mut asks_nothing_else = true;
        while let Some(word) = words.next() {
            match word {
                b"--help" | b"--version" if asks_nothing_else => {
                    let verb = if word == b"--help" { Verb::Help } else { Verb::Version };
                    return words.next().map_or(Ok(verb), |word| Err(RequestError::Unknown(word)));
                }
                b"--uid-map" => self.read_map(IdKind::Uid, word, words.next())?,
                b"--gid-map" => self.read_map(IdKind::Gid, word, words.next())?,
                b"--setgroups" if self.deny_setgroups => return Err(RequestError::Twice(word)),
                b"--setgroups" => match words.next().ok_or(RequestError::NoValue(word))? {
                    b"deny" => self.deny_setgroups = true,
                    other => return Err(RequestError::Setgroups(other)),
                },
                _ if word.starts_with(b"-") || target.is_some() => return Err(RequestError::Unknown(word)),
                _ => target = Some(TargetWord::parse(word).ok_or(RequestError::Target(word))?),
            }
            asks_nothing_else = false;
        }
        let target = target.ok_or(RequestError::NoTarget)?;
        if self.uid.is_empty() && self.gid.is_empty() {
            Err(RequestError::NoMap)
        } else {
            Ok(Verb::Map(target))
        }
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
        let word = words.next().ok_or(RequestError::NoTarget)?;
        let target = TargetWord::parse(word).ok_or(RequestError::Target(word))?;
        let number =
            |word| parse_number(word).map_err(|why| RequestError::Map(kind, word, MapError::Number(why)));
        let map = self.map_mut(kind);
        while let Some(word) = words.next() {
            let (Some(outside), Some(count)) = (words.next(), words.next()) else {
                return Err(RequestError::Incomplete(word));
            };
            let line = MapLine { inside: number(word)?, outside: number(outside)?, count: number(count)? };
            map.push(line).map_err(|why| RequestError::Map(kind, word, why))?;
        }
        if map.is_empty() {
            return Err(RequestError::NoMap);
        }
        map.check_size().map_err(|why| RequestError::Map(kind, b"", why))?;
        Ok(Verb::Map(target))
    }

    fn map_mut(&mut self, kind: IdKind) -> &mut RequestedMap {
        match kind {
            IdKind::Uid => &mut self.uid,
            IdKind::Gid => &mut self.gid,
        }
    }

    fn read_map<'a>(
        &mut self,
        kind: IdKind,
        option: &'a [u8],
        value: Option<&'a [u8]>,
    ) -> Result<(), RequestError<'a>> {
        let text = value.ok_or(RequestError::NoValue(option))?;
        let map = self.map_mut(kind);
        if !map.is_empty() {
            return Err(RequestError::Twice(option));
        }
        map.push_text(text).map_err(|why| RequestError::Map(kind, text, why))
    }
}
