//! Hostile answers: each ends in one line, and leaves the store as it was.

use crate::registry::fake::Answer;
use crate::registry::{World, changed};
use serde_json::{Value, json};
use subroot_tests::sandbox::assert_refused;

/// Answers to the request for the manifest, with words of the message.
fn manifests(world: &World) -> Vec<(Answer, &'static str)> {
    let image = &world.image;
    let document = |change: fn(&mut Value)| Answer::manifest(changed(image, change));
    vec![
        (Answer::error(404, "MANIFEST_UNKNOWN", "manifest unknown"), "has no image of this name"),
        (Answer::error(404, "NAME_UNKNOWN", "x"), "has no repository of this name"),
        (Answer::new(404, ""), "does not have it"),
        (Answer::new(401, ""), "asks for a login"),
        (Answer::error(403, "DENIED", "access to the resource is denied"), "denies access"),
        (Answer::new(500, "x"), "answers 500 Internal Server Error"),
        (Answer::error(500, "X", "a\\nb\\u001b[31m"), "answers 500"),
        (Answer::new(200, "{"), "it is malformed"),
        (Answer::new(200, ""), "it is malformed"),
        (Answer::new(200, r#"{"schemaVersion": 1}"#), "version 1 of its schema is not supported"),
        (Answer::new(200, vec![b' '; 1 << 20]).endless(), "its manifest is larger than 4194304 bytes"),
        (Answer::manifest(b"{}".to_vec()).cut(1), "its manifest: "),
        (document(|manifest| manifest["manifests"] = json!([])), "its content is not that of a application"),
        (
            document(|manifest| manifest["layers"][0]["digest"] = json!("sha256:../../../../etc/passwd")),
            "invalid digest",
        ),
        (document(|manifest| manifest["config"]["digest"] = json!("md5:x")), "invalid digest"),
        (document(|manifest| manifest["layers"][0]["mediaType"] = json!("text/plain")), "are not supported"),
        (document(|manifest| manifest["layers"] = json!([])), "the digests of 1 layers"),
        (document(|manifest| manifest["config"]["size"] = json!(5_000_000)), "its descriptor says 5000000"),
        (document(|manifest| manifest["config"]["size"] = json!(3)), "larger than 3 bytes"),
        (document(|manifest| manifest["layers"][0]["size"] = json!(1_u64 << 60)), "68719476736 are allowed"),
        (document(|manifest| manifest["layers"][0]["size"] = json!(7)), "its manifest says 7"),
        (Answer::redirect(302, "ftp://127.0.0.1:1/"), "a redirect to ftp://127.0.0.1:1/: "),
        (Answer::redirect(302, "http://127.0.0.1:1/x"), "Connection refused"),
        (Answer::redirect(302, "/v2/web/manifests/latest"), "more than 5 redirects"),
        (Answer::new(302, ""), "a redirect to nowhere"),
        (Answer::new(200, "").with("X", &"x".repeat(100_000)), "127.0.0.1:"),
    ]
}

#[test]
fn a_hostile_manifest_ends_in_one_line() {
    let world = World::new();
    for (answer, why) in manifests(&world) {
        let fake =
            world.image.served(move |request| request.path.ends_with("/latest").then(|| answer.clone()));
        assert_refused(&world.says(&["-q", "pull", &fake.web()]), 125, &["pulling ", why]);
        world.assert_intact(0);
    }
}

#[test]
fn a_hostile_blob_ends_in_one_line_and_other_images_still_run() {
    let world = World::new();
    let good = world.image.served(|_| None);
    world.says(&["-q", "pull", &good.web()]).ok();
    let body = &world.image.blobs[&world.image.layer];
    let mut other = body.clone();
    other[1000] ^= 1;
    for (answer, why) in [
        (Answer::new(200, other.clone()), "has the digest sha256:"),
        (Answer::new(200, body[..body.len() - 1].to_vec()), "and its manifest says"),
        (Answer::new(200, [body.as_slice(), b"x"].concat()), "and its manifest says"),
        (Answer::new(200, body.clone()).endless(), "a blob is larger than the"),
        (Answer::new(200, "x").endless(), "a blob is larger than the"),
        (Answer::new(404, ""), "does not have it"),
        (Answer::new(206, body.clone()), "does not say which part"),
        (
            Answer::new(206, body.clone()).with("Content-Range", &format!("bytes 5-9/{}", body.len())),
            "another part",
        ),
        (Answer::redirect(307, "gopher://x/"), "a redirect to gopher://x/"),
    ] {
        let layer = world.image.layer.clone();
        let fake = world.image.served(move |request| request.path.ends_with(&layer).then(|| answer.clone()));
        let mut pull = world.command(&["-q", "pull", &fake.web()]);
        let outcome = world.host.output(pull.env("SUBROOT_STORE", world.alice.home.join("other")));
        assert_refused(&outcome, 125, &["pulling ", why]);
        // In the store that has the layer, nothing of it is requested again.
        world.says(&["-q", "pull", &fake.web()]).ok();
    }
    let left = world.host.output(&mut world.alice.shell("ls other/tmp other/blobs/sha256 other/layers/*"));
    assert!(!left.stdout.contains("file-") && !left.stdout.contains("layer-"), "{left:?}");
    assert_eq!(world.says(&["run", &good.web(), "cat", "/etc/name"]).ok(), "web\n");
}

#[test]
fn without_the_option_a_registry_must_be_encrypted() {
    let world = World::new();
    let fake = world.image.served(|_| None);
    let outcome = world.host.output(&mut crate::subroot(&world.alice, &["-q", "pull", &fake.web()]));
    assert_refused(&outcome, 125, &["pulling ", &fake.name()]);
    assert!(fake.requests().is_empty(), "{:?}", fake.requests());
    world.assert_intact(0);
}
