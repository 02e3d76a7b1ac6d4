//! An answer is accepted whole or not at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use newidmap_helper_nss::{Trouble, decode, encode};

const TROUBLES: [Trouble; 3] = [Trouble::Confinement, Trouble::Connection, Trouble::Status];

#[test]
fn what_was_answered_is_understood() {
    for payload in ["", "alice", "ynyn", "\0\u{ff}"] {
        assert_eq!(decode(&encode(Ok(payload.into()))).ok(), Some(payload.as_bytes()));
    }
    for trouble in TROUBLES {
        assert_eq!(decode(&encode(Err(trouble))).err().unwrap().0, trouble.reason());
    }
}

#[test]
fn a_part_of_an_answer_is_none() {
    for answer in [encode(Ok(b"yyyy".into())), encode(Err(Trouble::Failed))] {
        for end in 0..answer.len() {
            assert!(decode(&answer[..end]).is_err(), "{end} bytes");
            assert!(decode(&answer[end + 1..]).is_err(), "without {} bytes", end + 1);
        }
    }
}

#[test]
fn what_comes_before_or_after_an_answer_spoils_it() {
    let answer = encode(Ok(b"y".into()));
    let no_answer = "what it wrote is no answer";
    for (before, after) in [("printed", ""), ("", "printed"), ("\0", ""), ("", "\0")] {
        let bytes = [before.as_bytes(), &answer, after.as_bytes()].concat();
        assert_eq!(decode(&bytes).err().unwrap().0, no_answer, "{before:?} {after:?}");
    }
    let trouble = [&encode(Err(Trouble::Failed))[..], b"y"].concat();
    assert_eq!(decode(&trouble).err().unwrap().0, no_answer);
}

#[test]
fn an_answer_of_an_unknown_kind_is_none() {
    let mut answer = encode(Ok(vec![]));
    let code = answer.len() / 2;
    for other in 8..=u8::MAX {
        answer[code] = other;
        assert!(decode(&answer).is_err(), "{other}");
    }
}

#[test]
fn nothing_written_is_distinguished() {
    assert_eq!(decode(b"").err().unwrap().0, "it crashed or ended without an answer");
}
