//! The behaviour of newidmap-helper on the real kernel, with one file for each topic.

mod clients;
mod config;
mod conformance;
mod descriptors;
mod disturbed;
mod drop_ins;
mod elsewhere;
mod examples;
mod failing_calls;
mod grants;
mod hostile;
mod instants;
mod limits;
mod log;
mod nss;
mod observed;
mod own_id;
mod privilege;
mod races;
mod random;
mod recycled;
mod refusal;
mod success;
mod surroundings;
mod target;
mod trust;
mod usage;
mod world;

use subroot_tests::{Host, Install, Maps, Outcome, Target, User};

/// A request that alice's grants allow, and the resulting maps.
const GRANTED: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";

fn granted_maps() -> Maps {
    Maps::new("0 100000 65536", "0 100000 65536", "allow")
}

/// New hosts, one after the other, with each of the two sources of privilege for the mapper.
fn hosts() -> impl Iterator<Item = Host> {
    [Install::SetuidRoot, Install::FileCapabilities].into_iter().map(|install| {
        let host = Host::new();
        host.install_mapper(install);
        host
    })
}

/// Runs the mapper for a new target of the user. Returns both results.
fn attempt(host: &Host, user: &User, words: &str) -> (Outcome, Maps) {
    let target = Target::new(user);
    let outcome = host.output(&mut user.maps(&target, words));
    (outcome, target.maps())
}

/// Checks that a request is refused with this status and exactly this line, and without any effect.
#[track_caller]
fn assert_refused(host: &Host, user: &User, words: &str, status: i32, line: &str) {
    let (outcome, maps) = attempt(host, user, words);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (status, ""), "{words}: {outcome:?}");
    assert_eq!(outcome.stderr, format!("newidmap-helper: {line}\n"), "{words}");
    assert_eq!(maps, Maps::untouched(), "{words}");
}
