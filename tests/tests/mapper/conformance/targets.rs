//! Which processes may be mapped.

use crate::conformance::case::{TargetName, case};
use crate::conformance::effect::{Expected, written};
use nix::sched::CloneFlags;
use subroot_tests::{Host, Kind, Step, Target, User};

const GRANTED: &str = "0 100000 9";

/// alice, without a host to ask.
fn alice() -> User {
    User { name: "alice".to_owned(), uid: 1000, gid: 1000, home: "/".into() }
}

fn unshared() -> Step {
    Step::Unshare(CloneFlags::CLONE_NEWUSER)
}

/// Names another process, which is kept until the program has ended.
fn other(target: Target) -> TargetName {
    let name = TargetName::pid(&target);
    TargetName { other: Some(target), ..name }
}

#[test]
fn a_process_in_a_new_user_namespace_is_a_target() {
    let with_others = |_: &Host, caller: &User| {
        let flags = CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET;
        Target::after(caller, vec![Step::Unshare(flags)])
    };
    case(GRANTED).same(written(GRANTED));
    case(GRANTED).for_target(with_others).same(written(GRANTED));
}

#[test]
fn a_process_that_is_gone_is_refused() {
    for words in [GRANTED, "0 1000 1"] {
        let gone = case(words).named(|_| {
            let mut gone = Target::new(&alice());
            gone.kill();
            TargetName::pid(&gone)
        });
        gone.same(Expected::Refused);
    }
}

#[test]
fn the_first_process_is_refused() {
    for words in [GRANTED, "0 1000 1"] {
        case(words).named(|_| TargetName::word("1")).same(Expected::Refused);
        case(words).named(|_| TargetName::word("1")).by(|host| host.user("carol")).same(Expected::Refused);
    }
}

#[test]
fn another_users_process_is_refused() {
    let of_bob = |host: &Host, _: &User| Target::new(&host.user("bob"));
    for words in [GRANTED, "0 1000 1", "0 1001 1", "0 165536 9"] {
        case(words).for_target(of_bob).same(Expected::Refused);
    }
}

#[test]
fn another_users_process_of_ones_own_group_is_refused() {
    let of_bob = |host: &Host, caller: &User| Target::new(&User { gid: caller.gid, ..host.user("bob") });
    for words in [GRANTED, "0 1000 1", "0 1001 1"] {
        case(words).for_target(of_bob).same(Expected::Refused);
    }
}

#[test]
fn another_users_process_in_a_namespace_of_the_callers_is_refused() {
    let visitor = |host: &Host, caller: &User| {
        let own = Target::new(caller);
        Target::after(&host.user("root"), vec![Step::Enter(own.namespace())])
    };
    for words in [GRANTED, "0 1000 1"] {
        case(words).for_target(visitor).same(Expected::Refused);
    }
}

#[test]
fn a_process_in_the_callers_own_namespace_is_refused() {
    for words in [GRANTED, "0 1000 1"] {
        case(words).named(|_| other(Target::after(&alice(), vec![]))).same(Expected::Refused);
    }
}

fn within_a_mapped_one(caller: &User) -> Target {
    Target::after(caller, vec![unshared(), Step::MapOwnIds(caller.uid, caller.gid), unshared()])
}

#[test]
fn a_namespace_within_a_namespace_is_refused() {
    for words in [GRANTED, "0 1000 1", "0 0 1"] {
        // setgroups was denied in the outer namespace, so it is denied from the beginning.
        let inner = case(words).for_target(|_, caller| within_a_mapped_one(caller)).only(Kind::Gid);
        inner.same(Expected::RefusedWithoutSetgroups);
        case(words).named(|_| other(within_a_mapped_one(&alice()))).same(Expected::Refused);
    }
}

fn within_an_open_one(_: &Host, caller: &User) -> Target {
    let outer = Target::new(caller);
    // Two lines, because a nested user namespace maps its ID 0 separately.
    outer.map_as_root("0 0 1\n1 1 200000", "0 0 1\n1 1 200000");
    let inside = User { name: "root".to_owned(), uid: 0, gid: 0, home: "/".into() };
    let steps = vec![Step::Enter(outer.namespace()), Step::Become(caller.uid, caller.gid), unshared()];
    Target::after(&inside, steps)
}

#[test]
fn a_refused_namespace_within_a_namespace_keeps_setgroups() {
    case(GRANTED).for_target(within_an_open_one).same(Expected::Refused);
    let own = case("0 1000 1").for_target(within_an_open_one);
    own.differs("refusal-without-effect", Expected::Refused, Expected::RefusedWithoutSetgroups);
}
