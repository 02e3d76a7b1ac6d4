//! `subroot login` and `logout`: keep and remove the credentials of a registry, where podman and docker find them.

use crate::error::Error;
use crate::output;
use crate::registry::auth_file::{self, AuthFile};
use crate::registry::client::Repository;
use crate::registry::credentials::Credentials;
use crate::registry::helper::Helper;
use crate::registry::http::{Http, Patience};
use crate::registry::refusal::Refusal;
use crate::terminal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::io::Read as _;
use subroot::images::name::ImageName;

const MOST_PASSWORD: u64 = 64 << 10;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) registry: String,
    pub(crate) user: Option<String>,
    /// True if the password comes on standard input.
    pub(crate) reads_password: bool,
    pub(crate) verifies: bool,
}

/// Checks a name and a password, and keeps them.
///
/// # Errors
/// The registry does not accept them, or they cannot be kept.
pub(crate) fn login(request: &Login) -> Result<(), Error> {
    let registry = request.registry.as_str();
    let failed = |refusal: Refusal| failed("logging in to", registry, refusal);
    check_registry(registry).map_err(failed)?;
    let (user, password) = asked(request, failed)?;
    let http = Http::new(request.verifies, Patience::default());
    let credentials = Credentials::of(&user, &password);
    Repository::new(registry, registry, http).with_credentials(credentials).check().map_err(failed)?;
    let place = keep(registry, &user, &password).map_err(failed)?;
    output::line(&format!("logged in to {registry} as {user}; {place} has the password"));
    Ok(())
}

/// Removes the credentials of a registry.
///
/// # Errors
/// There are none, or they cannot be removed.
pub(crate) fn logout(registry: &str) -> Result<(), Error> {
    let failed = |refusal: Refusal| failed("logging out of", registry, refusal);
    check_registry(registry).map_err(failed)?;
    let mut is_removed = false;
    for mut file in AuthFile::read_all().map_err(failed)? {
        if let Some(helper) = helper(&file, registry) {
            helper.erase().map_err(failed)?;
            is_removed = true;
        }
        if file.entry(registry).is_some() {
            file.set(registry, None);
            file.write().map_err(failed)?;
            is_removed = true;
        }
    }
    if is_removed { Ok(()) } else { Err(failed(Refusal::new("no credentials are kept for it"))) }
}

fn failed(doing: &'static str, registry: &str, refusal: Refusal) -> Error {
    Error::Registry { doing, name: registry.to_owned(), why: refusal.why, fix: None }
}

/// A registry is a host and perhaps a port.
fn check_registry(registry: &str) -> Result<(), Refusal> {
    let name = ImageName::parse(format!("{registry}/x").as_ref());
    let is_host = name.is_ok_and(|name| name.canonical().split('/').next() == Some(registry));
    let refused = || Refusal::new("it is not the name of a registry, such as docker.io or localhost:5000");
    if is_host && !registry.contains('/') { Ok(()) } else { Err(refused()) }
}

/// The name and the password.
fn asked(request: &Login, failed: impl Fn(Refusal) -> Error) -> Result<(String, String), Error> {
    let refused = |why: &str| Err(failed(Refusal::new(why)));
    let user = match &request.user {
        Some(user) => user.clone(),
        None if request.reads_password => return refused("--password-stdin needs -u USER"),
        None => terminal::line("Username: ").map_err(&failed)?,
    };
    let password = if request.reads_password {
        from_input().map_err(&failed)?
    } else {
        terminal::secret("Password: ", &failed)?
    };
    if user.is_empty() || user.contains(':') {
        return refused("a user's name cannot be empty or have a colon");
    }
    if password.is_empty() { refused("the password is empty") } else { Ok((user, password)) }
}

fn from_input() -> Result<String, Refusal> {
    let mut text = String::new();
    let read = std::io::stdin().take(MOST_PASSWORD).read_to_string(&mut text);
    read.map_err(|error| Refusal::new(format!("reading the password: {}", crate::error::reason(&error))))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// The helper that keeps what a file would have.
fn helper<'f>(file: &'f AuthFile, registry: &'f str) -> Option<Helper<'f>> {
    file.helper_of(registry).or_else(|| file.helper_of_all(registry))
}

/// Keeps a password in the first file, or gives it to its helper. Returns what has it.
fn keep(registry: &str, user: &str, password: &str) -> Result<String, Refusal> {
    let path = auth_file::paths().into_iter().next();
    let path = path.ok_or_else(|| Refusal::new("neither XDG_RUNTIME_DIR nor HOME is set"))?;
    let file = AuthFile::read(path.clone())?;
    let mut file = file.unwrap_or_else(|| AuthFile { path, content: json!({}) });
    if let Some(helper) = helper(&file, registry) {
        helper.store(user, password)?;
        return Ok(format!("docker-credential-{}", helper.name));
    }
    let auth = STANDARD.encode(format!("{user}:{password}"));
    file.set(registry, Some(json!({ "auth": auth })));
    file.write()?;
    Ok(file.path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::check_registry;

    #[test]
    fn a_registry_is_a_host_without_a_path() {
        for registry in ["docker.io", "localhost", "localhost:5000", "[::1]:5000", "quay.io"] {
            assert_eq!(check_registry(registry), Ok(()), "{registry}");
        }
        for wrong in ["", "docker", "docker.io/a", "https://docker.io", "a b.io", "-x.io"] {
            assert!(check_registry(wrong).is_err(), "{wrong}");
        }
    }
}
