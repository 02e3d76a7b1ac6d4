//! Timers, limits and other attributes inherited from the caller: the maps are whole with status 0, or in
//! order without it (P3, P7).

use crate::{GRANTED, granted_maps, hosts};
use nix::libc;
use subroot_tests::{Host, MAPPER, Maps, Outcome, Step, Target, start_with};

/// This also writes setgroups, so all three files are written.
const OWN: &str = "--uid-map 0:1000:1 --gid-map 0:1000:1";

/// Runs alice's mapper from a command prefix that ends by executing it.
fn behind(host: &Host, words: &str) -> (Outcome, Maps) {
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let outcome = host.output(&mut alice.shell(&format!("{words} {MAPPER} {} {GRANTED}", target.pid())));
    (outcome, target.maps())
}

#[test]
fn habits_that_are_handed_on_change_nothing() {
    for host in hosts() {
        for words in [
            "umask 777; exec",
            "umask 0; exec",
            "cd /proc/self/fd; exec",
            "exec nice -n 19",
            "exec setsid",
            "exec setsid --fork --wait",
            "ulimit -f 0; exec",
            "ulimit -c unlimited; exec",
            "exec env -i -",
            "trap '' TERM INT HUP PIPE; exec",
            "exec 0<&- 1>&- 2>&-; exec",
            "exec choom -n 1000 --",
        ] {
            let (outcome, maps) = behind(&host, words);
            assert_eq!((outcome.code(), maps), (0, granted_maps()), "{words}: {outcome:?}");
        }
    }
}

#[test]
fn with_hardly_a_descriptor_the_maps_are_untouched() {
    for host in hosts() {
        for limit in 0..3 {
            let (outcome, maps) = behind(&host, &format!("exec prlimit --nofile={limit}:{limit}"));
            assert_ne!(outcome.code(), 0, "{limit}: {outcome:?}");
            assert_eq!(maps, Maps::untouched(), "{limit}: {outcome:?}");
        }
    }
}

/// A timer stays active across execve(2), and its signal kills a process that does not handle it.
#[test]
fn a_timer_that_ends_it_anywhere_leaves_the_maps_in_order() {
    for host in hosts() {
        let alice = host.user("alice");
        let whole = Maps::new("0 1000 1", "0 1000 1", "deny");
        for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
            for micros in (0..60).map(|step| 1 + step * 25) {
                let target = Target::new(&alice);
                let mut command = alice.maps(&target, OWN);
                let outcome = host.output(start_with(&mut command, vec![Step::Timer(timer, micros)]));
                let maps = target.maps();
                let in_order = maps.uid_map.len() <= maps.gid_map.len()
                    && (maps.gid_map.is_empty() || maps.setgroups == "deny");
                assert!(in_order, "timer {timer} of {micros}: {maps:?}, {outcome:?}");
                assert!(
                    outcome.code() != 0 || maps == whole,
                    "timer {timer} of {micros}: {maps:?}, {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn a_timer_whose_signal_is_ignored_changes_nothing() {
    for host in hosts() {
        let alice = host.user("alice");
        for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
            let target = Target::new(&alice);
            let steps = vec![Step::IgnoreAllSignals, Step::Timer(timer, 20)];
            let outcome = host.output(start_with(&mut alice.maps(&target, GRANTED), steps));
            assert_eq!((outcome.code(), target.maps()), (0, granted_maps()), "timer {timer}: {outcome:?}");
        }
    }
}
