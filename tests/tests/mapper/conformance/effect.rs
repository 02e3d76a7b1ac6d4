//! The effect of a program, and the expected effect.

use std::fmt;
use subroot_tests::{Kind, Maps, Target, is_nested, own_namespace_has};

/// An exit status and the target's maps. Maps are equal if they map each ID to the same one. The order of
/// lines, and how IDs are divided among lines, cannot be observed in a user namespace.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) status: i32,
    uid_map: IdPairs,
    gid_map: IdPairs,
    pub(crate) setgroups: String,
}

/// Inside and outside IDs as `(inside, outside, count)`: sorted, and as few as possible.
type IdPairs = Vec<(u64, u64, u64)>;

impl Effect {
    /// The current state.
    pub(crate) fn seen(status: i32, target: &Target) -> Effect {
        let Maps { uid_map, gid_map, setgroups } = target.maps();
        Effect::new(status, &uid_map.join(","), &gid_map.join(","), &setgroups)
    }

    /// Maps as `IN OUT COUNT`, with a comma between lines.
    pub(crate) fn new(status: i32, uid_map: &str, gid_map: &str, setgroups: &str) -> Effect {
        Effect { status, uid_map: pairs(uid_map), gid_map: pairs(gid_map), setgroups: setgroups.to_owned() }
    }

    fn lines(&mut self, kind: Kind) -> &mut IdPairs {
        match kind {
            Kind::Uid => &mut self.uid_map,
            Kind::Gid => &mut self.gid_map,
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effect { status, uid_map, gid_map, setgroups } = self;
        write!(to, "status {status}, uid_map {uid_map:?}, gid_map {gid_map:?}, setgroups {setgroups}")
    }
}

fn pairs(text: &str) -> IdPairs {
    let number = |word: &str| word.parse::<u64>().expect("a number in a map");
    let line = |line: &str| line.split_whitespace().map(number).collect::<Vec<_>>();
    let mut lines: Vec<_> =
        text.split_terminator(',').map(line).map(|line| (line[0], line[1], line[2])).collect();
    lines.sort_unstable();
    let mut joined: IdPairs = Vec::new();
    for (inside, outside, count) in lines {
        match joined.last_mut() {
            Some((first, other, known)) if (*first + *known, *other + *known) == (inside, outside) => {
                *known += count;
            }
            _ => joined.push((inside, outside, count)),
        }
    }
    joined
}

/// The expected result of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Status 0 and this map, as `IN OUT COUNT` with a comma between lines; newgidmap leaves setgroups alone.
    Written(String),
    /// The same, but newgidmap denies setgroups first.
    WrittenWithoutSetgroups(String),
    /// Status 1 and no changes.
    Refused,
    /// Status 1, but newgidmap has denied setgroups.
    RefusedWithoutSetgroups,
}

pub(crate) fn written(map: &str) -> Expected {
    Expected::Written(map.to_owned())
}

pub(crate) fn written_without_setgroups(map: &str) -> Expected {
    Expected::WrittenWithoutSetgroups(map.to_owned())
}

impl Expected {
    /// The expectation for one of the two programs. The kernel refuses a map of IDs that do not exist in this
    /// user namespace, whichever program writes it.
    pub(crate) fn of(&self, kind: Kind) -> Effect {
        let (status, map, setgroups) = match self {
            Expected::Written(map) => (0, map.as_str(), "allow"),
            Expected::WrittenWithoutSetgroups(map) => (0, map.as_str(), "deny"),
            Expected::Refused => (1, "", "allow"),
            Expected::RefusedWithoutSetgroups => (1, "", "deny"),
        };
        let setgroups = if kind == Kind::Gid { setgroups } else { "allow" };
        let untouched = Effect { status: 1, uid_map: vec![], gid_map: vec![], setgroups: "allow".to_owned() };
        let lines = pairs(map);
        if !lines.iter().all(|line| exists_here(kind, *line)) {
            return untouched;
        }
        let mut effect = Effect { status, setgroups: setgroups.to_owned(), ..untouched };
        *effect.lines(kind) = lines;
        effect
    }
}

fn exists_here(kind: Kind, (_, outside, count): (u64, u64, u64)) -> bool {
    let number = |number| u32::try_from(number).expect("an expected map of 32-bit numbers");
    !is_nested() || own_namespace_has(kind, number(outside), number(count))
}
