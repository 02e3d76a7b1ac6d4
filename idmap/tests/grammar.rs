//! The spelling of numbers, grant lines, passwd lines and targets, case by case.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use subroot_idmap::{
    Account, Caller, Granted, IdRange, Invalid, MAX_LINE, Owner, Request, SubidLine, TargetArg, Verb, Void,
    parse_number,
};

fn range(first: u32, count: u32) -> IdRange {
    IdRange::new(first, count).unwrap()
}

fn caller(uid: u32, names: &[&str]) -> Caller {
    let mut caller = Caller::new(uid, uid);
    for name in names {
        caller.add_account(&Account {
            name: name.as_bytes(),
            uid: Some(uid),
            gid: Some(uid),
            is_whole: true,
        });
    }
    caller
}

/// The ranges that a file grants to a caller.
fn granted(caller: &Caller, lines: &[&[u8]]) -> Vec<IdRange> {
    let mut granted = Granted::NONE;
    for (number, line) in (1..).zip(lines) {
        granted.add_line(caller, number, line);
    }
    granted.ranges().to_vec()
}

fn refused(line: &[u8]) -> Invalid {
    match SubidLine::parse(line) {
        Err(why) => why,
        Ok(line) => panic!("{line:?} was accepted"),
    }
}

#[test]
fn a_number_is_ascii_decimal_and_nothing_else() {
    for (text, expected) in [
        ("0", Ok(0)),
        ("7", Ok(7)),
        ("100000", Ok(100_000)),
        ("4294967294", Ok(4_294_967_294)),
        ("4294967295", Ok(u32::MAX)),
        ("4294967296", Err(Invalid::TooLarge)),
        ("42949672950", Err(Invalid::TooLarge)),
        ("18446744073709551616", Err(Invalid::TooLarge)),
        ("", Err(Invalid::NoNumber)),
        ("+1", Err(Invalid::NotDecimal)),
        ("-1", Err(Invalid::NotDecimal)),
        ("-0", Err(Invalid::NotDecimal)),
        (" 1", Err(Invalid::NotDecimal)),
        ("1 ", Err(Invalid::NotDecimal)),
        ("1 0", Err(Invalid::NotDecimal)),
        ("\t1", Err(Invalid::NotDecimal)),
        ("1\n", Err(Invalid::NotDecimal)),
        ("1\r", Err(Invalid::NotDecimal)),
        ("1\0", Err(Invalid::NotDecimal)),
        ("0x10", Err(Invalid::NotDecimal)),
        ("0X10", Err(Invalid::NotDecimal)),
        ("0o10", Err(Invalid::NotDecimal)),
        ("ff", Err(Invalid::NotDecimal)),
        ("1e5", Err(Invalid::NotDecimal)),
        ("1.0", Err(Invalid::NotDecimal)),
        ("1_000", Err(Invalid::NotDecimal)),
        ("1,000", Err(Invalid::NotDecimal)),
        ("00", Err(Invalid::LeadingZero)),
        ("01", Err(Invalid::LeadingZero)),
        ("0100000", Err(Invalid::LeadingZero)),
        ("00000000000000000000", Err(Invalid::LeadingZero)),
        ("١٢", Err(Invalid::NotDecimal)),
        ("１", Err(Invalid::NotDecimal)),
        ("1²", Err(Invalid::NotDecimal)),
    ] {
        assert_eq!(parse_number(text.as_bytes()), expected, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_number_has_one_spelling(number in any::<u32>()) {
        prop_assert_eq!(parse_number(number.to_string().as_bytes()), Ok(number));
    }

    #[test]
    fn text_is_a_number_only_if_the_number_is_printed_as_that_text(text in "[0-9]{0,11}|[-+ x0-9]{0,6}|\\PC{0,4}") {
        let expected = text.parse::<u32>().ok().filter(|number| number.to_string() == text);
        prop_assert_eq!(parse_number(text.as_bytes()).ok(), expected);
    }

    #[test]
    fn arbitrary_bytes_grant_at_most_what_they_spell(line in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(Some(read)) = SubidLine::parse(&line) {
            let owner = match read.owner {
                Owner::Uid(uid) => uid.to_string(),
                Owner::Name(name) => String::from_utf8(name.to_vec()).unwrap(),
            };
            let spelt = format!("{owner}:{}:{}", read.range.first(), read.range.count());
            prop_assert_eq!(spelt.as_bytes(), &line[..]);
        }
    }
}

#[test]
fn a_grant_line_is_owner_start_count() {
    let alice = SubidLine { owner: Owner::Name(b"alice"), range: range(100_000, 65_536) };
    assert_eq!(SubidLine::parse(b"alice:100000:65536"), Ok(Some(alice)));
    let by_uid = SubidLine { owner: Owner::Uid(1000), range: range(1, 1) };
    assert_eq!(SubidLine::parse(b"1000:1:1"), Ok(Some(by_uid)));
}

#[test]
fn comments_and_blank_lines_grant_nothing_and_are_no_error() {
    for line in ["", " ", "\t", "#", "# alice:100000:65536", "  # indented", "#\0"] {
        assert_eq!(SubidLine::parse(line.as_bytes()), Ok(None), "{line:?}");
    }
}

#[test]
fn the_first_line_of_the_callers_that_grants_nothing_is_remembered() {
    let caller = caller(1000, &["alice", "42"]);
    let void = |lines: &[&[u8]]| {
        let mut granted = Granted::NONE;
        for (number, line) in (1..).zip(lines) {
            granted.add_line(&caller, number, line);
        }
        granted.void()
    };
    let bad = Invalid::LineFields;
    assert_eq!(void(&[b"bob:1", b"alice:1", b"alice"]), Void::Line(2, bad));
    assert_eq!(void(&[b"alice:1:1", b"1000:5:"]), Void::Line(2, Invalid::NoNumber));
    assert_eq!(void(&[b"  alice:1:1"]), Void::Line(1, Invalid::Blank));
    assert_eq!(void(&[b"\xef\xbb\xbfalice:1:1"]), Void::Line(1, Invalid::ByteOrderMark));
    for line in [&b"alice2:1"[..], b"42:1", b"1001:1", b"#alice:1", b"Alice:1", b"", b"alice:1:1"] {
        assert_eq!(void(&[line]), Void::Nothing, "{line:?}");
    }
}

#[test]
fn a_range_over_an_account_is_remembered_with_its_id() {
    let mut granted = Granted::NONE;
    granted.add_line(&caller(1000, &["alice"]), 1, b"alice:1000:10");
    granted.void_lines_over(1005);
    assert_eq!(granted.void(), Void::Range(range(1000, 10), 1005));
}

#[test]
fn an_invalid_line_has_a_reason() {
    for (line, why) in [
        (&b"alice"[..], Invalid::LineFields),
        (b"alice:100000", Invalid::LineFields),
        (b"alice:100000:65536:", Invalid::LineFields),
        (b"alice:100000:65536:x", Invalid::LineFields),
        (b"alice:100000:65536 # mine", Invalid::Blank),
        (b" alice:100000:65536", Invalid::Blank),
        (b"alice:\t100000:65536", Invalid::Blank),
        (b"alice:100000:65536\r", Invalid::Control),
        (b"alice:100000:65536\0", Invalid::Control),
        (b"ali\0ce:100000:65536", Invalid::Control),
        (b"alice\x7f:100000:65536", Invalid::Control),
        (b"alic\xe9:100000:65536", Invalid::Encoding),
        (b"\xef\xbb\xbfalice:100000:65536", Invalid::ByteOrderMark),
        (b"alice::65536", Invalid::NoNumber),
        (b"alice:100000:", Invalid::NoNumber),
        (b"alice:+100000:65536", Invalid::NotDecimal),
        (b"alice:-1:65536", Invalid::NotDecimal),
        (b"alice:0x186a0:65536", Invalid::NotDecimal),
        (b"alice:0100000:65536", Invalid::LeadingZero),
        (b"alice:100000:065536", Invalid::LeadingZero),
        (b"alice:4294967296:1", Invalid::TooLarge),
        (b"alice:1:4294967296", Invalid::TooLarge),
        (b"alice:100000:0", Invalid::EmptyRange),
        (b"alice:0:0", Invalid::EmptyRange),
        (b"alice:4294967295:1", Invalid::Wraps),
        (b"alice:4294967294:2", Invalid::Wraps),
        (b"alice:100000:4294967295", Invalid::Wraps),
        (b"alice:0:1", Invalid::HoldsRoot),
        (b"alice:0:65536", Invalid::HoldsRoot),
        (b"alice:0:4294967295", Invalid::HoldsRoot),
    ] {
        assert_eq!(refused(line), why, "{}", line.escape_ascii());
    }
}

#[test]
fn an_invalid_line_does_not_affect_the_others() {
    let lines: [&[u8]; 5] = [b"alice:1", b"alice:200000:10", b"\xff", b"alice:0:9", b"alice:300000:10"];
    assert_eq!(granted(&caller(1000, &["alice"]), &lines), [range(200_000, 10), range(300_000, 10)]);
}

#[test]
fn a_range_may_not_hold_the_reserved_id() {
    assert_eq!(IdRange::new(u32::MAX - 1, 1), Ok(range(u32::MAX - 1, 1)));
    assert_eq!(IdRange::new(u32::MAX - 1, 2), Err(Invalid::Wraps));
    assert_eq!(IdRange::new(u32::MAX, 1), Err(Invalid::Wraps));
    assert_eq!(IdRange::new(0, u32::MAX), Ok(range(0, u32::MAX)));
    assert_eq!(IdRange::new(1, u32::MAX), Err(Invalid::Wraps));
    assert!(!range(0, u32::MAX).contains(u32::MAX));
}

#[test]
fn a_line_of_1023_bytes_grants_and_one_of_1024_does_not() {
    let line = |length: usize| format!("{}:100000:65536", "a".repeat(length.saturating_sub(13)));
    assert_eq!(line(MAX_LINE).len(), 1023);
    assert!(SubidLine::parse(line(MAX_LINE).as_bytes()).is_ok_and(|line| line.is_some()));
    assert_eq!(refused(line(1024).as_bytes()), Invalid::TooLong);
    assert_eq!(SubidLine::parse(format!("#{}", line(2000)).as_bytes()), Ok(None));
}

#[test]
fn an_owner_that_is_not_an_account_grants_nothing() {
    for owner in ["", "+", "-", "@", "!", "*", "+alice", "-alice", "@alice", "!alice", "*alice", "4294967295"]
    {
        let line = format!("{owner}:100000:65536");
        assert_eq!(refused(line.as_bytes()), Invalid::Owner, "{owner:?}");
        let everyone = caller(1000, &["alice", owner]);
        assert_eq!(granted(&everyone, &[line.as_bytes()]), [], "{owner:?}");
    }
}

#[test]
fn an_owner_in_digits_has_one_spelling_too() {
    assert_eq!(refused(b"01000:100000:65536"), Invalid::LeadingZero);
    assert_eq!(refused(b"4294968296:100000:65536"), Invalid::TooLarge);
    assert_eq!(granted(&caller(1000, &["01000"]), &[b"01000:100000:65536"]), []);
}

#[test]
fn an_owner_in_digits_is_a_uid_and_never_a_name() {
    let line: &[u8] = b"1000:100000:65536";
    assert_eq!(granted(&caller(1000, &["alice"]), &[line]), [range(100_000, 65_536)]);
    assert_eq!(granted(&caller(1000, &[]), &[line]), [range(100_000, 65_536)]);
    assert_eq!(granted(&caller(2000, &["1000"]), &[line]), []);
}

#[test]
fn a_name_that_only_begins_with_digits_is_a_name() {
    assert_eq!(granted(&caller(7, &["1000a"]), &[b"1000a:100000:1"]), [range(100_000, 1)]);
    assert_eq!(granted(&caller(1000, &["a"]), &[b"1000a:100000:1"]), []);
}

#[test]
fn only_the_whole_name_counts() {
    let alice = caller(1000, &["alice"]);
    let others: [&[u8]; 6] =
        [b"alic:1:1", b"alicea:1:1", b"Alice:1:1", b"bob:1:1", b"1001:1:1", b"alice,bob:1:1"];
    assert_eq!(granted(&alice, &others), []);
}

#[test]
fn lines_for_each_name_of_one_uid_count() {
    let lines: [&[u8]; 3] = [b"alice:100000:1", b"alice-admin:200000:1", b"1000:300000:1"];
    let expected = [range(100_000, 1), range(200_000, 1), range(300_000, 1)];
    assert_eq!(granted(&caller(1000, &["alice", "alice-admin"]), &lines), expected);
}

#[test]
fn an_account_is_the_first_four_fields_of_a_passwd_line() {
    let alice = Some(Account { name: b"alice", uid: Some(1000), gid: Some(100), is_whole: true });
    for line in [
        "alice:x:1000:100:Alice,,,:/home/alice:/bin/sh",
        "alice::1000:100:",
        "alice:x:1000:100:a gecos that is cut sho",
    ] {
        assert_eq!(Account::parse(line.as_bytes()), alice, "{line:?}");
    }
}

/// Every account that can log in counts as alive: numbers are read as by the C library, and later fields may
/// be missing.
#[test]
fn an_account_is_what_the_c_library_accepts_as_one() {
    let ids = |line: &str| Account::parse(line.as_bytes()).map(|account| (account.uid, account.gid));
    for line in ["a:x:1000:100", "a:x:01000:+0100::/:", "a:x: 1000:100::/:", "a:x:+1000:00100::/:"] {
        assert_eq!(ids(line), Some((Some(1000), Some(100))), "{line:?}");
    }
    assert_eq!(ids("a:x:00:0"), Some((Some(0), Some(0))));
    for (line, expected) in [
        ("a:x:1000", (Some(1000), None)),
        ("a:x:1000:::/:", (Some(1000), None)),
        ("a:x::100::/:", (None, Some(100))),
        ("a:x:-1:100::/:", (None, Some(100))),
        ("a:x:4294967296:100::/:", (None, Some(100))),
        ("a:x:0x3e8:100::/:", (None, Some(100))),
    ] {
        assert_eq!(ids(line), Some(expected), "{line:?}");
    }
    let is_whole = |line: &str| Account::parse(line.as_bytes()).is_some_and(|account| account.is_whole);
    assert!(is_whole("a:x:01000:+0100::/:") && is_whole("a:x:1000:100"));
    for line in ["a:x:1000", "a:x:1000:::/:", "a:x:1000 :100::/:", "a:1000:100::/:/bin/sh", "a:x::100::/:"] {
        assert!(!is_whole(line), "{line:?}");
    }
    assert_eq!(ids(&format!("a:{}:1000:100", "x".repeat(16 * 1024))), None, "it may have been cut");
}

#[test]
fn a_line_that_is_not_an_account_is_ignored() {
    for line in [
        "",
        "#alice:x:1000:1000::/:/bin/sh",
        ":x:1000:1000::/:/bin/sh",
        "alice",
        "alice:x",
        "+::::::",
        "+@staff::::::",
    ] {
        assert_eq!(Account::parse(line.as_bytes()), None, "{line:?}");
    }
}

#[test]
fn a_target_is_a_pid_or_a_descriptor() {
    for (word, expected) in [
        ("1", Some(TargetArg::Pid(1))),
        ("4194304", Some(TargetArg::Pid(4_194_304))),
        ("fd:0", Some(TargetArg::Descriptor(0))),
        ("fd:17", Some(TargetArg::Descriptor(17))),
        ("", None),
        ("0", None),
        ("+1", None),
        ("-1", None),
        ("01", None),
        ("1/../2", None),
        ("self", None),
        ("4294967296", None),
        ("fd:", None),
        ("fd:-1", None),
        ("fd:03", None),
        ("fd:3 ", None),
        ("FD:3", None),
        ("fd:fd:3", None),
        ("fd3", None),
    ] {
        let words = [word, "--uid-map", "0:1:1"].map(str::as_bytes);
        let mut request = Request::EMPTY;
        let verb = request.read(words.into_iter()).ok();
        assert_eq!(verb, expected.map(Verb::Map), "{word:?}");
    }
}
