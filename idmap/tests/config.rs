//! mapper.conf as it applies to one caller.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use subroot_idmap::{Account, Caller, Config, IdRange, Invalid, Log};

/// The settings for an account with this uid, called alice.
fn config(uid: u32, text: &str) -> Result<Config, (u32, Invalid)> {
    let mut caller = Caller::new(uid, uid);
    caller.add_account(&Account { name: b"alice", uid: Some(uid), gid: Some(uid), is_whole: true });
    let mut config = Config::DEFAULT;
    for (number, line) in (1..).zip(text.lines()) {
        config.add_line(&caller, line.as_bytes()).map_err(|why| (number, why))?;
    }
    Ok(config)
}

fn computed(uid: u32, text: &str) -> Option<(u32, u32)> {
    let config = config(uid, text).unwrap();
    config.computed_grant(&Caller::new(uid, uid)).map(|range| (range.first(), range.count()))
}

#[track_caller]
fn refused(line: &str, why: Invalid) {
    assert_eq!(config(1000, line).err(), Some((1, why)), "{line}");
}

#[test]
fn without_a_file_nothing_is_set() {
    let config = config(1000, "# a comment\n\n   \n").unwrap();
    assert!(!config.denies_setgroups && !config.allows_live_ids && !config.allows_own_groups);
    assert!(config.computed_grant(&Caller::new(1000, 1000)).is_none());
}

#[test]
fn every_key_is_accepted_with_and_without_blanks() {
    let text = "setgroups=deny\n allow-live-ids = yes \nown-groups\t=\tyes\nlog = none";
    let config = config(1000, text).unwrap();
    assert!(config.denies_setgroups && config.allows_live_ids && config.allows_own_groups);
}

#[test]
fn nothing_refusals_or_all_may_be_logged() {
    for (text, log) in [
        ("", Log::Nothing),
        ("log = none", Log::Nothing),
        ("log = refusals", Log::Refusals),
        ("log = all", Log::All),
    ] {
        assert_eq!(config(1000, text).unwrap().log, log, "{text}");
    }
}

#[test]
fn setgroups_may_be_denied_to_some() {
    for (owner, denied) in
        [("alice", true), ("1000", true), ("bob", false), ("1001", false), ("01000", false)]
    {
        let text = format!("setgroups-deny = carol\nsetgroups-deny = {owner}\n");
        match config(1000, &text) {
            Ok(config) => assert_eq!(config.denies_setgroups, denied, "{owner}"),
            Err(error) => assert_eq!(error.0, 2, "{owner}"),
        }
    }
    for owner in ["", "@group", "*", "+", "01000"] {
        assert!(config(1000, &format!("setgroups-deny = {owner}")).is_err(), "{owner}");
    }
}

#[test]
fn what_is_not_a_setting_is_an_error() {
    refused("setgroups deny", Invalid::Setting);
    refused("computed-grant = 1-2:3:4", Invalid::Key);
    refused("Setgroups = deny", Invalid::Key);
    refused("= deny", Invalid::Key);
    refused("setgroups = allow", Invalid::Value);
    refused("setgroups =", Invalid::Value);
    refused("own-groups = true", Invalid::Value);
    refused("log = yes", Invalid::Value);
    refused(&format!("log = none{}", " ".repeat(1023)), Invalid::Setting);
    let twice = config(1000, "log = none\nlog = none\n").err();
    assert_eq!(twice, Some((2, Invalid::Twice)));
}

#[test]
fn a_rule_gives_every_uid_its_own_slice() {
    let rules =
        "computed-grants = 10000-110000:1000000:10000\ncomputed-grants = 200000-200009:2010000000:65536\n";
    assert_eq!(computed(9999, rules), None);
    assert_eq!(computed(10000, rules), Some((1_000_000, 10_000)));
    assert_eq!(computed(10001, rules), Some((1_010_000, 10_000)));
    assert_eq!(computed(110_000, rules), Some((1_001_000_000, 10_000)));
    assert_eq!(computed(110_001, rules), None);
    assert_eq!(computed(200_009, rules), Some((2_010_000_000 + 9 * 65536, 65536)));
}

#[test]
fn slices_of_one_rule_never_overlap() {
    let rule = "computed-grants = 5000-5100:100000:7";
    let slices: Vec<(u32, u32)> = (5000..=5100).filter_map(|uid| computed(uid, rule)).collect();
    assert_eq!(slices.len(), 101);
    let following = slices.iter().skip(1);
    assert!(slices.iter().zip(following).all(|(slice, next)| slice.0 + slice.1 == next.0));
}

#[test]
fn the_last_valid_id_may_be_granted_but_none_after_it() {
    assert_eq!(computed(7, "computed-grants = 7-7:4294967294:1"), Some((4_294_967_294, 1)));
    refused("computed-grants = 7-7:4294967294:2", Invalid::Wraps);
    refused("computed-grants = 7-8:4294967294:1", Invalid::Wraps);
    refused("computed-grants = 7-8:1000000:4294967295", Invalid::Wraps);
    refused("computed-grants = 7-4294967295:5:1", Invalid::Wraps);
}

#[test]
fn an_invalid_rule_is_an_error() {
    for value in
        ["", "1000", "1000-2000", "1000-2000:100000", "1000:100000:5", "1-2-3:4:5", "2000-1000:100000:5"]
    {
        refused(&format!("computed-grants = {value}"), Invalid::Rule);
    }
    let number = |value: &str, why| refused(&format!("computed-grants = {value}"), why);
    number("1000-0x800:100000:5", Invalid::NotDecimal);
    number("1000 - 2000:100000:5", Invalid::NotDecimal);
    number("01000-2000:100000:5", Invalid::LeadingZero);
    number("1000-2000:100000:", Invalid::NoNumber);
    number("1000-2000:100000:4294967296", Invalid::TooLarge);
    refused("computed-grants = 1000-2000:0:5", Invalid::HoldsRoot);
    refused("computed-grants = 1000-2000:100000:0", Invalid::EmptyRange);
}

#[test]
fn rules_may_not_overlap_each_other_or_their_own_uids() {
    let first = "computed-grants = 1000-1009:100000:100\n";
    for second in [
        "1009-1020:200000:1",
        "2000-2001:100999:1",
        "2000-2001:99990:11",
        "100000-100001:200000:1",
        "2000-2001:1009:1",
        "3000-3009:3009:1",
    ] {
        let text = format!("{first}computed-grants = {second}");
        assert_eq!(config(1000, &text).err(), Some((2, Invalid::Overlaps)), "{second}");
    }
    assert!(config(1000, &format!("{first}computed-grants = 1010-1020:101000:1")).is_ok());
}

#[test]
fn sixty_four_rules_are_accepted() {
    let rules = |count: u32| {
        let rule = |n| format!("computed-grants = {}-{}:{}:1\n", 1000 + n, 1000 + n, 100_000 + n);
        (0..count).map(rule).collect::<String>()
    };
    assert_eq!(computed(1063, &rules(64)), Some((100_063, 1)));
    assert_eq!(config(1000, &rules(65)).err(), Some((65, Invalid::TooManyRules)));
}

#[test]
fn groups_are_read_from_the_kernels_line_except_a_cut_off_one() {
    use subroot_idmap::IdKind::{Gid, Uid};
    let mut caller = Caller::new(1000, 1000);
    caller.add_groups(b"Name:\tGroups:\t5 ");
    caller.add_groups(b"Groups:\t4 27 0 100000 20");
    let one = |id| IdRange::new(id, 1).unwrap();
    for gid in [4, 27, 100_000] {
        assert!(caller.is_own_group(Gid, one(gid)) && !caller.is_own_group(Uid, one(gid)), "{gid}");
    }
    // 20 may have been 2000 before it was cut off, and 0 is the host's root.
    for gid in [5, 20, 0, 1000] {
        assert!(!caller.is_own_group(Gid, one(gid)), "{gid}");
    }
    assert!(!caller.is_own_group(Gid, IdRange::new(4, 2).unwrap()));
}
