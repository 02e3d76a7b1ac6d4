//! Kills or stops the mapper, or removes its target, before and after each of its system calls (P2, P3, P5,
//! P10).

use crate::{GRANTED, granted_maps, hosts};
use nix::sys::signal::{Signal, kill};
use std::fs;
use subroot_tests::traced::{Traced, at_every_boundary};
use subroot_tests::{Host, Maps, Step, Target, User};

/// This also writes setgroups, so all three files are written.
const ALL_THREE: &str = "--uid-map 0:1000:1 --gid-map 0:1000:1";

fn all_three() -> Maps {
    Maps::new("0 1000 1", "0 1000 1", "deny")
}

/// The possible states while the three files are written one after the other.
fn in_order() -> [Maps; 4] {
    [Maps::untouched(), Maps::new("", "", "deny"), Maps::new("", "0 1000 1", "deny"), all_three()]
}

/// Everything that a run for another target must not change.
struct Foreign {
    targets: [Target; 2],
    files: [(&'static str, Vec<u8>); 3],
}

impl Foreign {
    fn new(host: &Host) -> Foreign {
        let read = |path| (path, fs::read(path).expect("reading a file of /etc"));
        Foreign {
            targets: ["alice", "bob"].map(|name| Target::new(&host.user(name))),
            files: ["/etc/passwd", "/etc/subuid", "/etc/subgid"].map(read),
        }
    }

    #[track_caller]
    fn assert_untouched(&self, boundary: u32) {
        assert!(self.targets.iter().all(|target| target.maps() == Maps::untouched()), "boundary {boundary}");
        for (path, content) in &self.files {
            assert_eq!(fs::read(path).expect("reading a file of /etc"), *content, "{path} at {boundary}");
        }
    }
}

fn is_served(host: &Host, user: &User, words: &str, expected: &Maps) {
    let target = Target::new(user);
    host.output(&mut user.maps(&target, words)).ok();
    assert_eq!(target.maps(), *expected);
}

#[test]
fn killed_at_any_system_call_it_has_written_in_order_and_nothing_else() {
    for host in hosts() {
        let alice = host.user("alice");
        let foreign = Foreign::new(&host);
        let mut seen = [false; 4];
        at_every_boundary(|boundary| {
            let target = Target::new(&alice);
            let Some(mapper) = Traced::start_at(&alice, &mut alice.maps(&target, ALL_THREE), boundary) else {
                return false;
            };
            kill(mapper.pid(), Signal::SIGKILL).expect("killing the mapper");
            assert_eq!(mapper.end(), 137, "boundary {boundary}");
            let maps = target.maps();
            let stage = in_order().iter().position(|stage| *stage == maps);
            seen[stage.unwrap_or_else(|| panic!("boundary {boundary}: {maps:?}"))] = true;
            foreign.assert_untouched(boundary);
            true
        });
        assert_eq!(seen, [true; 4], "each stage occurs");
    }
}

#[test]
fn stopped_at_any_system_call_it_delays_nobody_and_ends_as_usual() {
    for host in hosts() {
        let (alice, bob) = (host.user("alice"), host.user("bob"));
        let bobs = Maps::new("0 165536 9", "0 1001 1", "deny");
        at_every_boundary(|boundary| {
            let target = Target::new(&alice);
            let Some(mut mapper) = Traced::start_at(&alice, &mut alice.maps(&target, ALL_THREE), boundary)
            else {
                return false;
            };
            is_served(&host, &bob, "--uid-map 0:165536:9 --gid-map 0:1001:1", &bobs);
            mapper.leave_stopped();
            is_served(&host, &bob, "--uid-map 0:165536:9 --gid-map 0:1001:1", &bobs);
            assert_eq!((mapper.continued(), target.maps()), (0, all_three()), "boundary {boundary}");
            true
        });
    }
}

#[test]
fn a_target_that_dies_at_any_system_call_is_mapped_whole_or_not_at_all() {
    for host in hosts() {
        let alice = host.user("alice");
        let mut seen = [false; 2];
        at_every_boundary(|boundary| {
            let mut target = Target::new(&alice);
            let witness = Target::after(&alice, vec![Step::Enter(target.namespace())]);
            let Some(mapper) = Traced::start_at(&alice, &mut alice.maps(&target, GRANTED), boundary) else {
                return false;
            };
            target.kill();
            let (status, maps) = (mapper.end(), witness.maps());
            let expected = if status == 0 { granted_maps() } else { Maps::untouched() };
            assert_eq!(maps, expected, "boundary {boundary}: status {status}");
            assert!([0, 3].contains(&status), "boundary {boundary}: status {status}");
            seen[usize::from(status == 0)] = true;
            true
        });
        assert_eq!(seen, [true; 2], "both outcomes occur");
    }
}
