//! What a child tells its parent: framed, so that whatever else is written into the pipe is no answer.

use newidmap_helper::Unanswered;

/// Comes before and after each answer: nothing that prints writes it by accident.
const FRAME: &[u8] = b"\0\xffanswer\xff\0";
const ANSWERED: u8 = 0;

/// Why a child has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It could not give up what it had to.
    Confinement,
    /// The name services failed.
    NameServices,
    /// The plugin is not there, or is no library.
    NotLoaded,
    /// The plugin has no `shadow_subid_has_range`.
    NoFunction,
    /// The plugin's SUBID_STATUS_ERROR_CONN.
    Connection,
    /// The plugin's SUBID_STATUS_ERROR.
    Failed,
    /// A status of the plugin's that there is not.
    Status,
}

impl Trouble {
    const ALL: [Trouble; 7] = [
        Trouble::Confinement,
        Trouble::NameServices,
        Trouble::NotLoaded,
        Trouble::NoFunction,
        Trouble::Connection,
        Trouble::Failed,
        Trouble::Status,
    ];

    const fn code(self) -> u8 {
        match self {
            Trouble::Confinement => 1,
            Trouble::NameServices => 2,
            Trouble::NotLoaded => 3,
            Trouble::NoFunction => 4,
            Trouble::Connection => 5,
            Trouble::Failed => 6,
            Trouble::Status => 7,
        }
    }

    /// The trouble in a few words.
    pub const fn reason(self) -> &'static str {
        match self {
            Trouble::Confinement => "the process for it could not give up its rights and descriptors",
            Trouble::NameServices => "they failed",
            Trouble::NotLoaded => "it cannot be loaded",
            Trouble::NoFunction => "it has no function shadow_subid_has_range",
            Trouble::Connection => "it cannot reach its server (SUBID_STATUS_ERROR_CONN)",
            Trouble::Failed => "it failed (SUBID_STATUS_ERROR)",
            Trouble::Status => "it returned a status that there is not",
        }
    }
}

/// The bytes for the pipe.
pub fn encode(answer: Result<Vec<u8>, Trouble>) -> Vec<u8> {
    let (code, payload) = match answer {
        Ok(payload) => (ANSWERED, payload),
        Err(trouble) => (trouble.code(), Vec::new()),
    };
    [FRAME, &[code], &payload, FRAME].concat()
}

/// What [`encode`] was given, or why these bytes are no answer.
///
/// # Errors
/// For anything but exactly one answer, and for one that tells of trouble.
pub fn decode(bytes: &[u8]) -> Result<&[u8], Unanswered> {
    if bytes.is_empty() {
        return Err(Unanswered("it crashed or ended without an answer"));
    }
    let framed = bytes.strip_prefix(FRAME).and_then(|rest| rest.strip_suffix(FRAME));
    match framed.and_then(<[u8]>::split_first) {
        Some((&ANSWERED, payload)) => Ok(payload),
        Some((code, [])) => {
            let trouble = Trouble::ALL.into_iter().find(|trouble| trouble.code() == *code);
            Err(trouble.map_or(NO_ANSWER, |trouble| Unanswered(trouble.reason())))
        }
        _ => Err(NO_ANSWER),
    }
}

/// For bytes that are something else.
pub(crate) const NO_ANSWER: Unanswered = Unanswered("what it wrote is no answer");
