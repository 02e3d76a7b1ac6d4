//! Credentials of registries: from the files of podman and docker, and from docker's credential helpers.

use crate::registry::auth_file::AuthFile;
use crate::registry::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt;

/// What gives access.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A name and a password.
    Password { user: String, password: String },
    /// A token from which the token server makes others.
    Token(String),
}

impl Credentials {
    /// The name and the password, unless it is a token.
    pub(crate) fn password(&self) -> Option<(&str, &str)> {
        match self {
            Credentials::Password { user, password } => Some((user, password)),
            Credentials::Token(_) => None,
        }
    }

    /// What helpers and files have: a token has the name `<token>`.
    pub(crate) fn of(user: &str, secret: &str) -> Credentials {
        match user {
            "<token>" => Credentials::Token(secret.to_owned()),
            user => Credentials::Password { user: user.to_owned(), password: secret.to_owned() },
        }
    }

    /// Those of an entry in `auths`.
    fn of_entry(entry: &Value) -> Option<Credentials> {
        if let Some(token) = entry["identitytoken"].as_str().filter(|token| !token.is_empty()) {
            return Some(Credentials::Token(token.to_owned()));
        }
        // Error ignored: the caller reports that the entry is invalid.
        let text = String::from_utf8(STANDARD.decode(entry["auth"].as_str()?).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Credentials::of(user, password.trim_end_matches('\0')))
    }
}

/// Never the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// The credentials for a repository, such as `docker.io/library/busybox`, or for all of a registry.
///
/// # Errors
/// A file cannot be read, or a helper fails.
pub(crate) fn find(repository: &str) -> Result<Option<Credentials>, Refusal> {
    for file in AuthFile::read_all()? {
        if let Some(found) = in_file(&file, repository)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn in_file(file: &AuthFile, repository: &str) -> Result<Option<Credentials>, Refusal> {
    let host = repository.split('/').next().unwrap_or_default();
    if let Some(helper) = file.helper_of(host) {
        return helper.get();
    }
    let entry = keys(repository).into_iter().find_map(|key| file.entry(&key));
    match entry.filter(|entry| entry.as_object().is_some_and(|entry| !entry.is_empty())) {
        Some(entry) => Credentials::of_entry(entry)
            .map(Some)
            .ok_or_else(|| Refusal::new(format!("{}: the entry of {host} is invalid", file.path.display()))),
        None => file.helper_of_all(host).map_or(Ok(None), |helper| helper.get()),
    }
}

/// The most specific one first.
fn keys(repository: &str) -> Vec<String> {
    let mut keys = vec![repository.to_owned()];
    while let Some((above, _)) = keys.last().and_then(|key| key.rsplit_once('/')) {
        keys.push(above.to_owned());
    }
    if keys.last().is_some_and(|host| host == "docker.io") {
        keys.push("index.docker.io".into());
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{Credentials, keys};
    use serde_json::json;

    #[test]
    fn the_most_specific_entry_is_first() {
        assert_eq!(keys("quay.io/a/b"), ["quay.io/a/b", "quay.io/a", "quay.io"]);
        assert_eq!(keys("docker.io/a"), ["docker.io/a", "docker.io", "index.docker.io"]);
        assert_eq!(keys("localhost:5000"), ["localhost:5000"]);
    }

    #[test]
    fn entries_of_podman_and_docker_are_read() {
        let password = Credentials::of("me", "a:b");
        assert_eq!(Credentials::of_entry(&json!({"auth": "bWU6YTpi"})), Some(password));
        let token = Credentials::Token("t".into());
        assert_eq!(Credentials::of_entry(&json!({"auth": "bWU6", "identitytoken": "t"})), Some(token));
        for wrong in [json!({}), json!({"auth": "%"}), json!({"auth": "bWU="})] {
            assert_eq!(Credentials::of_entry(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", Credentials::of("me", "secret")), "Credentials");
    }
}
