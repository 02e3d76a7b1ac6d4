//! Halts the mapper at each of its system calls while its caller changes something: maps are whole or
//! untouched (P3, P7).

use crate::{GRANTED, granted_maps, hosts};
use std::fs;
use subroot_tests::traced::{Traced, at_every_boundary};
use subroot_tests::{Host, Maps, Target, User};

/// The limits of getrlimit(2), with prlimit(1)'s names.
const LIMITS: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Performs an action at every boundary of alice's runs, and checks how each run ends.
fn at_each(
    host: &Host,
    mut act: impl FnMut(&User, &Target, &Traced),
    mut check: impl FnMut(u32, i32, &Maps),
) {
    let alice = host.user("alice");
    at_every_boundary(|boundary| {
        let target = Target::new(&alice);
        let Some(mapper) = Traced::start_at(&alice, &mut alice.maps(&target, GRANTED), boundary) else {
            return false;
        };
        act(&alice, &target, &mapper);
        check(boundary, mapper.end(), &target.maps());
        true
    });
}

/// The kernel lets the caller limit the mapper after it has taken on the caller's IDs, which is within its
/// first system calls.
#[test]
fn every_limit_that_its_caller_sets_at_any_system_call_leaves_the_maps_whole_or_untouched() {
    for host in hosts() {
        for limit in LIMITS {
            let (mut permitted, mut refused) = (0, 0);
            let set = |alice: &User, _: &Target, mapper: &Traced| {
                let mut prlimit = alice.command("prlimit");
                prlimit.args([format!("--pid={}", mapper.pid()), format!("--{limit}=0:0")]);
                permitted += u32::from(host.output(&mut prlimit).code() == 0);
            };
            at_each(&host, set, |boundary, status, maps| {
                let expected = if status == 0 { granted_maps() } else { Maps::untouched() };
                // A limit on CPU time kills the mapper, which the caller may do. What it has written by then
                // is valid.
                let stages = [Maps::new("", "0 100000 65536", "allow"), granted_maps()];
                let in_order = limit == "cpu" && status == 137 && stages.contains(maps);
                assert!(*maps == expected || in_order, "{limit} at {boundary}: status {status}: {maps:?}");
                refused += u32::from(status != 0);
            });
            assert!(permitted > 40, "{limit}: set only {permitted} times");
            // A running mapper needs only descriptors and CPU time.
            match limit {
                "nofile" => assert!(refused > 10, "{limit}: {refused} refusals"),
                "cpu" => {}
                _ => assert_eq!(refused, 0, "{limit}"),
            }
        }
    }
}

/// Without the mapper, the caller can write one line with their own ID. Anything else that the mapper writes
/// is granted.
#[test]
fn a_target_that_its_owner_maps_meanwhile_has_that_map_or_the_one_that_was_asked_for() {
    for host in hosts() {
        let map = |_: &User, target: &Target, _: &Traced| {
            let mut shell = host.user("alice").shell(&format!("echo 0 1000 1 >{}", target.path("uid_map")));
            host.output(&mut shell);
        };
        let own = |gid_map| Maps::new("0 1000 1", gid_map, "allow");
        at_each(&host, map, |boundary, status, maps| match status {
            0 => assert_eq!(*maps, granted_maps(), "boundary {boundary}"),
            _ => assert!(
                *maps == own("") || *maps == own("0 100000 65536"),
                "boundary {boundary}: status {status}: {maps:?}"
            ),
        });
    }
}

/// A grant is decided once: content that was already read counts, and content not yet read comes from the new
/// file.
#[test]
fn a_grant_that_is_taken_away_meanwhile_is_written_whole_or_refused() {
    for host in hosts() {
        let grants = fs::read("/etc/subuid").expect("reading /etc/subuid");
        let both = ["/etc/subuid", "/etc/subgid"];
        let alice = host.user("alice");
        let mut seen = [false; 2];
        at_every_boundary(|boundary| {
            both.iter().for_each(|path| host.write(path, &grants));
            let target = Target::new(&alice);
            let Some(mapper) = Traced::start_at(&alice, &mut alice.maps(&target, GRANTED), boundary) else {
                return false;
            };
            both.iter().for_each(|path| host.write(path, ""));
            let (status, maps) = (mapper.end(), target.maps());
            assert!([0, 1].contains(&status), "boundary {boundary}: status {status}");
            assert_eq!(
                maps,
                if status == 0 { granted_maps() } else { Maps::untouched() },
                "boundary {boundary}"
            );
            seen[usize::from(status == 0)] = true;
            true
        });
        assert_eq!(seen, [true; 2], "too early and too late");
    }
}

/// The caller can access neither its memory nor its descriptors, one of which is a map file opened with a
/// capability in force: it is not dumpable, and has capabilities that the caller lacks (ptrace(2)).
#[test]
fn its_caller_can_look_into_it_at_no_system_call() {
    for host in hosts() {
        let look = |alice: &User, _: &Target, mapper: &Traced| {
            let look = "ls /proc/$0/fd/ || : <>/proc/$0/mem || cat /proc/$0/maps || readlink /proc/$0/exe";
            let seen = host.output(alice.shell(look).arg(mapper.pid().to_string()));
            assert!(seen.code() != 0 && seen.stdout.is_empty(), "{seen:?}");
        };
        at_each(&host, look, |_, _, _| {});
    }
}
