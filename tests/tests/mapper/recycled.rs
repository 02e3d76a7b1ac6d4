//! A target that has died, and another process with its PID, at every point of a run for the first one (P2).

use crate::{GRANTED, granted_maps};
use nix::unistd::Pid;
use std::fs;
use std::process::Command;
use subroot_tests::traced::{Traced, at_every_boundary};
use subroot_tests::{Host, Maps, Step, Target, User, is_nested, skip, start_with};

const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

/// A target of this user with this PID, which was just freed; none if another process got the PID first.
fn successor(user: &User, pid: Pid) -> Option<Target> {
    let next = || {
        fs::write(LAST_PID, (pid.as_raw() - 1).to_string()).expect("choosing the next PID");
        Target::new(user)
    };
    (0..20).map(|_| next()).find(|target| target.pid() == pid)
}

/// How a run names its target.
type Form = fn(&User, &Target) -> Command;

fn by_pid(user: &User, target: &Target) -> Command {
    user.maps(target, GRANTED)
}

fn by_dir(user: &User, target: &Target) -> Command {
    by_descriptor(user, Step::Pass(target.dir(), 7))
}

fn by_pidfd(user: &User, target: &Target) -> Command {
    by_descriptor(user, Step::Pass(target.pidfd(), 7))
}

fn by_descriptor(user: &User, pass: Step) -> Command {
    let mut command = user.mapper();
    command.arg("fd:7").args(GRANTED.split(' '));
    start_with(&mut command, vec![pass]);
    command
}

/// Halts a run at a boundary and replaces its target. Returns the status and the successor's maps; none if
/// the run ended earlier.
fn replaced_at(boundary: u32, form: Form, alice: &User, heir: &User) -> Option<(i32, Maps)> {
    for _ in 0..100 {
        let mut target = Target::new(alice);
        let mapper = Traced::start_at(alice, &mut form(alice, &target), boundary)?;
        target.kill();
        let successor = successor(heir, target.pid());
        let status = mapper.end();
        if let Some(successor) = successor {
            return Some((status, successor.maps()));
        }
    }
    panic!("boundary {boundary}: other processes always get the PID first");
}

/// The same at every boundary of a run.
fn replaced(form: Form, heir: &str) -> Vec<(i32, Maps)> {
    let host = Host::alone();
    let (alice, heir) = (host.user("alice"), host.user(heir));
    let mut ends = Vec::new();
    at_every_boundary(|boundary| {
        let end = replaced_at(boundary, form, &alice, &heir);
        let is_there = end.is_some();
        ends.extend(end);
        is_there
    });
    ends
}

macro_rules! skip_where_no_pid_can_be_chosen {
    () => {
        if is_nested() {
            skip!("choosing a PID needs CAP_SYS_ADMIN in the PID namespace");
        }
    };
}

#[test]
fn the_next_process_of_the_same_user_is_never_taken_for_one_held_by_a_descriptor() {
    skip_where_no_pid_can_be_chosen!();
    for form in [by_dir as Form, by_pidfd] {
        for (at, (status, maps)) in replaced(form, "alice").into_iter().enumerate() {
            assert_eq!(maps, Maps::untouched(), "boundary {}: status {status}", at + 1);
        }
    }
}

#[test]
fn the_next_process_of_another_user_is_never_mapped() {
    skip_where_no_pid_can_be_chosen!();
    for form in [by_pid as Form, by_dir, by_pidfd] {
        for (at, (status, maps)) in replaced(form, "bob").into_iter().enumerate() {
            assert_eq!(maps, Maps::untouched(), "boundary {}: status {status}", at + 1);
        }
    }
}

/// A PID only identifies the process that has it when it is looked up. From then on it is that process or
/// none.
#[test]
fn a_pid_is_looked_up_once() {
    skip_where_no_pid_can_be_chosen!();
    let ends = replaced(by_pid, "alice");
    let looked_up = ends.iter().position(|(_, maps)| *maps != granted_maps()).expect("a late replacement");
    assert!(looked_up > 0 && ends[..looked_up].iter().all(|(status, _)| *status == 0), "{ends:?}");
    assert!(ends[looked_up..].iter().all(|(_, maps)| *maps == Maps::untouched()), "{ends:?}");
}
