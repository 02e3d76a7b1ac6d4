//! A target that has died, and another process with its number, at every instant of a run for the first one (P2).

use crate::traced::{Traced, at_every_boundary};
use crate::{GRANTED, granted_maps};
use nix::unistd::Pid;
use std::fs;
use std::process::Command;
use subroot_tests::{Host, Maps, Step, Target, User, is_nested, skip, start_with};

const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

/// A target of this user with this number, which has just become free; others may fork first, so that it takes several tries.
fn successor(user: &User, pid: Pid) -> Target {
    let next = || {
        fs::write(LAST_PID, (pid.as_raw() - 1).to_string()).expect("choosing the next PID");
        Target::new(user)
    };
    let successor = (0..1_000).map(|_| next()).find(|target| target.pid() == pid);
    successor.expect("a process with the number of the one before")
}

/// How a run names its target.
type Form = fn(&User, &Target) -> Command;

fn by_pid(user: &User, target: &Target) -> Command {
    user.maps(target, GRANTED)
}

fn by_folder(user: &User, target: &Target) -> Command {
    by_descriptor(user, Step::Pass(target.folder(), 7))
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

/// Replaces the target at every boundary of a run; gives the status of each run and what became of the successor.
fn replaced(form: Form, heir: &str) -> Vec<(i32, Maps)> {
    let host = Host::new();
    let (alice, heir) = (host.user("alice"), host.user(heir));
    let mut ends = Vec::new();
    at_every_boundary(|boundary| {
        let mut target = Target::new(&alice);
        let Some(mapper) = Traced::start_at(&alice, &mut form(&alice, &target), boundary) else {
            return false;
        };
        target.kill();
        let successor = successor(&heir, target.pid());
        ends.push((mapper.end(), successor.maps()));
        true
    });
    ends
}

macro_rules! skip_where_no_pid_can_be_chosen {
    () => {
        if is_nested() {
            skip!("who rules a PID namespace alone can choose a PID in it");
        }
    };
}

#[test]
fn the_next_process_of_the_same_user_is_never_taken_for_one_held_by_a_descriptor() {
    skip_where_no_pid_can_be_chosen!();
    for form in [by_folder as Form, by_pidfd] {
        for (at, (status, maps)) in replaced(form, "alice").into_iter().enumerate() {
            assert_eq!(maps, Maps::untouched(), "boundary {}: status {status}", at + 1);
        }
    }
}

#[test]
fn the_next_process_of_another_user_is_never_mapped() {
    skip_where_no_pid_can_be_chosen!();
    for form in [by_pid as Form, by_folder, by_pidfd] {
        for (at, (status, maps)) in replaced(form, "bob").into_iter().enumerate() {
            assert_eq!(maps, Maps::untouched(), "boundary {}: status {status}", at + 1);
        }
    }
}

/// A PID says no more than which process has it when it is looked up; from then on it is that process or none.
#[test]
fn a_pid_is_looked_up_once() {
    skip_where_no_pid_can_be_chosen!();
    let ends = replaced(by_pid, "alice");
    let looked_up = ends.iter().position(|(_, maps)| *maps != granted_maps()).expect("a late replacement");
    assert!(looked_up > 0 && ends[..looked_up].iter().all(|(status, _)| *status == 0), "{ends:?}");
    assert!(ends[looked_up..].iter().all(|(_, maps)| *maps == Maps::untouched()), "{ends:?}");
}
