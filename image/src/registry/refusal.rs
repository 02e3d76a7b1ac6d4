//! Why a request to a registry failed, in words, and whether another attempt can help.

use crate::error::reason;
use serde_json::Value;
use std::io::{self, ErrorKind, Read};
use ureq::http::Response;
use ureq::{Body, Error as HttpError};

/// How much of an error's text is read, and how much of the registry's own words is shown.
const MOST_BYTES: u64 = 64 << 10;
const MOST_WORDS: usize = 200;

/// What a request ended with instead of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) kind: Kind,
}

/// What could help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Another attempt.
    Again,
    /// Credentials, or others.
    Login,
    /// Nothing that is certain.
    Other,
}

impl Refusal {
    pub(crate) fn new(why: impl Into<String>) -> Refusal {
        Refusal { why: why.into(), kind: Kind::Other }
    }

    /// An error of a connection to this host.
    pub(crate) fn of_connection(host: &str, error: &HttpError) -> Refusal {
        let kind = match error {
            HttpError::Io(error) if has_broken_off(error) => Kind::Again,
            HttpError::Protocol(_) => Kind::Again,
            _ => Kind::Other,
        };
        let why = match error {
            HttpError::Io(error) => reason(error),
            HttpError::HostNotFound => "the name is not known".into(),
            HttpError::Timeout(_) => "it does not answer".into(),
            other => other.to_string(),
        };
        Refusal { why: format!("{host}: {why}"), kind }
    }

    /// The error of a registry, by its status and its own words.
    pub(crate) fn of_response(host: &str, mut response: Response<Body>) -> Refusal {
        let status = response.status();
        let mut text = Vec::new();
        // Error ignored: the status is then all that is known.
        let _ = response.body_mut().as_reader().take(MOST_BYTES).read_to_end(&mut text);
        let said: Value = serde_json::from_slice(&text).unwrap_or_default();
        let said = &said["errors"][0];
        let code = said["code"].as_str().unwrap_or_default();
        let (why, kind) = match (status.as_u16(), code) {
            (_, "MANIFEST_UNKNOWN" | "MANIFEST_INVALID") => ("has no image of this name".into(), Kind::Other),
            (_, "NAME_UNKNOWN") => ("has no repository of this name".into(), Kind::Other),
            (_, "TOOMANYREQUESTS") | (429, _) => ("allows no more requests for now".into(), Kind::Login),
            (401, _) => ("asks for a login, or the repository does not exist".into(), Kind::Login),
            (403, _) | (_, "DENIED") => {
                ("denies access, or the repository does not exist".into(), Kind::Login)
            }
            (404, _) => ("does not have it".into(), Kind::Other),
            _ => (format!("answers {status}"), Kind::Other),
        };
        let words = said["message"].as_str().map(shortened).filter(|words| !words.is_empty());
        let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
        Refusal { why: format!("{host} {why}{words}"), kind }
    }
}

/// True if the connection was there, and another one may last longer.
pub(crate) fn has_broken_off(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}

fn shortened(words: &str) -> String {
    words.trim().chars().take(MOST_WORDS).collect()
}
