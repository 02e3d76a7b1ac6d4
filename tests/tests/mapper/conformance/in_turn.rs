//! Several requests for one target, in sequence.

use crate::conformance::case::program;
use crate::conformance::differences::is_listed;
use crate::conformance::effect::Effect;
use crate::conformance::suite::Suite;
use subroot_tests::Kind::{Gid, Uid};
use subroot_tests::{Kind, Step, Target, User};

type Request = (Kind, &'static str);

/// The status of each request, and the final maps and setgroups.
type End = (&'static [i32], &'static str, &'static str, &'static str);

/// Requests by alice for one target, which has first been changed in this way.
struct InTurn {
    target: fn(&User) -> Target,
    requests: &'static [Request],
}

fn in_turn(requests: &'static [Request]) -> InTurn {
    InTurn { target: Target::new, requests }
}

impl InTurn {
    fn for_target(self, target: fn(&User) -> Target) -> InTurn {
        InTurn { target, ..self }
    }

    #[track_caller]
    fn same(self, end: End) {
        self.check(end, end);
    }

    #[track_caller]
    fn differs(self, name: &str, ours: End, shadows: End) {
        assert!(is_listed(name), "no heading of docs/differences-from-shadow.md: {name}");
        assert_ne!(ours, shadows, "{name} is not a difference");
        self.check(ours, shadows);
    }

    #[track_caller]
    fn check(&self, ours: End, shadows: End) {
        for suite in Suite::chosen() {
            let host = suite.host();
            let alice = host.user("alice");
            let target = (self.target)(&alice);
            let ask = |(kind, words): &Request| {
                let mut command = alice.command(program(*kind));
                host.output(command.arg(target.pid().to_string()).args(words.split(' '))).code()
            };
            let seen: Vec<i32> = self.requests.iter().map(ask).collect();
            let (statuses, uid_map, gid_map, setgroups) = if suite == Suite::Ours { ours } else { shadows };
            assert_eq!(seen, statuses, "{suite:?}: {:?}", self.requests);
            let expected = Effect::new(0, uid_map, gid_map, setgroups);
            assert_eq!(Effect::seen(0, &target), expected, "{suite:?}: {:?}", self.requests);
        }
    }
}

const ALL: &str = "0 100000 65536";
const OWN: &str = "0 1000 1";

#[test]
fn either_may_come_first() {
    in_turn(&[(Uid, ALL), (Gid, ALL)]).same((&[0, 0], ALL, ALL, "allow"));
    in_turn(&[(Gid, ALL), (Uid, ALL)]).same((&[0, 0], ALL, ALL, "allow"));
    in_turn(&[(Uid, OWN), (Gid, OWN)]).same((&[0, 0], OWN, OWN, "deny"));
    in_turn(&[(Gid, OWN), (Uid, OWN)]).same((&[0, 0], OWN, OWN, "deny"));
    in_turn(&[(Uid, ALL), (Gid, OWN)]).same((&[0, 0], ALL, OWN, "deny"));
    in_turn(&[(Uid, OWN), (Gid, ALL)]).same((&[0, 0], OWN, ALL, "allow"));
}

#[test]
fn a_map_is_written_once() {
    in_turn(&[(Uid, ALL), (Uid, ALL)]).same((&[0, 1], ALL, "", "allow"));
    in_turn(&[(Uid, OWN), (Uid, ALL)]).same((&[0, 1], OWN, "", "allow"));
    in_turn(&[(Gid, ALL), (Gid, ALL)]).same((&[0, 1], "", ALL, "allow"));
    in_turn(&[(Gid, OWN), (Gid, OWN)]).same((&[0, 1], "", OWN, "deny"));
    in_turn(&[(Gid, OWN), (Gid, ALL)]).same((&[0, 1], "", OWN, "deny"));
}

#[test]
fn setgroups_is_not_denied_after_the_gid_map() {
    in_turn(&[(Gid, ALL), (Gid, OWN)]).same((&[0, 1], "", ALL, "allow"));
    in_turn(&[(Uid, ALL), (Gid, ALL), (Gid, OWN)]).same((&[0, 0, 1], ALL, ALL, "allow"));
}

#[test]
fn a_refusal_may_be_followed_by_a_better_request() {
    in_turn(&[(Uid, "0 165536 1"), (Uid, ALL)]).same((&[1, 0], ALL, "", "allow"));
    in_turn(&[(Gid, "0 165536 1"), (Gid, ALL)]).same((&[1, 0], "", ALL, "allow"));
    in_turn(&[(Gid, "0 1000 2"), (Gid, OWN)]).same((&[1, 0], "", OWN, "deny"));
}

#[test]
fn what_the_kernel_refuses_may_be_followed_by_a_better_request() {
    let twice = in_turn(&[(Gid, "0 1000 1 1 1000 1"), (Gid, ALL)]);
    twice.differs("refusal-without-effect", (&[1, 0], "", ALL, "allow"), (&[1, 0], "", ALL, "deny"));
}

#[test]
fn a_target_that_has_mapped_itself_is_not_mapped_again() {
    let itself = |caller: &User| {
        let unshare = Step::Unshare(nix::sched::CloneFlags::CLONE_NEWUSER);
        Target::after(caller, vec![unshare, Step::MapOwnIds(caller.uid, caller.gid)])
    };
    in_turn(&[(Uid, ALL), (Gid, ALL)]).for_target(itself).same((&[1, 1], OWN, OWN, "deny"));
    in_turn(&[(Gid, OWN), (Uid, OWN)]).for_target(itself).same((&[1, 1], OWN, OWN, "deny"));
}

#[test]
fn a_target_with_one_map_may_be_given_the_other() {
    fn with_uids(caller: &User) -> Target {
        let target = Target::new(caller);
        std::fs::write(target.path("uid_map"), ALL).expect("writing uid_map as root");
        target
    }
    in_turn(&[(Uid, ALL), (Gid, ALL)]).for_target(with_uids).same((&[1, 0], ALL, ALL, "allow"));
}
