//! What is tried again: overloaded registries and broken connections.

use crate::registry::World;
use crate::registry::fake::Answer;
use nix::sys::signal::{Signal, kill};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use subroot_tests::Started;
use subroot_tests::sandbox::assert_refused;

#[test]
fn an_overloaded_registry_is_asked_again_when_it_wants() {
    let world = World::new();
    for status in [429, 503] {
        let count = AtomicUsize::new(0);
        let fake = world.image.served(move |request| {
            let is_first = !request.path.ends_with("/v2/") && count.fetch_add(1, Ordering::SeqCst) == 0;
            is_first.then(|| Answer::error(status, "TOOMANYREQUESTS", "slow down").with("Retry-After", "0"))
        });
        world.says(&["-q", "pull", &fake.web()]).ok();
    }
    let fake = world
        .image
        .served(|_| Some(Answer::error(429, "TOOMANYREQUESTS", "slow down").with("Retry-After", "3600")));
    let limited = world.says(&["-q", "pull", &fake.web()]);
    assert_refused(&limited, 125, &["allows no more requests for now (slow down)"]);
    assert!(
        limited.stderr.ends_with(&format!("subroot: fix: subroot login {}\n", fake.name())),
        "{limited:?}"
    );
}

#[test]
fn the_rest_of_a_blob_is_requested_after_a_broken_connection() {
    let world = World::new();
    let (layer, body) = (world.image.layer.clone(), world.image.blobs[&world.image.layer].clone());
    let count = AtomicUsize::new(0);
    let fake = world.image.served(move |request| {
        let is_of_layer = request.path.ends_with(&layer);
        let answer = || Answer::part(&body, request).cut(300_000);
        (is_of_layer && count.fetch_add(1, Ordering::SeqCst) < 2).then(answer)
    });
    world.says(&["-q", "pull", &fake.web()]).ok();
    let requests = fake.requests();
    let ranges: Vec<_> = requests.iter().filter_map(|request| request.header("range")).collect();
    assert_eq!(ranges, ["bytes=300000-", "bytes=600000-"]);
    assert_eq!(world.says(&["run", &fake.web(), "cat", "/etc/name"]).ok(), "web\n");
}

#[test]
fn a_registry_without_ranges_sends_the_blob_again() {
    let world = World::new();
    let (layer, body) = (world.image.layer.clone(), world.image.blobs[&world.image.layer].clone());
    let count = AtomicUsize::new(0);
    let fake = world.image.served(move |request| {
        let is_of_layer = request.path.ends_with(&layer);
        let whole = Answer::new(200, body.clone());
        let answer = if count.load(Ordering::SeqCst) == 0 { whole.clone().cut(300_000) } else { whole };
        is_of_layer.then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            answer
        })
    });
    world.says(&["-q", "pull", &fake.web()]).ok();
    assert_eq!(world.says(&["run", &fake.web(), "cat", "/etc/name"]).ok(), "web\n");
}

#[test]
fn a_signal_ends_a_download_that_does_not_go_on() {
    let world = World::new();
    let (layer, body) = (world.image.layer.clone(), world.image.blobs[&world.image.layer].clone());
    let fake = world.image.served(move |request| {
        request.path.ends_with(&layer).then(|| Answer::part(&body, request).cut(1000).hanging())
    });
    let pulling = Started::new(&mut world.command(&["-q", "pull", &fake.web()]));
    while !fake.requests().iter().any(|request| request.path.ends_with(&world.image.layer)) {
        thread::sleep(Duration::from_millis(5));
    }
    kill(pulling.pid(), Signal::SIGINT).expect("a signal");
    let outcome = pulling.end_within(Duration::from_secs(20));
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (130, ""), "{outcome:?}");
    world.assert_intact(0);
}

#[test]
fn connections_that_always_break_are_given_up() {
    let world = World::new();
    let (layer, body) = (world.image.layer.clone(), world.image.blobs[&world.image.layer].clone());
    let fake = world
        .image
        .served(move |request| request.path.ends_with(&layer).then(|| Answer::part(&body, request).cut(10)));
    let pulled = world.says(&["-q", "pull", &fake.web()]);
    assert_refused(&pulled, 125, &["pulling ", "blob sha256:", "the connection broke 5 times"]);
    world.assert_intact(0);
}
