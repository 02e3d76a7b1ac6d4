//! Gets access to a registry that has asked for it: a token, or the name and password themselves.

use crate::registry::address::{Origin, encoded};
use crate::registry::challenge::Challenge;
use crate::registry::credentials::Credentials;
use crate::registry::http::{Get, Http, content};
use crate::registry::refusal::{Kind, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Body;
use ureq::http::{Response, Uri};

const MOST_BYTES: u64 = 64 << 10;

/// The value of `Authorization` that answers a challenge of the registry at `registry`.
///
/// # Errors
/// There are no credentials for it, the token server refuses them, or it cannot be trusted with them.
pub(crate) fn authorization(
    http: &Http,
    registry: &Uri,
    challenge: &Challenge,
    credentials: Option<&Credentials>,
    scope: Option<&str>,
) -> Result<String, Refusal> {
    match challenge {
        Challenge::Basic => match credentials {
            Some(Credentials::Password { user, password }) => Ok(basic(user, password)),
            _ => Err(Refusal {
                why: format!("{} asks for a login", registry.host().unwrap_or_default()),
                kind: Kind::Login,
            }),
        },
        Challenge::Bearer { realm, service, scope: asked } => {
            let realm = checked(http, registry, realm)?;
            let values = [("service", service.as_deref()), ("scope", asked.as_deref().or(scope))];
            let response = request(http, &realm, &values, credentials)?;
            token(&realm, response).map(|token| format!("Bearer {token}"))
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The address of the token server, which gets the user's password. It must be encrypted, unless the registry is
/// allowed not to be.
fn checked(http: &Http, registry: &Uri, realm: &str) -> Result<Uri, Refusal> {
    let host = registry.host().unwrap_or_default();
    let refused = |why: &str| Refusal::new(format!("the token server that {host} names: {why}"));
    // Error ignored: the text is not an address.
    let address: Uri = realm.parse().ok().ok_or_else(|| refused("it is not an address"))?;
    let origin = Origin::of(&address).ok_or_else(|| refused("it is not an address of http or https"))?;
    let is_registry_encrypted = Origin::of(registry).is_some_and(|origin| origin.is_encrypted());
    if !origin.is_encrypted() && (http.verifies || is_registry_encrypted) {
        return Err(refused("it is not encrypted"));
    }
    Ok(address)
}

fn request(
    http: &Http,
    realm: &Uri,
    values: &[(&str, Option<&str>)],
    credentials: Option<&Credentials>,
) -> Result<Response<Body>, Refusal> {
    let given = values.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let form = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
    };
    if let Some(Credentials::Token(token)) = credentials {
        let grant =
            [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("client_id", "subroot")];
        return http.post_form(realm, &form(&mut grant.into_iter().chain(given)));
    }
    let separator = if realm.query().is_some() { "&" } else { "?" };
    let address = format!("{realm}{separator}{}", form(&mut given.into_iter()));
    let address: Uri = address.parse().map_err(|_| Refusal::new("an invalid address of a token server"))?;
    let authorization =
        credentials.and_then(Credentials::password).map(|(user, password)| basic(user, password));
    http.get(&address, Get { headers: &[], authorization: authorization.as_deref() })
}

fn token(realm: &Uri, response: Response<Body>) -> Result<String, Refusal> {
    let host = realm.host().unwrap_or_default();
    if response.status() != 200 {
        return Err(Refusal::of_response(host, response));
    }
    let invalid = || Refusal::new(format!("{host} answers without a valid token"));
    let text = content(response, MOST_BYTES, "its token").map_err(|_| invalid())?;
    // Error ignored: it is then not a token.
    let answer: Value = serde_json::from_slice(&text).ok().ok_or_else(invalid)?;
    let token = answer["token"].as_str().or(answer["access_token"].as_str()).ok_or_else(invalid)?;
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok(token.to_owned()) } else { Err(invalid()) }
}
