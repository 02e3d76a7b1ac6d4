//! Ranges, maps, grants and authorisation, compared with a naive model: sets of single IDs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use subroot_idmap::{
    Account, Caller, Granted, IdKind, IdRange, Invalid, MAX_TEXT, MapLine, RESERVED_ID, Request,
    RequestedMap, TargetArg, Text, Verb, authorize, push_typed,
};

/// The model of a range: its IDs, in a type in which nothing wraps.
fn ids(first: u32, count: u32) -> BTreeSet<u64> {
    (u64::from(first)..u64::from(first) + u64::from(count)).collect()
}

/// The model of a valid range.
fn sound(first: u32, count: u32) -> Result<BTreeSet<u64>, Invalid> {
    match ids(first, count) {
        none if none.is_empty() => Err(Invalid::EmptyRange),
        some if some.iter().any(|id| *id >= u64::from(RESERVED_ID)) => Err(Invalid::Wraps),
        some => Ok(some),
    }
}

/// The model of a map: pairs of inside and outside IDs.
fn pairs(lines: impl IntoIterator<Item = MapLine>) -> Vec<(u64, u64)> {
    let ids_of = |line: MapLine| {
        let pair = move |at| (u64::from(line.inside) + at, u64::from(line.outside) + at);
        (0..u64::from(line.count)).map(pair)
    };
    let mut pairs: Vec<_> = lines.into_iter().flat_map(ids_of).collect();
    pairs.sort_unstable();
    pairs
}

/// The model of [`RequestedMap::push`].
fn model_push(taken: &[MapLine], line: MapLine) -> Result<(), Invalid> {
    let inside = sound(line.inside, line.count)?;
    let outside = sound(line.outside, line.count)?;
    let known = pairs(taken.iter().copied());
    if known.iter().any(|(id, _)| inside.contains(id)) {
        Err(Invalid::OverlapInside)
    } else if known.iter().any(|(_, id)| outside.contains(id)) {
        Err(Invalid::OverlapOutside)
    } else {
        Ok(())
    }
}

fn map_of(lines: &[MapLine]) -> RequestedMap {
    let mut map = RequestedMap::EMPTY;
    for line in lines {
        let _ = map.push(*line);
    }
    map
}

fn granted(caller: &Caller, grants: &[(u32, u32)]) -> Granted {
    let mut granted = Granted::NONE;
    for (first, count) in grants {
        granted.add_line(caller, 1, format!("alice:{first}:{count}").as_bytes());
    }
    granted
}

/// The model of the IDs granted by lines, line by line.
fn granted_ids(grants: &[(u32, u32)]) -> Vec<BTreeSet<u64>> {
    let given = grants.iter().filter_map(|(first, count)| sound(*first, *count).ok());
    given.filter(|ids| !ids.contains(&0)).collect()
}

fn union_of(grants: &[(u32, u32)]) -> BTreeSet<u64> {
    granted_ids(grants).into_iter().flatten().collect()
}

fn alice(uid: u32, gid: u32) -> Caller {
    let mut caller = Caller::new(uid, gid);
    caller.add_account(&Account { name: b"alice", uid: Some(uid), gid: Some(gid), is_whole: true });
    caller
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0..64_u32, 1 => RESERVED_ID - 63..=RESERVED_ID]
}

fn range() -> impl Strategy<Value = (u32, u32)> {
    (id(), 0..20_u32)
}

fn grants() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec(range(), 0..10)
}

fn line() -> impl Strategy<Value = MapLine> {
    (id(), id(), 0..8_u32).prop_map(|(inside, outside, count)| MapLine { inside, outside, count })
}

/// Two or three lines that continue each other, made by cutting up one.
fn pieces() -> impl Strategy<Value = Vec<MapLine>> {
    (0..60_u32, 0..60_u32, prop::collection::vec(1..4_u32, 2..4)).prop_map(|(inside, outside, counts)| {
        let piece = |at: usize| {
            let before = counts[..at].iter().sum::<u32>();
            MapLine { inside: inside + before, outside: outside + before, count: counts[at] }
        };
        (0..counts.len()).map(piece).collect()
    })
}

fn lines() -> impl Strategy<Value = Vec<MapLine>> {
    let chunk = prop_oneof![2 => line().prop_map(|line| vec![line]), 1 => pieces()];
    prop::collection::vec(chunk, 0..8).prop_map(|chunks| chunks.concat()).prop_shuffle()
}

/// Lines that are all accepted.
fn sound_lines() -> impl Strategy<Value = Vec<MapLine>> {
    lines().prop_map(|lines| map_of(&lines).lines().to_vec())
}

/// Lines of which most are granted, with a uid and a gid that are often among them.
fn asked_and_granted() -> impl Strategy<Value = (Vec<MapLine>, Vec<(u32, u32)>, u32, u32)> {
    let own = || (0..64_u32, any::<prop::sample::Index>(), any::<bool>());
    let given = prop::collection::vec(prop::bool::weighted(0.8), 64);
    (sound_lines(), grants(), given, own(), own()).prop_map(|(lines, mut grants, given, uid, gid)| {
        let asked = lines.iter().zip(given).filter(|(_, given)| *given);
        grants.extend(asked.map(|(line, _)| (line.outside, line.count)));
        let id = |(other, at, among_them): (u32, prop::sample::Index, bool)| match among_them {
            true if !lines.is_empty() => at.get(&lines).outside,
            _ => other,
        };
        let ids = (id(uid), id(gid));
        (lines, grants, ids.0, ids.1)
    })
}

fn words_of(map: &RequestedMap) -> Vec<u8> {
    let mut text = Text::<8192>::EMPTY;
    push_typed(&mut text, map.lines().iter().copied());
    text.whole().unwrap().to_vec()
}

fn parse_kernel_text(text: &[u8]) -> Vec<MapLine> {
    let line = |line: &str| {
        let numbers: Vec<u32> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 3);
        MapLine { inside: numbers[0], outside: numbers[1], count: numbers[2] }
    };
    std::str::from_utf8(text).unwrap().lines().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_range_is_its_set_of_ids((first, count) in range(), other in id()) {
        let made = IdRange::new(first, count);
        prop_assert_eq!(made.map(|_| ()), sound(first, count).map(|_| ()));
        if let Ok(range) = made {
            let model = ids(first, count);
            prop_assert_eq!(range.contains(other), model.contains(&u64::from(other)));
            prop_assert_eq!(u64::from(range.first()), *model.first().unwrap());
            prop_assert_eq!(u64::from(range.end()), model.last().unwrap() + 1);
            prop_assert_eq!(usize::try_from(range.count()).unwrap(), model.len());
        }
    }

    #[test]
    fn ranges_overlap_when_they_share_an_id(one in range(), two in range()) {
        if let (Ok(a), Ok(b)) = (IdRange::new(one.0, one.1), IdRange::new(two.0, two.1)) {
            let shared = ids(one.0, one.1).intersection(&ids(two.0, two.1)).count();
            prop_assert_eq!(usize::try_from(a.shared_with(b)).unwrap(), shared);
            prop_assert_eq!(b.shared_with(a), a.shared_with(b));
            prop_assert_eq!((a.overlaps(b), b.overlaps(a)), (shared > 0, shared > 0));
        }
    }

    #[test]
    fn a_map_takes_exactly_the_lines_that_fit(lines in lines()) {
        let mut map = RequestedMap::EMPTY;
        let mut taken = Vec::new();
        for line in lines {
            let expected = model_push(&taken, line);
            prop_assert_eq!(map.push(line).map_err(|bad| bad.why), expected);
            if expected.is_ok() {
                taken.push(line);
            }
        }
        taken.sort_unstable_by_key(|line| line.inside);
        prop_assert_eq!(map.lines(), &taken[..]);
    }

    #[test]
    fn joined_lines_map_the_same_and_none_continues_another(lines in sound_lines()) {
        let joined: Vec<_> = map_of(&lines).joined().collect();
        prop_assert_eq!(pairs(joined.iter().copied()), pairs(lines));
        for (a, b) in joined.iter().flat_map(|a| joined.iter().map(move |b| (a, b))) {
            prop_assert!((a.inside + a.count, a.outside + a.count) != (b.inside, b.outside));
        }
    }

    #[test]
    fn grants_cover_a_range_when_their_union_holds_it(grants in grants(), (first, count) in range()) {
        let union = union_of(&grants);
        if let Ok(range) = IdRange::new(first, count) {
            let granted = granted(&alice(1000, 1000), &grants);
            prop_assert_eq!(granted.covers(range), ids(first, count).is_subset(&union));
        }
    }

    #[test]
    fn a_live_id_voids_the_lines_of_several_ids_that_hold_it(
        grants in grants(), live in prop::collection::vec(id(), 0..4),
    ) {
        let mut granted = granted(&alice(1000, 1000), &grants);
        live.iter().for_each(|id| granted.void_lines_over(*id));
        let stands = |ids: &BTreeSet<u64>| ids.len() == 1 || !live.iter().any(|id| ids.contains(&u64::from(*id)));
        let expected: Vec<_> = granted_ids(&grants).into_iter().filter(stands).collect();
        let kept: Vec<_> = granted.ranges().iter().map(|range| ids(range.first(), range.count())).collect();
        prop_assert_eq!(kept, expected);
    }

    #[test]
    fn a_map_is_authorised_when_every_line_is_granted_or_the_own_id(
        (lines, grants, uid, gid) in asked_and_granted(), is_uid in any::<bool>(),
    ) {
        let (kind, own) = if is_uid { (IdKind::Uid, uid) } else { (IdKind::Gid, gid) };
        let union = union_of(&grants);
        let by_grant = |line: &MapLine| ids(line.outside, line.count).is_subset(&union);
        let own_id = |line: &MapLine| line.count == 1 && line.outside == own && own != 0;

        let caller = alice(uid, gid);
        let map = map_of(&lines);
        match authorize(kind, &map, &caller, &granted(&caller, &grants)) {
            Err(refused) => {
                let first = lines.iter().find(|line| !by_grant(line) && !own_id(line));
                prop_assert_eq!(first, Some(&refused));
            }
            Ok(authorised) => {
                prop_assert!(lines.iter().all(|line| by_grant(line) || own_id(line)));
                prop_assert_eq!(authorised.backed_by_grants(), lines.iter().any(by_grant));
            }
        }
    }

    #[test]
    fn the_kernel_is_given_exactly_the_pairs_that_were_asked_for(lines in sound_lines()) {
        let caller = alice(1000, 1000);
        let everything = granted(&caller, &[(1, RESERVED_ID - 1)]);
        prop_assume!(lines.iter().all(|line| line.outside != 0));
        let map = map_of(&lines);
        let authorised = authorize(IdKind::Uid, &map, &caller, &everything).ok().unwrap();
        let mut text = Text::<MAX_TEXT>::EMPTY;
        let written = parse_kernel_text(authorised.kernel_text(|_| true, &mut text).unwrap());
        prop_assert_eq!(pairs(written.iter().copied()), pairs(lines.iter().copied()));
        // A fit line does not cross a multiple of 8, so two lines with a gap of one stay separate.
        let is_fit = |line: MapLine| line.outside / 8 == (line.outside + line.count - 1) / 8;
        let mut text = Text::<MAX_TEXT>::EMPTY;
        let parted = parse_kernel_text(authorised.kernel_text(is_fit, &mut text).unwrap());
        prop_assert!(parted.iter().all(|line| is_fit(*line) || lines.contains(line)), "{parted:?}");
        prop_assert_eq!(pairs(parted), pairs(lines));
    }

    #[test]
    fn an_argument_is_read_back_as_the_same_map(lines in sound_lines()) {
        prop_assume!(!lines.is_empty());
        let mut read = RequestedMap::EMPTY;
        prop_assert_eq!(read.push_text(&words_of(&map_of(&lines))), Ok(()));
        prop_assert_eq!(pairs(read.lines().iter().copied()), pairs(lines));
    }

    #[test]
    fn a_command_line_is_read_as_what_it_says_with_its_options_in_any_order(
        uid in sound_lines(), gid in sound_lines(), deny in any::<bool>(), pid in 1..=u32::MAX,
        by_descriptor in any::<bool>(), order in Just([1, 2, 3]).prop_shuffle(),
    ) {
        prop_assume!(!uid.is_empty() || !gid.is_empty());
        let target = if by_descriptor { format!("fd:{pid}") } else { pid.to_string() };
        let option = |kind: IdKind, lines: &[MapLine]| match lines {
            [] => vec![],
            _ => vec![kind.option().as_bytes().to_vec(), words_of(&map_of(lines))],
        };
        let setgroups = if deny { vec![b"--setgroups".to_vec(), b"deny".to_vec()] } else { vec![] };
        let parts =
            [vec![target.into_bytes()], option(IdKind::Uid, &uid), option(IdKind::Gid, &gid), setgroups];
        let words: Vec<_> = [0].iter().chain(&order).flat_map(|at: &usize| parts[*at].iter().map(Vec::as_slice)).collect();

        let mut request = Request::EMPTY;
        let expected = if by_descriptor { TargetArg::Descriptor(pid) } else { TargetArg::Pid(pid) };
        prop_assert_eq!(request.read(words.into_iter()), Ok(Verb::Map(expected)));
        prop_assert_eq!(pairs(request.maps.uid.lines().iter().copied()), pairs(uid));
        prop_assert_eq!(pairs(request.maps.gid.lines().iter().copied()), pairs(gid));
        prop_assert_eq!(request.deny_setgroups, deny);
    }
}
