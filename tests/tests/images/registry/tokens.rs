//! Tokens, and where credentials are sent.

use crate::registry::World;
use crate::registry::fake::{Answer, Fake, Request};
use serde_json::json;
use std::fs;
use subroot_tests::sandbox::assert_refused;

/// Credentials of alice for a registry.
fn keep(world: &World, registry: &str) {
    let dir = world.alice.home.join(".docker");
    fs::create_dir_all(&dir).expect("a directory");
    let config = json!({"auths": {registry: {"auth": "YWxpY2U6c2VjcmV0"}}});
    fs::write(dir.join("config.json"), config.to_string()).expect("writing a file");
}

fn challenge(realm: &str) -> Answer {
    let value = format!("Bearer realm=\"{realm}\",service=\"test\",scope=\"repository:web:pull\"");
    Answer::error(401, "UNAUTHORIZED", "authentication required").with("WWW-Authenticate", &value)
}

#[test]
fn a_token_is_requested_with_the_password_and_is_all_that_the_registry_gets() {
    let world = World::new();
    let server = Fake::new(|_| Answer::new(200, r#"{"token": "t0ken"}"#));
    let realm = format!("http://{}/token", server.name());
    let is_missing = |request: &Request| request.header("authorization") != Some("Bearer t0ken");
    let fake = world.image.served(move |request| is_missing(request).then(|| challenge(&realm)));
    keep(&world, &fake.name());
    world.says(&["-q", "pull", &fake.web()]).ok();
    let asked = server.requests();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].path, "/token?service=test&scope=repository%3Aweb%3Apull");
    assert_eq!(asked[0].header("authorization"), Some("Basic YWxpY2U6c2VjcmV0"));
    let sent: Vec<_> = fake
        .requests()
        .into_iter()
        .filter_map(|request| request.headers.get("authorization").cloned())
        .collect();
    assert!(!sent.is_empty() && sent.iter().all(|sent| sent == "Bearer t0ken"), "{sent:?}");
}

#[test]
fn another_host_gets_no_credentials_by_a_redirect() {
    let world = World::new();
    let image = world.image.clone();
    let other = Fake::new(move |request| image.answer(request));
    let address = format!("http://{}", other.name());
    let fake = world.image.served(move |request| match request.header("authorization") {
        None => Some(Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"test\"")),
        Some(_) if request.path.contains("/blobs/") => {
            Some(Answer::redirect(307, &format!("{address}{}", request.path)))
        }
        Some(_) => None,
    });
    keep(&world, &fake.name());
    world.says(&["-q", "pull", &fake.web()]).ok();
    let seen = other.requests();
    assert!(seen.len() >= 2, "{seen:?}");
    assert!(seen.iter().all(|request| request.header("authorization").is_none()), "{seen:?}");
}

#[test]
fn a_token_server_that_cannot_be_trusted_gets_no_password() {
    let world = World::new();
    for (realm, why) in [
        ("file:///etc/passwd", "not an address"),
        ("http://alice@127.0.0.1:1/", "not an address"),
        ("/token", "not an address"),
        ("ftp://127.0.0.1:1/", "not an address of http or https"),
        ("http://127.0.0.1:1/token", "Connection refused"),
    ] {
        let fake = world.image.served(move |_| Some(challenge(realm)));
        keep(&world, &fake.name());
        assert_refused(&world.says(&["-q", "pull", &fake.web()]), 125, &["pulling ", why]);
    }
    for (answer, why) in [
        (Answer::new(200, "{}"), "without a valid token"),
        (Answer::new(200, r#"{"token": "a\r\nHost: b"}"#), "without a valid token"),
        (Answer::new(200, "x".repeat(64 << 10)).endless(), "without a valid token"),
        (Answer::error(401, "UNAUTHORIZED", "no"), "asks for a login"),
    ] {
        let server = Fake::new(move |_| answer.clone());
        let realm = format!("http://{}/", server.name());
        let fake = world.image.served(move |_| Some(challenge(&realm)));
        assert_refused(&world.says(&["-q", "pull", &fake.web()]), 125, &["pulling ", why]);
    }
    world.assert_intact(0);
}
