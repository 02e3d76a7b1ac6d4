//! The mapper's command line, argument by argument, and every reason to refuse it.
#![allow(clippy::unwrap_used)]

use subroot_idmap::{
    BadMap, IdKind, IdRange, Invalid, MapLine, Request, RequestError, RequestedMap, TargetArg, Verb,
};

const MAP: &str = "0:100000:65536";

fn read<'a>(line: &'a str) -> (Result<Verb, RequestError<'a>>, Request) {
    let mut request = Request::EMPTY;
    let verb = request.read(line.split_whitespace().map(str::as_bytes));
    (verb, request)
}

fn refused(line: &str) -> RequestError<'_> {
    read(line).0.unwrap_err()
}

const fn about(why: Invalid, arg: &[u8]) -> RequestError<'_> {
    RequestError { map: None, why, overlap: None, arg }
}

fn map(text: &str) -> Result<(), Invalid> {
    let mut map = RequestedMap::EMPTY;
    map.push_text(text.as_bytes()).map_err(|bad| bad.why)
}

fn map_error(text: &str) -> Invalid {
    map(text).unwrap_err()
}

#[test]
fn one_command_line_asks_for_both_maps() {
    let (verb, request) = read("fd:3 --uid-map 0:1000:1,1:100000:65536 --gid-map 0:100:1 --setgroups deny");
    assert_eq!(verb, Ok(Verb::Map(TargetArg::Descriptor(3))));
    let uid = [
        MapLine { inside: 0, outside: 1000, count: 1 },
        MapLine { inside: 1, outside: 100_000, count: 65_536 },
    ];
    assert_eq!(request.maps.uid.lines(), uid);
    assert_eq!(request.maps.gid.lines(), [MapLine { inside: 0, outside: 100, count: 1 }]);
    assert!(request.deny_setgroups);
}

#[test]
fn one_map_is_enough_and_setgroups_is_left_alone_unless_asked() {
    for kind in IdKind::BOTH {
        let line = format!("4711 {} {MAP}", kind.option());
        let (verb, request) = read(&line);
        assert_eq!(verb, Ok(Verb::Map(TargetArg::Pid(4711))));
        let empty = [request.maps.uid.is_empty(), request.maps.gid.is_empty()];
        assert_eq!(empty, [kind == IdKind::Gid, kind == IdKind::Uid]);
        assert!(!request.maps.get(kind).is_empty());
        assert!(!request.deny_setgroups);
    }
}

#[test]
fn help_and_version_take_no_other_arguments() {
    assert_eq!(read("--help").0, Ok(Verb::Help));
    assert_eq!(read("--version").0, Ok(Verb::Version));
    assert_eq!(refused("4711 --help"), about(Invalid::Unexpected, b"--help"));
    assert_eq!(refused("4711 --uid-map 0:1:1 --version"), about(Invalid::Unexpected, b"--version"));
    assert_eq!(refused("--version 4711"), about(Invalid::Unexpected, b"4711"));
    assert_eq!(refused("4711 --setgroups deny --setgroups deny"), about(Invalid::Twice, b"--setgroups"));
}

#[test]
fn a_request_without_a_target_is_refused() {
    assert_eq!(refused(""), about(Invalid::NoTarget, b""));
    assert_eq!(refused("--uid-map 0:1:1 4711"), about(Invalid::Target, b"--uid-map"));
    assert_eq!(refused("--setgroups deny"), about(Invalid::Target, b"--setgroups"));
}

#[test]
fn a_request_without_a_map_is_refused() {
    assert_eq!(refused("4711"), about(Invalid::NoMap, b""));
    assert_eq!(refused("fd:3 --setgroups deny"), about(Invalid::NoMap, b""));
}

#[test]
fn an_invalid_target_is_named() {
    assert_eq!(refused("self --uid-map 0:1:1"), about(Invalid::Target, b"self"));
    assert_eq!(refused("fd:x"), about(Invalid::Target, b"fd:x"));
    let mut request = Request::EMPTY;
    assert_eq!(request.read([&b""[..]].into_iter()), Err(about(Invalid::Target, b"")));
}

#[test]
fn an_unknown_argument_is_named() {
    for arg in ["-h", "-1", "--uid", "--uid-map=0:1:1", "--setgroups=deny", "--", "-"] {
        let line = format!("4711 {arg}");
        assert_eq!(refused(&line), about(Invalid::Unexpected, arg.as_bytes()));
    }
    assert_eq!(refused("4711 4712 --uid-map 0:1:1"), about(Invalid::Unexpected, b"4712"));
}

#[test]
fn an_option_needs_its_value() {
    for option in ["--uid-map", "--gid-map", "--setgroups"] {
        let line = format!("4711 {option}");
        assert_eq!(refused(&line), about(Invalid::NoValue, option.as_bytes()));
    }
}

#[test]
fn a_map_may_be_asked_for_once() {
    for kind in IdKind::BOTH {
        let line = format!("4711 {0} 0:1:1 {0} 1:2:1", kind.option());
        assert_eq!(refused(&line), about(Invalid::Twice, kind.option().as_bytes()));
    }
}

#[test]
fn setgroups_can_only_be_denied() {
    assert_eq!(refused("4711 --uid-map 0:1:1 --setgroups allow"), about(Invalid::Setgroups, b"allow"));
    assert_eq!(refused("4711 --setgroups Deny"), about(Invalid::Setgroups, b"Deny"));
}

#[test]
fn an_invalid_map_is_named_with_its_kind_and_reason() {
    let gid = RequestError { map: Some(IdKind::Gid), why: Invalid::MapFields, overlap: None, arg: b"0:1" };
    assert_eq!(refused("4711 --uid-map 0:1:1 --gid-map 0:1"), gid);
    let uid = RequestError { map: Some(IdKind::Uid), why: Invalid::EmptyRange, overlap: None, arg: b"0:1:0" };
    assert_eq!(refused("4711 --uid-map 0:1:0"), uid);
}

#[test]
fn a_map_is_ranges_of_three_numbers_separated_by_commas() {
    for text in ["", ",", "0", "0:1", "0:1:1:", "0:1:1:1", "0:1:1,", ",0:1:1", "0:1:1,,1:2:1"] {
        assert_eq!(map_error(text), Invalid::MapFields, "{text:?}");
    }
}

#[test]
fn the_numbers_of_a_map_have_one_spelling() {
    for (text, why) in [
        (":1:1", Invalid::NoNumber),
        ("0::1", Invalid::NoNumber),
        ("0:1:", Invalid::NoNumber),
        ("+0:1:1", Invalid::NotDecimal),
        ("0:-1:1", Invalid::NotDecimal),
        ("0:1: 1", Invalid::NotDecimal),
        ("0:0x1:1", Invalid::NotDecimal),
        ("0:1:1\0", Invalid::NotDecimal),
        ("00:1:1", Invalid::LeadingZero),
        ("0:01:1", Invalid::LeadingZero),
        ("4294967296:1:1", Invalid::TooLarge),
    ] {
        assert_eq!(map_error(text), why, "{text:?}");
    }
}

#[test]
fn neither_side_of_a_map_may_be_empty_or_reach_the_reserved_id() {
    for (text, why) in [
        ("0:1:0", Invalid::EmptyRange),
        ("4294967295:1:1", Invalid::Wraps),
        ("0:4294967295:1", Invalid::Wraps),
        ("4294967294:1:2", Invalid::Wraps),
        ("0:4294967294:2", Invalid::Wraps),
        ("1:0:4294967295", Invalid::Wraps),
    ] {
        assert_eq!(map_error(text), why, "{text:?}");
    }
    assert_eq!(map("4294967294:4294967294:1"), Ok(()));
    assert_eq!(map("0:0:4294967295"), Ok(()));
}

#[test]
fn lines_may_not_overlap_on_either_side() {
    assert_eq!(map_error("0:100:10,9:200:1"), Invalid::OverlapInside);
    assert_eq!(map_error("9:200:1,0:100:10"), Invalid::OverlapInside);
    assert_eq!(map_error("0:100:10,20:109:1"), Invalid::OverlapOutside);
    assert_eq!(map_error("20:109:1,0:100:10"), Invalid::OverlapOutside);
    assert_eq!(map_error("0:100:1,0:100:1"), Invalid::OverlapInside);
    assert_eq!(map("0:100:10,10:110:1,11:99:1"), Ok(()));
}

#[test]
fn both_ranges_of_an_overlap_are_told_earlier_one_first() {
    let mut map = RequestedMap::EMPTY;
    for (text, why, first, second) in [
        ("0:100:10,10:200:5,9:300:2", Invalid::OverlapInside, (0, 10), (9, 2)),
        ("50:109:1", Invalid::OverlapOutside, (100, 10), (109, 1)),
    ] {
        let overlap = Some([first, second].map(|(first, count)| IdRange::new(first, count).unwrap()));
        assert_eq!(map.push_text(text.as_bytes()), Err(BadMap { why, overlap }));
    }
}

#[test]
fn every_reason_has_a_different_text() {
    let reasons: std::collections::BTreeSet<_> = Invalid::ALL.iter().map(|why| why.reason()).collect();
    assert_eq!(reasons.len(), Invalid::ALL.len());
    assert!(reasons.len() > 30 && reasons.iter().all(|reason| !reason.is_empty()));
}
