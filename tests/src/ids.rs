//! Which IDs exist in the tests' own user namespace.

use std::fs;

/// User or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Users.
    Uid,
    /// Groups.
    Gid,
}

impl Kind {
    /// The mapper's option for it.
    pub fn option(self) -> &'static str {
        match self {
            Kind::Uid => "--uid-map",
            Kind::Gid => "--gid-map",
        }
    }

    /// Its map file in /proc.
    pub fn map_file(self) -> &'static str {
        match self {
            Kind::Uid => "uid_map",
            Kind::Gid => "gid_map",
        }
    }
}

/// True if all of these IDs exist here. For the host's root all do; inside a user namespace some do.
pub fn own_namespace_has(kind: Kind, first: u32, count: u32) -> bool {
    let map = fs::read_to_string(format!("/proc/self/{}", kind.map_file())).expect("reading own map");
    let extents: Vec<(u64, u64)> = map.lines().map(inside_range).collect();
    let end = u64::from(first) + u64::from(count);
    let mut next = u64::from(first);
    while next < end {
        match extents.iter().find(|(first, end)| (*first..*end).contains(&next)) {
            Some((_, end)) => next = *end,
            None => return false,
        }
    }
    true
}

fn inside_range(line: &str) -> (u64, u64) {
    let number = |word: &str| word.parse::<u64>().expect("a number in own map");
    let numbers: Vec<u64> = line.split_whitespace().map(number).collect();
    (numbers[0], numbers[0] + numbers[2])
}
