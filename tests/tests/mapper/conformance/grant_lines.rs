//! What a line of a grant file grants: comments, invalid lines, numbers, long lines.

use crate::conformance::case::{Case, case};
use crate::conformance::effect::{Expected, written};

const GRANTED: &str = "0 300000 8";

/// A request for 300000 to 300007, with these files.
fn with(grants: impl AsRef<[u8]>) -> Case {
    case(GRANTED).with_grants(grants)
}

#[test]
fn comments_and_blank_lines_are_fine() {
    for grants in [
        "# comment\nalice:300000:8\n",
        "#\n#alice\n\n\nalice:300000:8\n\n# comment",
        "   \n\t\nalice:300000:8\n  # comment\n",
        "#alice:400000:8\nalice:300000:8\n",
    ] {
        with(grants).same(written(GRANTED));
    }
    for grants in ["#alice:300000:8\n", "# alice:300000:8\n", " #alice:300000:8", "alice:#300000:8\n"] {
        with(grants).same(Expected::Refused);
    }
}

#[test]
fn the_last_line_may_lack_its_newline() {
    with("alice:300000:8").same(written(GRANTED));
    with("bob:400000:8\nalice:300000:8").same(written(GRANTED));
}

#[test]
fn a_comment_after_a_range_spoils_it() {
    for grants in
        ["alice:300000:8 # comment\n", "alice:300000:8#\n", "alice:300000:8 \n", "alice:300000:8\t\n"]
    {
        with(grants).same(Expected::Refused);
    }
}

#[test]
fn bad_lines_grant_nothing() {
    for grants in [
        "alice\n",
        "alice:\n",
        "alice:300000\n",
        "alice:300000:\n",
        "alice::8\n",
        ":300000:8\n",
        "alice::300000:8\n",
        "alice:300000:x\n",
        "alice:x:8\n",
        "alice:300000:0\n",
        "alice:300000:7\n",
        "alice:300001:8\n",
        "alice:300000:-8\n",
        "alice 300000 8\n",
        "alice;300000;8\n",
        "alice:300000-300007\n",
        "alice:300000,8\n",
        " alice:300000:8\n",
        "\talice:300000:8\n",
        "alice :300000:8\n",
        "alice:300000 :8\n",
        "300000:8:alice\n",
    ] {
        let case = with(grants);
        case.same(Expected::Refused);
    }
}

#[test]
fn bad_lines_do_not_spoil_the_good_ones() {
    for bad in [
        "alice",
        "alice:300000",
        ":::",
        "\u{feff}",
        "alice:x:y",
        "alice:400000:0",
        "bob:300000:8",
        "::",
        "alice:300000:99999999999999999999",
    ] {
        with(format!("{bad}\nalice:300000:8\n{bad}\n")).same(written(GRANTED));
    }
}

#[test]
fn a_byte_order_mark_spoils_the_first_line() {
    with("\u{feff}alice:300000:8\n").same(Expected::Refused);
}

#[test]
fn a_carriage_return_spoils_its_line() {
    with("alice:300000:8\r\n").same(Expected::Refused);
    with("alice:300000:8\r").same(Expected::Refused);
    with("# comment\r\n\r\nalice:300000:8\n").same(written(GRANTED));
}

#[test]
fn a_number_of_a_grant_is_plain_decimal() {
    for grants in [
        "alice:0x493e0:8\n",
        "alice:300000:0x8\n",
        "alice:01111740:8\n",
        "alice:300000:010\n",
        "alice:+300000:8\n",
        "alice:300000:+8\n",
        "alice: 300000:8\n",
        "alice:300000: 8\n",
        "alice:\t300000:\t8\n",
        "alice:-18446744073709251616:8\n",
    ] {
        with(grants).differs("number-in-a-grant", Expected::Refused, written(GRANTED));
    }
    let octal = case("0 32768 8").with_grants("alice:0100000:8\n");
    octal.differs("number-in-a-grant", Expected::Refused, written("0 32768 8"));
    with("alice:0300000:8\n").same(Expected::Refused);
}

#[test]
fn a_fourth_field_spoils_its_line() {
    for grants in
        ["alice:300000:8:\n", "alice:300000:8:x\n", "alice:300000:8::::\n", "alice:300000:8: # comment\n"]
    {
        with(grants).differs("fourth-field", Expected::Refused, written(GRANTED));
    }
}

#[test]
fn a_nul_spoils_its_line() {
    with("alice:300000:8\0").differs("nul-in-a-grant-file", Expected::Refused, written(GRANTED));
    with("alice:300000:8\0junk").differs("nul-in-a-grant-file", Expected::Refused, written(GRANTED));
    for grants in ["\0alice:300000:8\n", "alice\0:300000:8\n", "alice:300000\0:8\n"] {
        with(grants).same(Expected::Refused);
    }
}

#[test]
fn a_nul_spoils_no_other_line() {
    let after = with("# \0\nalice:300000:8\n");
    after.differs("nul-in-a-grant-file", written(GRANTED), Expected::Refused);
}

#[test]
fn a_long_line_hides_no_other() {
    for length in [1022, 1023, 1024, 1025, 4096, 8191, 8192, 8193, 65_535, 65_536, 65_537, 3_000_000] {
        let comment = format!("#{}", "x".repeat(length - 1));
        with(format!("{comment}\nalice:300000:8\n")).same(written(GRANTED));
        let bad = format!("alice:{}", "1".repeat(length - 6));
        with(format!("{bad}\nalice:300000:8\n{bad}")).same(written(GRANTED));
    }
}

#[test]
fn a_long_line_is_not_taken_up_again_in_its_middle() {
    for length in [1023, 1024, 4096, 8191, 8192, 65_535, 65_536] {
        with(format!("#{}alice:300000:8\n", "x".repeat(length - 1))).same(Expected::Refused);
    }
}

#[test]
fn a_line_of_1023_bytes_grants_and_one_of_1024_does_not() {
    let name = |length: usize| "d".repeat(length - ":300000:8".len());
    let line = |length| {
        let account = format!("{}:x:1003:1003::/:/bin/sh\n", name(length));
        let grants = format!("{}:300000:8\n", name(length));
        case(GRANTED).with_accounts(&account).with_grants(grants).by(|host| host.uid(1003))
    };
    line(1023).same(written(GRANTED));
    line(1024).same(Expected::Refused);
    line(1025).same(Expected::Refused);
}

#[test]
fn noise_grants_nothing() {
    let noise: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    with(&noise).same(Expected::Refused);
    with("").same(Expected::Refused);
    with("\n").same(Expected::Refused);
    with([0_u8; 100_000]).same(Expected::Refused);
}
