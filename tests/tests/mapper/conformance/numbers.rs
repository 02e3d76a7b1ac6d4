//! The spelling of numbers on the command line.

use crate::conformance::case::{case, words_case};
use crate::conformance::effect::{Expected, written};

#[test]
fn what_is_no_number_is_refused() {
    for word in [
        "", "x", "1x", "x1", "0x", "0b1", "1.0", "1e3", "1_000", "1,000", "--", "+", "-", " ", "1 ", "1\n",
        "١", "∞", "0o7", "ff",
    ] {
        for words in [[word, "100000", "1"], ["0", word, "1"], ["0", "100000", word]] {
            words_case(words).same(Expected::Refused);
        }
    }
}

#[test]
fn a_number_that_is_negative_or_too_large_is_refused() {
    for word in
        ["-1", "-0x1", "-100000", "4294967295", "4294967296", "9223372036854775807", "18446744073709551615"]
    {
        for words in [[word, "100000", "1"], ["0", word, "1"], ["0", "100000", word]] {
            words_case(words).same(Expected::Refused);
        }
    }
}

#[test]
fn a_number_past_every_width_is_refused() {
    // Each is a granted number plus a power of two.
    for words in ["0 4295067296 1", "0 100000 4294967297", "4294967296 100000 1", "0 18446744073709651616 1"]
    {
        case(words).same(Expected::Refused);
    }
    for word in ["340282366920938463463374607431768211456", "99999999999999999999999999999999999999999999"] {
        words_case(["0", "100000", word]).same(Expected::Refused);
    }
}

#[test]
fn plain_decimal_is_read_by_both() {
    for (words, map) in [
        ("0 100000 1", "0 100000 1"),
        ("4294967294 100000 1", "4294967294 100000 1"),
        ("2147483647 100000 2", "2147483647 100000 2"),
        ("2147483648 165535 1", "2147483648 165535 1"),
        ("0 100000 65536", "0 100000 65536"),
    ] {
        case(words).same(written(map));
    }
}

#[test]
fn hexadecimal_is_refused() {
    for words in ["0x0 100000 9", "0 0x186a0 9", "0 0X186A0 9", "0 100000 0x9"] {
        case(words).differs("hexadecimal-number", Expected::Refused, written("0 100000 9"));
    }
}

#[test]
fn a_leading_zero_is_refused() {
    // shadow reads 0303240 as 100000 and 0100000 as 32768.
    for words in ["00 100000 7", "0 0303240 7", "0 100000 07", "000 100000 0000007"] {
        case(words).differs("leading-zero", Expected::Refused, written("0 100000 7"));
    }
    let octal = case("0 0100000 1").with_grants("alice:32768:1\n");
    octal.differs("leading-zero", Expected::Refused, written("0 32768 1"));
    for words in ["0 0100000 1", "0 0200000 1", "0 100000 08", "09 100000 1"] {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn a_sign_is_refused() {
    for words in ["+0 100000 1", "-0 100000 1", "0 +100000 1", "0 100000 +1"] {
        case(words).differs("signed-number", Expected::Refused, written("0 100000 1"));
    }
    // 2^64 − 100000, and 2^64 − 1.
    for words in ["0 -18446744073709451616 1", "0 100000 -18446744073709551615"] {
        case(words).differs("signed-number", Expected::Refused, written("0 100000 1"));
    }
}

#[test]
fn a_blank_before_a_number_is_refused() {
    for blank in [" ", "\t", "\n", "\r", "\x0b", "\x0c", " \t "] {
        let word = format!("{blank}100000");
        let case = words_case(["0", word.as_str(), "1"]);
        case.differs("blank-before-a-number", Expected::Refused, written("0 100000 1"));
    }
}
