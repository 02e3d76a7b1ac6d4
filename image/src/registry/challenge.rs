//! What a registry asks for: the header `WWW-Authenticate`.

use ureq::http::HeaderMap;

/// How to get access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// By a token of another server.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
    /// By a user's name and password.
    Basic,
}

impl Challenge {
    /// The challenge that is used: a token is preferred. `None` if there is none that is known.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Challenge> {
        let values = headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        let read: Vec<Challenge> = values.filter_map(Challenge::read).collect();
        let bearer = read.iter().find(|challenge| **challenge != Challenge::Basic);
        bearer.or(read.first()).cloned()
    }

    fn read(text: &str) -> Option<Challenge> {
        let (scheme, rest) = text.trim_start().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let values = parameters(rest);
        let value = |name: &str| {
            values.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Challenge::Bearer { realm: value("realm")?, service: value("service"), scope: value("scope") })
    }
}

/// `NAME=VALUE` and `NAME="VALUE"`, with commas between them.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                let (value, after) = after.split_at(end);
                (value.trim().to_owned(), after)
            }
        };
        found.push((name.trim_matches([' ', ',', '\t']).to_owned(), value));
        rest = after;
    }
    found
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Challenge;
    use ureq::http::HeaderMap;

    fn of(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("www-authenticate", value.parse().unwrap());
        }
        Challenge::of(&headers)
    }

    #[test]
    fn challenges_of_registries_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            let (service, scope) = (service.map(str::to_owned), scope.map(str::to_owned));
            Some(Challenge::Bearer { realm: realm.to_owned(), service, scope })
        };
        let hub = r#"Bearer realm="https://a.io/token",service="r.io",scope="repository:a/b:pull,push""#;
        assert_eq!(of(&[hub]), bearer("https://a.io/token", Some("r.io"), Some("repository:a/b:pull,push")));
        assert_eq!(of(&["bearer  realm=x , service=y"]), bearer("x", Some("y"), None));
        assert_eq!(of(&[r#"Bearer realm="a\"b"#]), bearer("a\"b", None, None));
        assert_eq!(of(&["Basic realm=\"x\"", r#"Bearer realm="y""#]), bearer("y", None, None));
        assert_eq!(of(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        for wrong in ["", "Digest realm=x", "Bearer", "Bearer service=x", "Bearer realm"] {
            assert_eq!(of(&[wrong]), None, "{wrong}");
        }
    }
}
