//! A target must be a process of the caller in an unmapped child namespace that the caller owns (property
//! P2).

use crate::{GRANTED, granted_maps};
use nix::fcntl::{OFlag, open};
use nix::sched::CloneFlags;
use nix::sys::stat::Mode;
use std::fs;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::{Host, Maps, Outcome, Started, Step, Target, User, kernel_is, start_with};

const NOT_YOURS: &str = "no process of yours";
const NEEDS_FDINFO: &str =
    "before Linux 5.14, it has to be given as a PID or an open /proc/PID directory, not as a pidfd";
const NOT_CHILD: &str = "its user namespace is not a child of yours";
const NOT_PROCESS: &str = "not an open descriptor of a /proc/PID directory or a pidfd";

/// Checks that the target is refused for this reason by any name, whatever is granted, and is not changed.
#[track_caller]
fn assert_unfit_by_any_name(host: &Host, user: &User, target: &Target, why: &str) {
    let before = target.maps();
    let by_pid = host.output(&mut user.maps(target, GRANTED));
    assert_unfit(&by_pid, &target.pid().to_string(), why);
    assert_unfit(&mapped_through(host, user, target.dir()), "fd:7", why);
    assert_unfit(&mapped_through(host, user, target.pidfd()), "fd:7", of_a_pidfd(user, why));
    assert_eq!(target.maps(), before);
}

/// Why a pidfd is refused: before Linux 5.14, only root's mapper can look up its process.
pub(crate) fn of_a_pidfd<'a>(user: &User, why: &'a str) -> &'a str {
    if kernel_is(5, 14) || user.uid == 0 { why } else { NEEDS_FDINFO }
}

#[track_caller]
fn assert_unfit(outcome: &Outcome, word: &str, why: &str) {
    let line = format!("newidmap-helper: opening target {word}: {why}\n");
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (3, line.as_str()));
}

fn mapped_through(host: &Host, user: &User, descriptor: OwnedFd) -> Outcome {
    let mut command = user.mapper();
    command.arg("fd:7").args(GRANTED.split(' '));
    host.output(start_with(&mut command, vec![Step::Pass(descriptor, 7)]))
}

fn opened(path: &str) -> OwnedFd {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).expect("opening a file that is not a target")
}

fn unshared() -> Step {
    Step::Unshare(CloneFlags::CLONE_NEWUSER)
}

#[test]
fn another_users_process_is_refused_in_the_words_for_one_that_does_not_exist() {
    let host = Host::new();
    let alice = host.user("alice");
    assert_unfit_by_any_name(&host, &alice, &Target::new(&host.user("bob")), NOT_YOURS);
    assert_unfit_by_any_name(&host, &alice, &Target::new(&host.user("root")), NOT_YOURS);
    let mut gone = Target::new(&alice);
    let (dir, pidfd) = (gone.dir(), gone.pidfd());
    gone.kill();
    assert_unfit(&host.output(&mut alice.maps(&gone, GRANTED)), &gone.pid().to_string(), NOT_YOURS);
    assert_unfit(&mapped_through(&host, &alice, dir), "fd:7", NOT_YOURS);
    assert_unfit(&mapped_through(&host, &alice, pidfd), "fd:7", of_a_pidfd(&alice, NOT_YOURS));
}

#[test]
fn root_has_no_say_over_a_users_process() {
    let host = Host::new();
    host.write("/etc/subuid", "root:100000:65536\n");
    host.write("/etc/subgid", "root:100000:65536\n");
    assert_unfit_by_any_name(&host, &host.user("root"), &Target::new(&host.user("alice")), NOT_YOURS);
}

#[test]
fn a_process_in_the_callers_own_namespace_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    assert_unfit_by_any_name(&host, &alice, &Target::after(&alice, vec![]), NOT_CHILD);
}

#[test]
fn a_namespace_within_a_namespace_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    let steps = vec![unshared(), Step::MapOwnIds(alice.uid, alice.gid), unshared()];
    assert_unfit_by_any_name(&host, &alice, &Target::after(&alice, steps), NOT_CHILD);
}

#[test]
fn a_namespace_that_another_user_owns_is_refused() {
    let host = Host::new();
    let (alice, bob) = (host.user("alice"), host.user("bob"));
    let bobs = Target::new(&bob);
    bobs.map_as_root("1000 1000 1", "1000 1000 1");
    let steps = vec![Step::Enter(bobs.namespace()), Step::Become(1000, 1000)];
    let in_bobs = Target::after(&host.user("root"), steps);
    // The kernel does not even let alice examine it: she has no capability in bob's namespace.
    assert_unfit_by_any_name(&host, &alice, &in_bobs, NOT_YOURS);
}

#[test]
fn a_map_is_written_once() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    host.output(&mut alice.maps(&target, "--uid-map 0:100000:1")).ok();
    assert_unfit_by_any_name(&host, &alice, &target, "its uid_map is already written");
    assert_eq!(target.maps(), Maps::new("0 100000 1", "", "allow"));
    let target = Target::new(&alice);
    host.output(&mut alice.maps(&target, "--gid-map 0:100000:1")).ok();
    assert_unfit_by_any_name(&host, &alice, &target, "its gid_map is already written");
    assert_eq!(target.maps(), Maps::new("", "0 100000 1", "allow"));
}

#[test]
fn a_descriptor_of_anything_else_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    for path in ["/", "/etc/passwd", "/dev/null", "/sys", &target.path("ns/user")] {
        assert_unfit(&mapped_through(&host, &alice, opened(path)), "fd:7", NOT_PROCESS);
    }
    for path in ["/proc", "/proc/1", &target.path("fd"), &target.path("status"), &target.path("uid_map")] {
        assert_unfit(&mapped_through(&host, &alice, opened(path)), "fd:7", NOT_YOURS);
    }
    let closed = host.output(alice.mapper().arg("fd:7").args(GRANTED.split(' ')));
    assert_unfit(&closed, "fd:7", NOT_PROCESS);
    assert_eq!(target.maps(), Maps::untouched());
}

#[test]
fn a_file_that_the_caller_put_over_the_map_is_not_written() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    host.output(&mut alice.shell("echo precious >victim; chmod 666 victim")).ok();
    let covered = "for map in uid_map gid_map setgroups; do mount --bind victim /proc/$0/$map || exit; done; exec sleep 1000";
    let mut unshare = alice.command("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", covered, &target.pid().to_string()]);
    unshare.stderr(Stdio::null());
    let mut elsewhere = Started::with_own_descriptors(start_with(&mut unshare, vec![Step::DieWithParent]));
    let seen_there = format!("/proc/{}/root/proc/{}", elsewhere.pid(), target.pid());
    let is_covered = || fs::read(format!("{seen_there}/setgroups")).is_ok_and(|text| text == b"precious\n");
    for _ in 0..500 {
        if is_covered() {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    assert!(is_covered(), "the mounts over the maps");
    assert_unfit(&mapped_through(&host, &alice, opened(&seen_there)), "fd:7", NOT_YOURS);
    assert_eq!(fs::read_to_string(alice.home.join("victim")).expect("the victim"), "precious\n");
    assert_eq!(target.maps(), Maps::untouched());
    elsewhere.child().kill().expect("ending the other mount namespace");
    elsewhere.child().wait().expect("ending the other mount namespace");
}

#[test]
fn a_pid_is_looked_up_where_the_mapper_runs() {
    let host = Host::new();
    let alice = host.user("alice");
    let target =
        Target::after(&alice, vec![Step::Unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)]);
    host.output(&mut alice.maps(&target, GRANTED)).ok();
    assert_eq!(target.maps(), granted_maps());
}
