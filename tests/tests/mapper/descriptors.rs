//! Descriptors that a caller may leave open as fd:N and name as a target (properties P2, P5).

use crate::{GRANTED, granted_maps};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::eventfd::EventFd;
use nix::unistd::pipe;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use subroot_tests::{Host, MAPPER, Maps, Outcome, Step, Target, User, start_with};

const NOT_PROCESS: &str = "not an open descriptor of a /proc/PID directory or a pidfd";
const NOT_YOURS: &str = "no process of yours";

fn named(host: &Host, user: &User, word: &str, steps: Vec<Step>) -> Outcome {
    let mut command = user.mapper();
    command.arg(word).args(GRANTED.split(' '));
    host.output(start_with(&mut command, steps))
}

#[track_caller]
fn assert_unfit(outcome: &Outcome, word: &str, why: &str) {
    let line = format!("newidmap-helper: opening target {word}: {why}\n");
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (3, line.as_str()));
}

/// Files outside procfs: a regular one, and one of every kind without a path.
fn strangers() -> Vec<(&'static str, OwnedFd, &'static str)> {
    let (reader, writer) = pipe().expect("a pipe");
    let (socket, _) = UnixStream::pair().expect("a socket");
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("an epoll");
    vec![
        ("a regular file", File::create("/tmp/regular").expect("a file").into(), NOT_PROCESS),
        ("a pipe to read", reader, NOT_PROCESS),
        ("a pipe to write", writer, NOT_PROCESS),
        ("a socket", socket.into(), NOT_PROCESS),
        // Like a pidfd on an older kernel, these are anonymous inodes, but they have no process.
        ("an epoll", epoll.0, NOT_YOURS),
        ("an eventfd", EventFd::new().expect("an eventfd").into(), NOT_YOURS),
    ]
}

#[test]
fn an_object_that_is_no_process_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    for (what, object, why) in strangers() {
        let outcome = named(&host, &alice, "fd:7", vec![Step::Pass(object, 7)]);
        assert!(outcome.code() == 3, "{what}: {outcome:?}");
        // A kernel that can only open such objects if they have a path leads to the same refusal.
        let refused = [why, NOT_PROCESS].iter().any(|why| outcome.stderr.ends_with(&format!(": {why}\n")));
        assert!(refused, "{what}: {outcome:?}");
    }
    assert_eq!(fs::read("/tmp/regular").expect("the file"), b"");
}

#[test]
fn a_number_that_is_not_open_or_can_not_be_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    for word in ["fd:3", "fd:999", "fd:2147483647", "fd:2147483648", "fd:4294967295"] {
        assert_unfit(&named(&host, &alice, word, vec![]), word, NOT_PROCESS);
    }
    let outcome = named(&host, &alice, "fd:4294967296", vec![]);
    assert_eq!((outcome.code(), outcome.stderr.lines().count()), (2, 1), "{outcome:?}");
}

#[test]
fn the_standard_streams_are_no_target() {
    let host = Host::new();
    let alice = host.user("alice");
    for word in ["fd:0", "fd:1", "fd:2"] {
        assert_unfit(&named(&host, &alice, word, vec![]), word, NOT_PROCESS);
    }
    // The mapper itself opens closed streams as the root directory, which is not a process either.
    assert_unfit(&named(&host, &alice, "fd:0", vec![Step::Close(0)]), "fd:0", NOT_PROCESS);
}

/// The descriptor is opened by the process that becomes the mapper.
#[test]
fn the_mapper_is_no_target_of_its_own() {
    let host = Host::new();
    let alice = host.user("alice");
    let script = format!("exec {} fd:7 {GRANTED} 7</proc/self", MAPPER);
    assert_unfit(
        &host.output(&mut alice.shell(&script)),
        "fd:7",
        "its user namespace is not a child of yours",
    );
}

/// A thread's directory has the same files.
#[test]
fn a_directory_of_a_thread_stands_for_its_own_process_alone() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let open = |path: String| OwnedFd::from(File::open(path).expect("opening the directory of a thread"));
    let thread = open(target.path(&format!("task/{}", target.pid())));
    named(&host, &alice, "fd:7", vec![Step::Pass(thread, 7)]).ok();
    assert_eq!(target.maps(), granted_maps());
    let bobs = Target::new(&host.user("bob"));
    let thread = open(bobs.path(&format!("task/{}", bobs.pid())));
    assert_unfit(&named(&host, &alice, "fd:7", vec![Step::Pass(thread, 7)]), "fd:7", NOT_YOURS);
    assert_eq!(bobs.maps(), Maps::untouched());
}
