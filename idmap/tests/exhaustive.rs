//! Every request against every grant and every own ID, in a world with few IDs: those from 0 up and the last
//! ones.
//!
//! The model is a set of IDs, one bit each. It knows nothing about ranges except their IDs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use subroot_idmap::{Account, Caller, Granted, IdKind, MAX_TEXT, MapLine, RequestedMap, Text, authorize};

const LAST: u32 = u32::MAX;
/// The starts and lengths of ranges.
const FIRSTS: [u32; 10] = [0, 1, 2, 3, 4, 5, LAST - 3, LAST - 2, LAST - 1, LAST];
const COUNTS: [u32; 12] = [0, 1, 2, 3, 4, 5, LAST - 5, LAST - 4, LAST - 3, LAST - 2, LAST - 1, LAST];
const OWN: [u32; 8] = [0, 1, 2, 3, 5, LAST - 2, LAST - 1, LAST];

/// The set of IDs in a range: those at both ends of the ID space, and one bit for all between. It continues
/// past the last ID.
fn ids(first: u32, count: u32) -> u64 {
    let (low, high) = (0..16_u64, u64::from(LAST) - 8..u64::from(LAST) + 16);
    let end = u64::from(first) + u64::from(count);
    let places = low.chain([1 << 20]).chain(high).enumerate();
    places.filter(|(_, id)| u64::from(first) <= *id && *id < end).map(|(bit, _)| 1 << bit).sum()
}

/// The numbers that a valid range cannot contain: 4294967295, and everything above it.
fn beyond() -> u64 {
    ids(LAST, 12)
}

fn is_sound(first: u32, count: u32) -> bool {
    ids(first, count) != 0 && ids(first, count) & beyond() == 0
}

fn ranges() -> impl Iterator<Item = (u32, u32)> {
    FIRSTS.into_iter().flat_map(|first| COUNTS.map(|count| (first, count)))
}

fn caller(own: u32) -> Caller {
    // The ID of the other kind is one at which no range here begins.
    let mut caller = Caller::new(own, 77);
    caller.add_account(&Account { name: b"alice", uid: Some(own), gid: Some(77), is_whole: true });
    caller
}

fn take(grants: &[(u32, u32)]) -> (Granted, u64) {
    let mut granted = Granted::NONE;
    for (first, count) in grants {
        granted.add_line(&caller(1000), 1, format!("alice:{first}:{count}").as_bytes());
    }
    let stands = |grant: &&(u32, u32)| is_sound(grant.0, grant.1) && ids(grant.0, grant.1) & ids(0, 1) == 0;
    (granted, grants.iter().filter(stands).fold(0, |all, grant| all | ids(grant.0, grant.1)))
}

fn line(inside: u32, outside: u32, count: u32) -> MapLine {
    MapLine { inside, outside, count }
}

/// Checks one authorisation against the model. `lines` are those of the map, in its order.
fn check(map: &RequestedMap, who: &Caller, own: u32, granted: &(Granted, u64)) {
    for (kind, own) in [(IdKind::Uid, own), (IdKind::Gid, 77)] {
        let by_grant = |line: &MapLine| ids(line.outside, line.count) & !granted.1 == 0;
        let is_own = |line: &MapLine| line.count == 1 && line.outside == own && own != 0;
        let refused = map.lines().iter().find(|line| !by_grant(line) && !is_own(line));
        match (authorize(kind, map, who, &granted.0), refused) {
            (Ok(authorised), None) => {
                assert_eq!(authorised.backed_by_grants(), map.lines().iter().any(by_grant));
            }
            (Err(said), Some(line)) => {
                assert_eq!(said, *line);
            }
            (outcome, _) => panic!("{:?}: {:?}, {own}, {:?}", map.lines(), outcome.err(), granted.0.ranges()),
        }
    }
}

#[test]
fn every_line_is_accepted_if_both_sides_are_valid_ids() {
    for (inside, (outside, count)) in
        FIRSTS.into_iter().flat_map(|inside| ranges().map(move |out| (inside, out)))
    {
        let text = format!("{inside}:{outside}:{count}");
        let mut map = RequestedMap::EMPTY;
        let taken = map.push_text(text.as_bytes()).is_ok();
        assert_eq!(taken, is_sound(inside, count) && is_sound(outside, count), "{text}");
    }
}

#[test]
fn every_line_is_authorised_if_its_ids_are_granted_or_the_callers_own() {
    let sound = ranges().filter(|(first, count)| is_sound(*first, *count));
    let requests: Vec<RequestedMap> = sound
        .map(|(outside, count)| {
            let mut map = RequestedMap::EMPTY;
            map.push(line(0, outside, count)).unwrap();
            map
        })
        .collect();
    let callers = OWN.map(|own| (own, caller(own)));
    let every: Vec<(u32, u32)> = ranges().collect();
    for (at, one) in every.iter().enumerate() {
        for two in &every[at..] {
            let granted = take(&[*one, *two]);
            // Skip pairs that grant no more than one of the two alone.
            if one != two && granted.0.ranges().len() < 2 {
                continue;
            }
            for request in &requests {
                callers.iter().for_each(|(own, caller)| check(request, caller, *own, &granted));
            }
        }
    }
}

/// Every range of a few IDs.
fn small_lines(ids: u32) -> Vec<MapLine> {
    let mut lines = Vec::new();
    for (inside, outside) in (0..ids).flat_map(|inside| (0..ids).map(move |outside| (inside, outside))) {
        let room = ids - inside.max(outside);
        lines.extend((1..=room).map(|count| line(inside, outside, count)));
    }
    lines
}

#[test]
fn two_lines_are_a_map_if_they_share_no_id_and_each_is_authorised_separately() {
    let lines = small_lines(6);
    let callers: Vec<(u32, Caller)> = (0..6).map(|own| (own, caller(own))).collect();
    // Every set of IDs except 0, with one line for each ID, so that the check itself must join lines.
    let sets = (0..32_u32).map(|set| {
        let grants: Vec<(u32, u32)> =
            (0..5).filter(|bit| set >> bit & 1 == 1).map(|bit| (bit + 1, 1)).collect();
        take(&grants)
    });
    let sets: Vec<(Granted, u64)> = sets.collect();
    for (one, two) in lines.iter().flat_map(|one| lines.iter().map(move |two| (one, two))) {
        let mut map = RequestedMap::EMPTY;
        map.push(*one).unwrap();
        let apart = ids(one.inside, one.count) & ids(two.inside, two.count) == 0
            && ids(one.outside, one.count) & ids(two.outside, two.count) == 0;
        assert_eq!(map.push(*two).is_ok(), apart, "{one:?} {two:?}");
        if apart {
            for granted in &sets {
                callers.iter().for_each(|(own, caller)| check(&map, caller, *own, granted));
            }
        }
    }
}

/// Each inside ID with its outside ID.
fn pairs(lines: impl IntoIterator<Item = (u32, u32, u32)>) -> Vec<(u32, u32)> {
    let each = |(inside, outside, count)| (0..count).map(move |at| (inside + at, outside + at));
    let mut pairs: Vec<_> = lines.into_iter().flat_map(each).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn two_lines_reach_the_kernel_as_the_same_pairs_of_ids() {
    let everything = take(&[(1, LAST - 1)]).0;
    let lines = small_lines(6).into_iter().filter(|line| line.outside > 0).collect::<Vec<_>>();
    for (one, two) in lines.iter().flat_map(|one| lines.iter().map(move |two| (one, two))) {
        let mut map = RequestedMap::EMPTY;
        map.push(*one).unwrap();
        if map.push(*two).is_err() {
            continue;
        }
        let caller = caller(1000);
        let authorised = authorize(IdKind::Uid, &map, &caller, &everything).ok().unwrap();
        let mut text = Text::<MAX_TEXT>::EMPTY;
        let text = String::from_utf8(authorised.kernel_text(|_| true, &mut text).unwrap().to_vec()).unwrap();
        let written = text.lines().map(|line| {
            let numbers: Vec<u32> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            (numbers[0], numbers[1], numbers[2])
        });
        let asked = [one, two].map(|line| (line.inside, line.outside, line.count));
        assert_eq!(pairs(written), pairs(asked), "{text}");
    }
}
