//! Processes that die, are killed, are stopped or compete while a map is written (properties P2, P3, P10).

use crate::{GRANTED, granted_maps};
use nix::sys::signal::{Signal, kill};
use std::time::{Duration, Instant};
use subroot_tests::{Host, Maps, Outcome, Started, Step, Target, User};

const ROUNDS: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(20);

/// Another process in a target's namespace, which shows the maps after the target has ended.
fn witness(user: &User, target: &Target) -> Target {
    Target::after(user, vec![Step::Enter(target.namespace())])
}

/// Waits for an instant of the mapper's run, or a little after its end; a later one in each round.
fn wait_for_instant(round: u32) {
    let until = Instant::now() + Duration::from_micros(4) * round;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn a_target_that_dies_meanwhile_is_mapped_whole_or_not_at_all() {
    let host = Host::new();
    let alice = host.user("alice");
    let mut seen = [0, 0];
    for round in 0..ROUNDS {
        let mut target = Target::new(&alice);
        let witness = witness(&alice, &target);
        let mapper = Started::new(&mut alice.maps(&target, GRANTED));
        wait_for_instant(round);
        target.kill();
        let outcome = mapper.end_within(PATIENCE);
        let expected = if outcome.code() == 0 { granted_maps() } else { Maps::untouched() };
        assert_eq!(witness.maps(), expected, "round {round}: {outcome:?}");
        assert!([0, 3].contains(&outcome.code()), "round {round}: {outcome:?}");
        seen[usize::from(outcome.code() == 0)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "both ends should have been seen: {seen:?}");
}

#[test]
fn a_mapper_that_is_killed_has_written_in_order() {
    let host = Host::new();
    let carol = host.user("carol");
    for round in 0..ROUNDS {
        let target = Target::new(&carol);
        let mapper = Started::new(&mut carol.maps(&target, "--uid-map 0:1002:1 --gid-map 0:1002:1"));
        wait_for_instant(round);
        // The mapper has the caller's IDs except in its first instants; root can always kill it.
        kill(mapper.pid(), Signal::SIGKILL).expect("killing the mapper");
        let outcome = mapper.end_within(PATIENCE);
        let maps = target.maps();
        let in_order = maps.gid_map.is_empty() <= maps.uid_map.is_empty()
            && (maps.gid_map.is_empty() || maps.setgroups == "deny");
        assert!(in_order, "round {round}: {maps:?}, {outcome:?}");
        assert!(
            outcome.code() != 0 || maps == Maps::new("0 1002 1", "0 1002 1", "deny"),
            "round {round}: {maps:?}"
        );
    }
}

#[test]
fn of_two_mappers_for_one_target_one_wins_and_its_maps_are_whole() {
    let host = Host::new();
    let alice = host.user("alice");
    for round in 0..ROUNDS / 2 {
        let target = Target::new(&alice);
        let words = |first: u32| format!("--uid-map 0:{first}:9 --gid-map 0:{first}:9");
        let firsts = [100_000, 120_000];
        let started = firsts.map(|first| Started::new(&mut alice.maps(&target, &words(first))));
        let ends: Vec<Outcome> = started.into_iter().map(|mapper| mapper.end_within(PATIENCE)).collect();
        let winners: Vec<u32> = firsts
            .into_iter()
            .zip(&ends)
            .filter(|(_, end)| end.code() == 0)
            .map(|(first, _)| first)
            .collect();
        let [winner] = winners[..] else { panic!("round {round}: not one winner: {ends:?}") };
        let map = format!("0 {winner} 9");
        assert_eq!(target.maps(), Maps::new(&map, &map, "allow"), "round {round}");
    }
}

#[test]
fn forty_at_once_do_not_get_in_each_others_way() {
    let host = Host::new();
    let users = [host.user("alice"), host.user("carol")];
    let targets: Vec<(&User, Target)> =
        (0..40).map(|n| &users[n % 2]).map(|user| (user, Target::new(user))).collect();
    let own = |user: &User| format!("--uid-map 0:{}:1 --gid-map 0:{}:1", user.uid, user.gid);
    let started: Vec<Started> =
        targets.iter().map(|(user, target)| Started::new(&mut user.maps(target, &own(user)))).collect();
    for (mapper, (user, target)) in started.into_iter().zip(&targets) {
        mapper.end_within(PATIENCE).ok();
        let map = format!("0 {} 1", user.uid);
        assert_eq!(target.maps(), Maps::new(&map, &map, "deny"));
    }
}

#[test]
fn stopped_mappers_delay_nobody() {
    let host = Host::new();
    let (alice, bob) = (host.user("alice"), host.user("bob"));
    let targets: Vec<Target> = (0..40).map(|_| Target::new(&alice)).collect();
    let stopped: Vec<Started> = (0..40_u32)
        .zip(&targets)
        .map(|(round, target)| {
            let mapper = Started::new(&mut alice.maps(target, GRANTED));
            wait_for_instant(round * 4);
            kill(mapper.pid(), Signal::SIGSTOP).expect("stopping the mapper");
            mapper
        })
        .collect();
    let target = Target::new(&bob);
    let served = host.output_within(Duration::from_secs(5), &mut bob.maps(&target, "--uid-map 0:165536:9"));
    for mut mapper in stopped {
        mapper.child().kill().expect("ending a stopped mapper");
        mapper.child().wait().expect("ending a stopped mapper");
    }
    assert_eq!((served.code(), target.maps()), (0, Maps::new("0 165536 9", "", "allow")));
}
