//! alice's grants, and the maps that clients make from them.

use subroot_tests::Maps;

/// alice's uid and gid.
const OWN: u32 = 1000;

/// Ranges of subordinate IDs, as first and count, one for each line.
pub(crate) type Ranges = &'static [(u32, u32)];

/// alice's lines in /etc/subuid and /etc/subgid.
pub(crate) struct Grants {
    pub(crate) uid: Ranges,
    pub(crate) gid: Ranges,
}

/// What adduser gives to the first user.
pub(crate) const USUAL: Grants = Grants { uid: &[(100_000, 65_536)], gid: &[(100_000, 65_536)] };
/// A different range, and different ones for groups and users.
pub(crate) const ELSEWHERE: Grants = Grants { uid: &[(231_072, 65_536)], gid: &[(165_536, 65_536)] };
/// Two lines that are not adjacent, in the order in which some clients sort them.
pub(crate) const TWO_LINES: Grants =
    Grants { uid: &[(100_000, 512), (200_000, 4096)], gid: &[(150_000, 512), (250_000, 4096)] };

impl Grants {
    /// A whole grant file, with lines of another user between.
    pub(crate) fn file(ranges: Ranges) -> String {
        let lines = ranges.iter().map(|(first, count)| format!("alice:{first}:{count}\nbob:297000:9\n"));
        format!("bob:296700:9\n{}", lines.collect::<String>())
    }

    /// The maps that a client with this way of using ranges should get.
    pub(crate) fn maps(&self, lines: fn(Ranges) -> String) -> Maps {
        Maps::new(&lines(self.uid), &lines(self.gid), "allow")
    }
}

/// All granted IDs, mapped consecutively from 0.
pub(crate) fn all_from_zero(ranges: Ranges) -> String {
    in_a_row(0, ranges)
}

/// The same for clients that read only the first line.
pub(crate) fn first_from_zero(ranges: Ranges) -> String {
    in_a_row(0, &ranges[..1])
}

/// The same for clients that are given one range, the last.
pub(crate) fn last_from_zero(ranges: Ranges) -> String {
    in_a_row(0, &ranges[ranges.len() - 1..])
}

/// The caller's own ID as root, followed by all granted IDs.
pub(crate) fn own_then_all(ranges: Ranges) -> String {
    format!("0 {OWN} 1\n{}", in_a_row(1, ranges))
}

/// The caller's own ID as root, followed by the first line without its last ID: the client counts 0 as one of
/// the inside IDs.
pub(crate) fn own_then_first_less_one(ranges: Ranges) -> String {
    let (first, count) = ranges[0];
    format!("0 {OWN} 1\n1 {first} {}", count - 1)
}

fn in_a_row(mut inside: u32, ranges: &[(u32, u32)]) -> String {
    let mut line = |(first, count): &(u32, u32)| {
        let line = format!("{inside} {first} {count}\n");
        inside += count;
        line
    };
    ranges.iter().map(&mut line).collect()
}

/// The outside ID of an inside ID.
pub(crate) fn outside(map: &[String], inside: u32) -> u32 {
    let extents = map.iter().map(|line| {
        let numbers: Vec<u32> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
        (numbers[0], numbers[1], numbers[2])
    });
    let found = extents.into_iter().find(|(first, _, count)| (*first..first + count).contains(&inside));
    found.map(|(first, to, _)| to + inside - first).expect("a mapped ID")
}
