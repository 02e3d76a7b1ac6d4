//! The message from a child to its parent. A frame marks it, so that other output in the pipe is not taken
//! for an answer.

use newidmap_helper::Unanswered;

/// Marks the start and the end of an answer. Ordinary output does not contain it by accident.
const FRAME: &[u8] = b"\0\xffanswer\xff\0";
const ANSWERED: u8 = 0;

macro_rules! troubles {
    ($($name:ident $code:literal: $reason:literal,)+) => {
        /// Why a child has no answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Trouble {
            $(#[doc = $reason] $name,)+
        }

        impl Trouble {
            const ALL: &[Trouble] = &[$(Trouble::$name),+];

            const fn code(self) -> u8 {
                match self { $(Trouble::$name => $code,)+ }
            }

            /// The reason as text.
            pub const fn reason(self) -> &'static str {
                match self { $(Trouble::$name => $reason,)+ }
            }
        }
    };
}

troubles! {
    Confinement 1: "the process for it could not give up its rights and descriptors",
    NameServices 2: "they failed",
    NotLoaded 3: "it cannot be loaded",
    NoFunction 4: "it has no function shadow_subid_has_range",
    Connection 5: "it cannot reach its server (SUBID_STATUS_ERROR_CONN)",
    Failed 6: "it failed (SUBID_STATUS_ERROR)",
    Status 7: "it returned a status that there is not",
}

/// The bytes to write to the pipe.
pub fn encode(answer: Result<Vec<u8>, Trouble>) -> Vec<u8> {
    let (code, payload) = match answer {
        Ok(payload) => (ANSWERED, payload),
        Err(trouble) => (trouble.code(), Vec::new()),
    };
    [FRAME, &[code], &payload, FRAME].concat()
}

/// The payload given to [`encode`].
///
/// # Errors
/// The bytes are not exactly one answer, or the answer reports a [`Trouble`].
pub fn decode(bytes: &[u8]) -> Result<&[u8], Unanswered> {
    if bytes.is_empty() {
        return Err(Unanswered("it crashed or ended without an answer"));
    }
    let framed = bytes.strip_prefix(FRAME).and_then(|rest| rest.strip_suffix(FRAME));
    match framed.and_then(<[u8]>::split_first) {
        Some((&ANSWERED, payload)) => Ok(payload),
        Some((code, [])) => {
            let trouble = Trouble::ALL.iter().find(|trouble| trouble.code() == *code);
            Err(trouble.map_or(NO_ANSWER, |trouble| Unanswered(trouble.reason())))
        }
        _ => Err(NO_ANSWER),
    }
}

/// For bytes that are not an answer.
pub(crate) const NO_ANSWER: Unanswered = Unanswered("what it wrote is no answer");
