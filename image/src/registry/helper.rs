//! docker's credential helpers: programs named docker-credential-NAME.

use crate::registry::credentials::Credentials;
use crate::registry::refusal::Refusal;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

const MOST_BYTES: u64 = 64 << 10;

/// A helper that a file names for a registry.
pub(crate) struct Helper<'f> {
    pub(crate) name: &'f str,
    /// The name that the registry has there.
    pub(crate) server: &'f str,
}

impl Helper<'_> {
    /// The credentials; `None` if the helper has none.
    ///
    /// # Errors
    /// The helper cannot be executed, or fails.
    pub(crate) fn get(&self) -> Result<Option<Credentials>, Refusal> {
        let (text, is_success) = run(self.name, "get", self.server.as_bytes())?;
        if !is_success {
            let words = text.trim();
            return if words.contains("credentials not found") { Ok(None) } else { Err(self.failed(words)) };
        }
        // Error ignored: the answer is then invalid.
        let answer: Value = serde_json::from_str(&text).ok().unwrap_or_default();
        match (answer["Username"].as_str(), answer["Secret"].as_str()) {
            (Some(user), Some(secret)) => Ok(Some(Credentials::of(user, secret))),
            _ => Err(self.failed("its answer has no name and secret")),
        }
    }

    /// Gives it credentials.
    ///
    /// # Errors
    /// As for [`Helper::get`].
    pub(crate) fn store(&self, user: &str, password: &str) -> Result<(), Refusal> {
        let given = serde_json::json!({"ServerURL": self.server, "Username": user, "Secret": password});
        self.perform("store", given.to_string().as_bytes())
    }

    /// Has it forget the credentials.
    ///
    /// # Errors
    /// As for [`Helper::get`].
    pub(crate) fn erase(&self) -> Result<(), Refusal> {
        self.perform("erase", self.server.as_bytes())
    }

    fn perform(&self, verb: &str, input: &[u8]) -> Result<(), Refusal> {
        let (text, is_success) = run(self.name, verb, input)?;
        if is_success { Ok(()) } else { Err(self.failed(text.trim())) }
    }

    fn failed(&self, why: &str) -> Refusal {
        Refusal::new(format!("docker-credential-{}: {why}", self.name))
    }
}

/// Runs a helper of PATH. What it is given is on its standard input, so that no other user sees it.
fn run(name: &str, verb: &str, input: &[u8]) -> Result<(String, bool), Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err(Refusal::new(format!("{name} is not the name of a credential helper")));
    }
    let program = format!("docker-credential-{name}");
    let failed = |error: std::io::Error| Refusal::new(format!("{program}: {}", crate::error::reason(&error)));
    let started = Command::new(&program).arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    answer(started.map_err(failed)?, input).map_err(failed)
}

fn answer(mut helper: Child, input: &[u8]) -> std::io::Result<(String, bool)> {
    if let Some(mut pipe) = helper.stdin.take() {
        // Error ignored: a helper that does not read its input says why.
        let _ = pipe.write_all(input);
    }
    let mut text = String::new();
    if let Some(output) = helper.stdout.take() {
        output.take(MOST_BYTES).read_to_string(&mut text)?;
    }
    Ok((text, helper.wait()?.success()))
}
