//! What a program inherits: variables, descriptors, signals, limits, no_new_privs.

use crate::conformance::case::{TargetName, case};
use crate::conformance::effect::{Expected, written, written_without_setgroups};
use nix::sys::resource::Resource;
use subroot_tests::{Step, Target};

const GRANTED: &str = "0 100000 9";

#[test]
fn variables_change_nothing() {
    for (name, value) in [
        ("LD_PRELOAD", "/tmp/evil.so"),
        ("LD_LIBRARY_PATH", "/tmp"),
        ("LD_DEBUG", "all"),
        ("LD_SHOW_AUXV", "1"),
        ("GLIBC_TUNABLES", "glibc.malloc.mxfast=glibc.malloc.mxfast=A"),
        ("MALLOC_CHECK_", "3"),
        ("GCONV_PATH", "/tmp"),
        ("LOCPATH", "/tmp"),
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "C"),
        ("LANGUAGE", "../../tmp"),
        ("POSIXLY_CORRECT", "1"),
        ("TMPDIR", "/nowhere"),
        ("PATH", ""),
        ("HOME", ""),
        ("IFS", "0"),
    ] {
        case(GRANTED).with_variable(name, value).same(written(GRANTED));
        case("0 1001 1").with_variable(name, value).same(Expected::Refused);
    }
}

#[test]
fn a_variable_does_not_say_who_the_caller_is() {
    for name in ["USER", "LOGNAME", "USERNAME", "SUDO_USER"] {
        case(GRANTED).with_variable(name, "bob").same(written(GRANTED));
        case("0 165536 9").with_variable(name, "bob").same(Expected::Refused);
    }
    for name in ["UID", "SUDO_UID", "PKEXEC_UID"] {
        case(GRANTED).with_variable(name, "1001").same(written(GRANTED));
        case("0 165536 9").with_variable(name, "1001").same(Expected::Refused);
    }
}

fn after(target: &Target, steps: Vec<Step>) -> TargetName {
    TargetName { steps, ..TargetName::pid(target) }
}

#[test]
fn closed_descriptors_change_nothing() {
    let starts: [fn(&Target) -> TargetName; 4] = [
        |target| after(target, vec![Step::Close(0)]),
        |target| after(target, vec![Step::Close(1)]),
        |target| after(target, vec![Step::Close(2)]),
        |target| after(target, vec![Step::Close(0), Step::Close(1), Step::Close(2)]),
    ];
    for start in starts {
        case(GRANTED).named(start).same(written(GRANTED));
        case("0 1001 1").named(start).same(Expected::Refused);
    }
}

#[test]
fn signals_change_nothing() {
    case(GRANTED).named(|target| after(target, vec![Step::BlockAllSignals])).same(written(GRANTED));
    case(GRANTED).named(|target| after(target, vec![Step::IgnoreAllSignals])).same(written(GRANTED));
}

#[test]
fn limits_that_leave_room_change_nothing() {
    let starts: [fn(&Target) -> TargetName; 5] = [
        |target| after(target, vec![Step::Limit(Resource::RLIMIT_FSIZE, 0)]),
        |target| after(target, vec![Step::Limit(Resource::RLIMIT_CORE, 0)]),
        |target| after(target, vec![Step::Limit(Resource::RLIMIT_NPROC, 1)]),
        |target| after(target, vec![Step::Limit(Resource::RLIMIT_NOFILE, 64)]),
        |target| after(target, vec![Step::Limit(Resource::RLIMIT_MEMLOCK, 0)]),
    ];
    for start in starts {
        case(GRANTED).named(start).same(written(GRANTED));
    }
}

#[test]
fn without_privilege_nothing_is_written() {
    case(GRANTED).named(|target| after(target, vec![Step::NoNewPrivs])).same(Expected::Refused);
}

#[test]
fn without_privilege_the_own_id_is_not_mapped_either() {
    let own = case("0 1000 1").named(|target| after(target, vec![Step::NoNewPrivs]));
    own.differs("own-id-without-privilege", Expected::Refused, written_without_setgroups("0 1000 1"));
}
