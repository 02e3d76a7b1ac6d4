//! The fixed limits, each with a value that just fits and one that does not.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use subroot_idmap::{
    Account, Caller, Granted, IdKind, IdRange, Invalid, MAX_EXTENTS, MAX_GRANTS, MAX_TEXT, MapLine, Owner,
    RequestedMap, Text, authorize, push_typed,
};

/// `count` lines of one ID each that cannot be joined.
fn scattered(count: u32) -> Vec<MapLine> {
    (0..count).map(|at| MapLine { inside: 2 * at, outside: 2 * at + 1, count: 1 }).collect()
}

/// `count` lines of ten IDs, each continuing the one before.
fn adjacent(count: u32) -> Vec<MapLine> {
    (0..count).map(|at| MapLine { inside: 10 * at, outside: 100_000 + 10 * at, count: 10 }).collect()
}

fn typed(lines: &[MapLine]) -> String {
    let words = lines.iter().map(|line| format!("{}:{}:{}", line.inside, line.outside, line.count));
    words.collect::<Vec<_>>().join(",")
}

fn push(lines: &[MapLine]) -> (Result<(), Invalid>, RequestedMap) {
    let mut map = RequestedMap::EMPTY;
    (map.push_text(typed(lines).as_bytes()).map_err(|bad| bad.why), map)
}

fn kernel_bytes(lines: &[MapLine]) -> usize {
    lines.iter().map(|line| format!("{} {} {}\n", line.inside, line.outside, line.count).len()).sum()
}

/// 170 lines of 24 bytes, and one of 15 bytes, or of 16 with an outside ID of seven digits.
fn lines_of_text(bytes: usize) -> Vec<MapLine> {
    let long =
        |at: u32| MapLine { inside: 4_000_000_000 + 2 * at, outside: 4_000_000_001 + 2 * at, count: 1 };
    let outside = if bytes > MAX_TEXT { 1_000_000 } else { 100_000 };
    let lines = (0..170).map(long).chain([MapLine { inside: 10_000, outside, count: 1 }]);
    lines.collect()
}

fn caller(names: &[String]) -> Caller {
    let mut caller = Caller::new(1000, 1000);
    for name in names {
        caller.add_account(&Account {
            name: name.as_bytes(),
            uid: Some(1000),
            gid: Some(1000),
            is_whole: true,
        });
    }
    caller
}

#[test]
fn a_map_of_340_lines_is_accepted_and_one_of_341_is_not() {
    assert_eq!(MAX_EXTENTS, 340);
    let (taken, map) = push(&scattered(340));
    assert_eq!((taken, map.joined().count()), (Ok(()), 340));
    assert_eq!(push(&scattered(341)).0, Err(Invalid::TooManyLines));
}

#[test]
fn a_thousand_adjacent_lines_become_one_in_any_order() {
    let forth = adjacent(1000);
    let back: Vec<_> = forth.iter().rev().copied().collect();
    let odd_first: Vec<_> = forth.iter().skip(1).step_by(2).chain(forth.iter().step_by(2)).copied().collect();
    for lines in [forth, back, odd_first] {
        let (taken, map) = push(&lines);
        assert_eq!(taken, Ok(()));
        let one = MapLine { inside: 0, outside: 100_000, count: 10_000 };
        assert_eq!(map.joined().collect::<Vec<_>>(), [one]);
        assert_eq!(map.lines().len(), 1000);
    }
}

#[test]
fn lines_that_are_adjacent_on_one_side_only_stay_apart() {
    for text in ["0:100:10,10:200:10", "0:100:10,20:110:10", "0:110:10,10:100:10"] {
        let mut map = RequestedMap::EMPTY;
        map.push_text(text.as_bytes()).unwrap();
        assert_eq!(map.joined().count(), 2, "{text}");
    }
}

#[test]
fn lines_beyond_the_limit_are_refused_and_change_nothing() {
    let (taken, mut map) = push(&adjacent(4096));
    assert_eq!((taken, map.joined().count()), (Ok(()), 1));
    let next = MapLine { inside: 40_960, outside: 140_960, count: 1 };
    assert_eq!(map.push(next), Err(Invalid::TooManyTyped.into()));
    assert_eq!(map.lines().len(), 4096);
}

#[test]
fn a_map_of_4095_bytes_is_accepted_and_one_of_4096_is_not() {
    for (bytes, expected) in [(MAX_TEXT, Ok(())), (MAX_TEXT + 1, Err(Invalid::TooMuchText))] {
        let lines = lines_of_text(bytes);
        assert_eq!(kernel_bytes(&lines), bytes);
        assert!(lines.len() < MAX_EXTENTS);
        assert_eq!(push(&lines).0, expected);
    }
}

#[test]
fn an_authorised_map_of_4095_bytes_comes_out_whole() {
    let (_, map) = push(&lines_of_text(MAX_TEXT));
    let caller = caller(&[]);
    let mut granted = Granted::NONE;
    granted.add_line(&caller, 1, b"1000:1:4294967294");
    let authorised = authorize(IdKind::Gid, &map, &caller, &granted).ok().unwrap();
    let mut text = Text::EMPTY;
    assert_eq!(authorised.kernel_text(|_| true, &mut text).map(<[u8]>::len), Ok(MAX_TEXT));
}

#[test]
fn an_owners_first_4096_lines_count_and_the_rest_grant_nothing() {
    let caller = caller(&["alice".to_owned()]);
    let mut granted = Granted::NONE;
    for at in 0..MAX_GRANTS {
        let line = format!("alice:{}:1", 100_000 + 2 * at);
        granted.add_line(&caller, 1, line.as_bytes());
    }
    assert_eq!(MAX_GRANTS, 4096);
    granted.add_line(&caller, 1, b"bob:1:1");
    granted.add_line(&caller, 1, b"alice:1:0");
    assert!(!granted.has_more(), "lines of others and invalid lines do not count");
    granted.add_line(&caller, 1, b"alice:5:1");
    assert!(granted.has_more());
    assert_eq!(granted.ranges().len(), MAX_GRANTS);
    assert!(!granted.covers(IdRange::new(5, 1).unwrap()));
}

#[test]
fn voided_lines_leave_the_others_in_their_order() {
    let caller = caller(&["alice".to_owned()]);
    let mut granted = Granted::NONE;
    for line in ["alice:100:10", "alice:105:1", "alice:200:10", "alice:90:20"] {
        granted.add_line(&caller, 1, line.as_bytes());
    }
    assert!(granted.may_cover_accounts());
    granted.void_lines_over(105);
    let kept = [IdRange::new(105, 1).unwrap(), IdRange::new(200, 10).unwrap()];
    assert_eq!(granted.ranges(), kept);
    granted.void_lines_over(209);
    assert_eq!(granted.ranges(), &kept[..1]);
    assert!(!granted.may_cover_accounts());
}

#[test]
fn an_account_of_another_uid_gives_no_name() {
    let mut caller = Caller::new(1000, 100);
    caller.add_account(&Account { name: b"bob", uid: Some(1001), gid: Some(100), is_whole: true });
    caller.add_account(&Account { name: b"gid", uid: Some(100), gid: Some(1000), is_whole: true });
    assert_eq!(caller.names().count(), 0);
    assert!(!caller.owns(Owner::Name(b"")));
    assert!(caller.owns(Owner::Uid(1000)));
    assert!(!caller.owns(Owner::Uid(100)));
}

#[test]
fn names_past_a_kibibyte_grant_nothing_and_the_earlier_ones_stay() {
    let names: Vec<_> = (0..200).map(|at| format!("account{at:03}")).collect();
    let caller = caller(&names);
    let kept: Vec<_> = caller.names().map(|name| String::from_utf8(name.to_vec()).unwrap()).collect();
    assert_eq!(kept, names[..1024 / 11]);
    assert!(caller.owns(Owner::Name(b"account092")));
    assert!(!caller.owns(Owner::Name(b"account093")));
    assert!(!caller.owns(Owner::Name(b"account0")));
}

#[test]
fn one_name_may_fill_the_kibibyte_but_not_pass_it() {
    assert_eq!(caller(&["a".repeat(1023)]).names().count(), 1);
    let caller = caller(&["a".repeat(1024), "b".to_owned()]);
    assert_eq!(caller.names().collect::<Vec<_>>(), [b"b"]);
}

#[test]
fn text_that_does_not_fit_is_never_given_as_whole() {
    let mut text = Text::<4>::EMPTY;
    assert_eq!(text.push(b"abcd").whole(), Some(&b"abcd"[..]));
    assert_eq!(text.push(b"").whole(), Some(&b"abcd"[..]));
    assert_eq!(text.push(b"e").whole(), None);
    assert_eq!(text.as_bytes(), b"abcd");

    let mut text = Text::<4>::EMPTY;
    text.push(b"ab").push(b"cde").push(b"f");
    assert_eq!((text.whole(), text.as_bytes()), (None, &b"abf"[..]));
}

#[test]
fn a_number_is_written_in_decimal() {
    for number in [0, 7, 10, 99, 100_000, 4_294_967_294, u32::MAX] {
        let mut text = Text::<10>::EMPTY;
        assert_eq!(text.push_number(number).whole(), Some(number.to_string().as_bytes()));
    }
    let mut text = Text::<2>::EMPTY;
    assert_eq!(text.push_number(100).whole(), None);
}

#[test]
fn bytes_from_outside_are_escaped() {
    let mut text = Text::<64>::EMPTY;
    text.push_escaped(b"a b~\x1b[31m\n\\\x00\x7f\xff");
    assert_eq!(text.whole(), Some(&br"a b~\x1b[31m\x0a\x5c\x00\x7f\xff"[..]));
}

#[test]
fn long_bytes_from_outside_are_cut_short() {
    let mut text = Text::<512>::EMPTY;
    text.push_escaped(&[b'a'; 64]);
    assert_eq!(text.whole(), Some(&[b'a'; 64][..]));
    text.push_escaped(&[0; 65]);
    assert_eq!(text.whole().map(<[u8]>::len), Some(64 + 64 * 4 + 3));
    assert!(text.as_bytes().ends_with(b"\\x00..."));
}

#[test]
fn an_argument_that_does_not_fit_is_not_whole() {
    let (_, map) = push(&scattered(3));
    let mut text = Text::<17>::EMPTY;
    push_typed(&mut text, map.lines().iter().copied());
    assert_eq!(text.whole(), Some(&b"0:1:1,2:3:1,4:5:1"[..]));
    let mut text = Text::<16>::EMPTY;
    push_typed(&mut text, map.lines().iter().copied());
    assert_eq!(text.whole(), None);
}
