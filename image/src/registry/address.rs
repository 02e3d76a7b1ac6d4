//! Addresses: where a redirect leads, and which of them may have credentials.

use crate::registry::refusal::Refusal;
use ureq::http::Uri;

/// The scheme, host and port of an address, to which credentials are limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// `None` if it is not an address of http or https with a host, or has a user's name in it.
    pub(crate) fn of(address: &Uri) -> Option<Origin> {
        let scheme = address.scheme_str()?;
        let port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let authority = address.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let port = authority.port_u16().unwrap_or(port);
        Some(Origin { scheme: scheme.to_owned(), host: authority.host().to_ascii_lowercase(), port })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }
}

/// The address that a redirect from `base` leads to.
///
/// # Errors
/// It is not one of http or https, or leads from https to http.
pub(crate) fn redirected(base: &Uri, location: &str) -> Result<Uri, Refusal> {
    let refused = |why: &str| Refusal::new(format!("a redirect to {}: {why}", shown(location)));
    let address = absolute(base, location).ok_or_else(|| refused("it is not an address"))?;
    let origin = Origin::of(&address).ok_or_else(|| refused("it is not an address of a registry"))?;
    if Origin::of(base).is_some_and(|base| base.is_encrypted()) && !origin.is_encrypted() {
        return Err(refused("it would not be encrypted"));
    }
    Ok(address)
}

fn absolute(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let text = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else {
        let above = base.path().rsplit_once('/').map_or("", |(above, _)| above);
        format!("{scheme}://{authority}{above}/{location}")
    };
    // Error ignored: the caller refuses it.
    text.parse().ok()
}

/// An address without its query, which may have a signature in it.
fn shown(address: &str) -> String {
    address.split(['?', '#']).next().unwrap_or_default().chars().take(200).collect()
}

/// A value of a query.
pub(crate) fn encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode =
        |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(encode).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Origin, encoded, redirected};
    use ureq::http::Uri;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn redirects_are_resolved_as_a_browser_does() {
        let base = uri("https://r.io/v2/a/blobs/x");
        for (location, address) in [
            ("https://cdn.io/b?sig=1", "https://cdn.io/b?sig=1"),
            ("//cdn.io:444/b", "https://cdn.io:444/b"),
            ("/b", "https://r.io/b"),
            ("y", "https://r.io/v2/a/blobs/y"),
        ] {
            assert_eq!(redirected(&base, location).unwrap(), uri(address), "{location}");
        }
    }

    #[test]
    fn a_redirect_neither_drops_the_encryption_nor_leaves_http() {
        let base = uri("https://r.io/v2/");
        for location in
            ["http://r.io/v2/", "file:///etc/passwd", "ftp://r.io/", "https://u:p@r.io/", "https://"]
        {
            redirected(&base, location).unwrap_err();
        }
        redirected(&uri("http://r.io/v2/"), "http://r.io/x").unwrap();
    }

    #[test]
    fn credentials_are_for_one_scheme_host_and_port() {
        let origin = |text: &str| Origin::of(&uri(text));
        assert_eq!(origin("https://R.io/a"), origin("https://r.io:443/b"));
        for other in ["http://r.io/", "https://r.io:444/", "https://r.io.evil/", "https://evil/r.io"] {
            assert_ne!(origin(other), origin("https://r.io/"), "{other}");
        }
    }

    #[test]
    fn values_of_a_query_are_encoded() {
        assert_eq!(encoded("repository:a/b:pull&x=ä"), "repository%3Aa%2Fb%3Apull%26x%3D%C3%A4");
    }
}
