//! root as the caller: root needs grants too, and may not map other users' processes.

use crate::conformance::case::{Case, case};
use crate::conformance::effect::{Expected, written, written_without_setgroups};
use subroot_tests::{Host, Target, User};

fn by_root(words: &str, grants: &str) -> Case {
    case(words).with_grants(grants).by(|host| host.user("root"))
}

fn of_alice(host: &Host, _: &User) -> Target {
    Target::new(&host.user("alice"))
}

#[test]
fn root_needs_a_grant() {
    for words in ["0 100000 1", "0 1000 1", "0 1 1", "0 100000 65536"] {
        by_root(words, "alice:100000:65536\n").same(Expected::Refused);
    }
}

#[test]
fn root_maps_what_is_granted_to_root() {
    for owner in ["root", "0"] {
        by_root("0 100000 65536", &format!("{owner}:100000:65536\n")).same(written("0 100000 65536"));
    }
    by_root("0 100000 65537", "root:100000:65536\n").same(Expected::Refused);
}

#[test]
fn roots_own_id_is_never_mapped() {
    let own = by_root("0 0 1", "");
    own.differs("own-id-of-root", Expected::Refused, written_without_setgroups("0 0 1"));
    by_root("0 0 2", "").same(Expected::Refused);
}

#[test]
fn a_process_of_a_users_is_not_roots() {
    by_root("0 100000 9", "root:100000:65536\n").for_target(of_alice).same(Expected::Refused);
    by_root("0 1000 1", "root:1000:1\n").for_target(of_alice).same(Expected::Refused);
}

#[test]
fn a_process_of_roots_is_not_a_users() {
    let of_root = |host: &Host, _: &User| Target::new(&host.user("root"));
    case("0 100000 9").for_target(of_root).same(Expected::Refused);
    case("0 1000 1").for_target(of_root).same(Expected::Refused);
}
