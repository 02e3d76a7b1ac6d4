//! Which lines belong to a caller: names, numeric owners, names made of digits, accounts that share a uid,
//! and no account.

use crate::conformance::case::{Case, case};
use crate::conformance::effect::{Expected, written, written_without_setgroups};

const GRANTED: &str = "0 300000 9";

/// A request by a user with this account and the uid 1003, for what these lines grant.
fn by_1003(account: &str, grants: &str) -> Case {
    case(GRANTED).with_accounts(account).with_grants(grants).by(|host| host.uid(1003))
}

#[test]
fn a_line_names_the_account_or_its_uid() {
    for owner in ["alice", "1000"] {
        case(GRANTED).with_grants(format!("{owner}:300000:9\n")).same(written(GRANTED));
    }
}

#[test]
fn a_line_of_anybody_else_grants_nothing() {
    for owner in [
        "bob",
        "1001",
        "Alice",
        "ALICE",
        "alic",
        "alicea",
        "alice ",
        " alice",
        "al",
        "root",
        "0",
        "nobody",
        "4294967295",
    ] {
        case(GRANTED).with_grants(format!("{owner}:300000:9\n")).same(Expected::Refused);
    }
}

#[test]
fn a_numeric_owner_is_spelled_one_way() {
    for owner in ["01000", "+1000", "-1000", "0x3e8", "1000.0", "4294968296", "18446744073709552616", "1000 "]
    {
        case(GRANTED).with_grants(format!("{owner}:300000:9\n")).same(Expected::Refused);
    }
}

#[test]
fn unusual_names_are_names() {
    for name in [
        "d",
        "4242x",
        "x4242",
        "host$",
        "d.ve",
        "d-v_e",
        "d@example.org",
        "EXAMPLE\\dave",
        "zoë",
        "d#ve",
        "a-name-of-more-than-thirty-two-characters-in-all",
    ] {
        let account = format!("{name}:x:1003:1003::/:/bin/sh\n");
        by_1003(&account, &format!("{name}:300000:9\n")).same(written(GRANTED));
    }
}

#[test]
fn a_name_of_digits_owns_nothing() {
    let account = "4242:x:1003:1003::/:/bin/sh\n";
    let by_name = by_1003(account, "4242:300000:9\n");
    by_name.differs("name-of-digits", Expected::Refused, written(GRANTED));
    by_1003(account, "1003:300000:9\n").same(written(GRANTED));
}

#[test]
fn a_name_with_a_blank_owns_nothing() {
    let account = "al ice:x:1003:1003::/:/bin/sh\n";
    by_1003(account, "al ice:300000:9\n").differs("name-with-a-blank", Expected::Refused, written(GRANTED));
    by_1003(account, "1003:300000:9\n").same(written(GRANTED));
}

#[test]
fn digits_are_the_uid_even_if_an_account_has_them_as_its_name() {
    let accounts = "4242:x:1003:1003::/:/bin/sh\ndave:x:4242:4242::/:/bin/sh\n";
    let by_uid = case(GRANTED).with_accounts(accounts).with_grants("4242:300000:9\n");
    by_uid.by(|host| host.user("dave")).same(written(GRANTED));
}

#[test]
fn a_mark_before_a_name_is_no_owner() {
    for mark in ["@", "!", "*"] {
        let account = format!("{mark}dave:x:1003:1003::/:/bin/sh\n");
        let marked = by_1003(&account, &format!("{mark}dave:300000:9\n"));
        marked.differs("owner-that-is-a-mark", Expected::Refused, written(GRANTED));
    }
    for owner in ["*", "@", "+", "-", "!", "@alice", "+alice", "-alice", "!alice", "", "ALL", "%alice"] {
        case(GRANTED).with_grants(format!("{owner}:300000:9\n")).same(Expected::Refused);
    }
}

#[test]
fn a_name_that_is_not_utf8_owns_nothing() {
    let passwd = b"root:x:0:0::/root:/bin/sh\nd\xe9v:x:1003:1003::/:/bin/sh\n";
    let latin = case(GRANTED).with(move |host| host.write("/etc/passwd", passwd)).by(|host| host.uid(1003));
    let latin = latin.with_grants(b"d\xe9v:300000:9\n");
    latin.differs("name-that-is-not-utf-8", Expected::Refused, written(GRANTED));
}

#[test]
fn two_accounts_of_one_uid_share_their_lines() {
    for owner in ["alice", "twin", "1000"] {
        let shared = case(GRANTED).with_accounts("twin:x:1000:1000::/:/bin/sh\n");
        shared.with_grants(format!("{owner}:300000:9\n")).same(written(GRANTED));
    }
    for grants in [
        "alice:300000:5\ntwin:300005:4\n",
        "twin:300000:5\n1000:300005:4\n",
        "1000:300000:1\nalice:300001:7\ntwin:300008:1\n",
    ] {
        let shared = case(GRANTED).with_accounts("twin:x:1000:1000::/:/bin/sh\n");
        shared.with_grants(grants).same(written(GRANTED));
    }
}

#[test]
fn the_first_account_of_a_uid_is_as_good_as_the_second() {
    let passwd = "root:x:0:0::/root:/bin/sh\ntwin:x:1000:1000::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n";
    for owner in ["alice", "twin", "1000"] {
        let shared = case(GRANTED).with(move |host| host.write("/etc/passwd", passwd));
        shared.with_grants(format!("{owner}:300000:9\n")).same(written(GRANTED));
    }
}

#[test]
fn a_uid_without_an_account_has_its_own_id_and_numeric_lines() {
    let unknown = |words| case(words).with_grants("4711:300000:9\n").by(|host| host.uid(4711));
    let own = unknown("0 4711 1");
    own.differs("caller-without-an-account", written_without_setgroups("0 4711 1"), Expected::Refused);
    let numeric = unknown(GRANTED);
    numeric.differs("caller-without-an-account", written(GRANTED), Expected::Refused);
    unknown("0 300000 10").same(Expected::Refused);
    unknown("0 100000 1").same(Expected::Refused);
}

#[test]
fn without_passwd_nobody_has_an_account() {
    let missing = |words| case(words).with(|host| host.remove("/etc/passwd")).by(|host| host.uid(1000));
    let own = missing("0 1000 1");
    own.differs("caller-without-an-account", written_without_setgroups("0 1000 1"), Expected::Refused);
    missing("0 100000 1").same(Expected::Refused);
}

#[test]
fn numbers_of_accounts_are_read_as_the_c_library_reads_them() {
    for account in [
        "dave:x:1003:1003:::",
        "dave::1003:1003::/:/bin/sh\n",
        "dave:*:1003:1003:a:b:c:d\n",
        "dave:x:1003:1003\n",
        "dave:x:01003:1003::/:/bin/sh\n",
        "dave:x:1003:001003::/:/bin/sh\n",
        "dave:x:+1003:1003::/:/bin/sh\n",
        "dave:x: 1003:1003::/:/bin/sh\n",
    ] {
        by_1003(account, "dave:300000:9\n").same(written(GRANTED));
    }
    for account in [
        "dave:x\n",
        "dave:x::1003::/:/bin/sh\n",
        "dave:x:x:1003::/:/bin/sh\n",
        "dave:x:0x3eb:1003::/:/bin/sh\n",
        "dave:x:-1003:1003::/:/bin/sh\n",
        "dave:x:4294968299:1003::/:/bin/sh\n",
        "#dave:x:1003:1003::/:/bin/sh\n",
        ":x:1003:1003::/:/bin/sh\n",
    ] {
        by_1003(account, "dave:300000:9\n").same(Expected::Refused);
    }
}

#[test]
fn a_damaged_line_names_nobody() {
    for account in
        ["dave:x:1003\n", "dave:x:1003:\n", "dave:x:1003:x::/:/bin/sh\n", "dave:x:1003 :1003::/:/bin/sh\n"]
    {
        by_1003(account, "dave:300000:9\n").same(Expected::Refused);
    }
}

#[test]
fn an_entry_for_other_sources_is_no_account() {
    for mark in ["+", "-"] {
        let account = format!("{mark}dave:x:1003:1003::/:/bin/sh\n");
        by_1003(&account, &format!("{mark}dave:300000:9\n")).same(Expected::Refused);
        by_1003(&account, "dave:300000:9\n").same(Expected::Refused);
    }
}
