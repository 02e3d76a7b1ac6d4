//! How a process is named: by a PID or a descriptor.

use crate::conformance::case::{Case, TargetName, case};
use crate::conformance::effect::{Expected, written};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;
use subroot_tests::{Step, Target};

const GRANTED: &str = "0 100000 9";

fn granted() -> Case {
    case(GRANTED)
}

fn word(word: impl Into<String>) -> TargetName {
    TargetName::word(word)
}

fn descriptor(file: OwnedFd) -> TargetName {
    TargetName { steps: vec![Step::Pass(file, 7)], ..word("fd:7") }
}

fn opened(path: &str) -> OwnedFd {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).expect("opening a file that is not a target")
}

#[test]
fn a_pid_is_plain_decimal() {
    granted().named(TargetName::pid).same(written(GRANTED));
    let spellings: [fn(&Target) -> TargetName; 4] = [
        |target| word(format!("+{}", target.pid())),
        |target| word(format!("0{}", target.pid())),
        |target| word(format!(" {}", target.pid())),
        |target| word(format!("\n000{}", target.pid())),
    ];
    for spelling in spellings {
        granted().named(spelling).differs("spelling-of-a-pid", Expected::Refused, written(GRANTED));
    }
}

#[test]
fn what_is_no_pid_is_refused() {
    let spellings: [fn(&Target) -> TargetName; 12] = [
        |_| word(""),
        |_| word("0"),
        |_| word("-1"),
        |_| word("self"),
        |_| word("thread-self"),
        |target| word(format!("-{}", target.pid())),
        |target| word(format!("{:#x}", target.pid().as_raw())),
        |target| word(format!("{} ", target.pid())),
        |target| word(format!("{}/", target.pid())),
        |target| word(format!("{}x", target.pid())),
        |target| word(format!("./{}", target.pid())),
        |target| word(format!("/proc/{}", target.pid())),
    ];
    for spelling in spellings {
        granted().named(spelling).same(Expected::Refused);
    }
}

#[test]
fn a_pid_past_every_width_is_refused() {
    let spellings: [fn(&Target) -> TargetName; 4] = [
        |target| word((i64::from(target.pid().as_raw()) + (1_i64 << 32)).to_string()),
        |target| word((i128::from(target.pid().as_raw()) + (1_i128 << 64)).to_string()),
        |target| word((i64::from(target.pid().as_raw()) - (1_i64 << 32)).to_string()),
        |_| word("2147483648"),
    ];
    for spelling in spellings {
        granted().named(spelling).same(Expected::Refused);
    }
}

#[test]
fn a_target_may_be_a_descriptor() {
    let dir = granted().named(|target| descriptor(target.dir()));
    dir.differs("target-by-descriptor", written(GRANTED), Expected::Refused);
    let pidfd = granted().named(|target| descriptor(target.pidfd()));
    pidfd.differs("target-by-descriptor", written(GRANTED), Expected::Refused);
}

#[test]
fn a_descriptor_of_anything_else_is_refused() {
    let others: [fn(&Target) -> TargetName; 9] = [
        |_| descriptor(opened("/")),
        |_| descriptor(opened("/proc")),
        |_| descriptor(opened("/proc/1")),
        |_| descriptor(opened("/dev/null")),
        |target| descriptor(opened(&target.path("fd"))),
        |target| descriptor(opened(&target.path("uid_map"))),
        |target| descriptor(opened(&target.path("ns/user"))),
        |_| word("fd:7"),
        |_| word("fd:99999999"),
    ];
    for other in others {
        granted().named(other).same(Expected::Refused);
    }
}

#[test]
fn what_is_no_descriptor_is_refused() {
    let spellings: [fn(&Target) -> TargetName; 7] = [
        |_| word("fd:"),
        |_| word("fd"),
        |_| word("fd:x"),
        |_| word("fd:-1"),
        |target| TargetName { word: "fd:+7".to_owned(), ..descriptor(target.dir()) },
        |target| TargetName { word: "FD:7".to_owned(), ..descriptor(target.dir()) },
        |target| TargetName { word: "fd:07".to_owned(), ..descriptor(target.dir()) },
    ];
    for spelling in spellings {
        granted().named(spelling).same(Expected::Refused);
    }
}
