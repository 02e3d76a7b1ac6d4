//! What newidmap-helper does, on the real kernel: one file a topic.

mod config;
mod descriptors;
mod elsewhere;
mod examples;
mod failing_calls;
mod grants;
mod hostile;
mod instants;
mod limits;
mod log;
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
mod traced;
mod trust;
mod usage;
mod world;

use std::os::unix::process::CommandExt;
use std::process::Command;
use subroot_tests::{Host, Maps, Outcome, Step, Target, User, start_with};

/// A request that alice's grants allow, and the maps it leads to.
const GRANTED: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";

fn granted_maps() -> Maps {
    Maps::new("0 100000 65536", "0 100000 65536", "allow")
}

/// Runs the mapper for a fresh target of the user's, and returns what became of both.
fn attempt(host: &Host, user: &User, words: &str) -> (Outcome, Maps) {
    let target = Target::new(user);
    let outcome = host.output(&mut user.maps(&target, words));
    (outcome, target.maps())
}

/// Has root take these steps first, and become the user after them.
fn as_root_first<'c>(command: &'c mut Command, user: &User, mut steps: Vec<Step>) -> &'c mut Command {
    steps.push(Step::Become(user.uid, user.gid));
    start_with(command.uid(0).gid(0), steps)
}

/// Checks that a request is refused with this status, with this line and no other, and without any effect.
#[track_caller]
fn refused(host: &Host, user: &User, words: &str, status: i32, line: &str) {
    let (outcome, maps) = attempt(host, user, words);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (status, ""), "{words}: {outcome:?}");
    assert_eq!(outcome.stderr, format!("newidmap-helper: {line}\n"), "{words}");
    assert_eq!(maps, Maps::untouched(), "{words}");
}
