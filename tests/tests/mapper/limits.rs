//! Whatever limits the caller sets: either the maps are written and the status is 0, or neither.

use crate::{GRANTED, granted_maps, hosts};
use nix::sys::resource::Resource;
use subroot_tests::{Host, MAPPER, Maps, Outcome, Step, Target, start_with};

fn under(host: &Host, resource: Resource, limit: u64) -> (Outcome, Maps) {
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mut command = alice.maps(&target, GRANTED);
    (host.output(start_with(&mut command, vec![Step::Limit(resource, limit)])), target.maps())
}

#[track_caller]
fn assert_whole_or_nothing(resource: Resource, limit: u64, outcome: &(Outcome, Maps)) {
    let expected = if outcome.0.code() == 0 { granted_maps() } else { Maps::untouched() };
    assert_eq!(outcome.1, expected, "{resource:?} of {limit}: {:?}", outcome.0);
}

#[test]
fn with_any_number_of_descriptors_the_maps_are_whole_or_untouched() {
    for host in hosts() {
        // With fewer than 3, the harness could not report whether the start succeeded.
        let outcomes: Vec<i32> = (3..=16)
            .map(|limit| {
                let outcome = under(&host, Resource::RLIMIT_NOFILE, limit);
                assert_whole_or_nothing(Resource::RLIMIT_NOFILE, limit, &outcome);
                let (mapper, _) = outcome;
                assert!(
                    mapper.code() <= 6 && (mapper.code() == 0 || mapper.stderr.lines().count() == 1),
                    "{mapper:?}"
                );
                mapper.code()
            })
            .collect();
        assert_ne!(outcomes[0], 0, "three descriptors are the standard ones");
        assert_eq!(outcomes[13], 0, "sixteen descriptors are enough");
    }
}

#[test]
fn too_few_descriptors_are_named() {
    for host in hosts() {
        for limit in 3..=16 {
            let (outcome, _) = under(&host, Resource::RLIMIT_NOFILE, limit);
            let named = outcome.stderr.ends_with(": Too many open files\n");
            assert!(outcome.code() == 0 || named, "{limit} descriptors: {outcome:?}");
        }
    }
}

#[test]
fn a_tiny_stack_is_enough() {
    for host in hosts() {
        // One page is sometimes too little for the kernel's execve(2).
        assert_whole_or_nothing(Resource::RLIMIT_STACK, 4096, &under(&host, Resource::RLIMIT_STACK, 4096));
        for limit in [16_384, 65_536] {
            let (outcome, maps) = under(&host, Resource::RLIMIT_STACK, limit);
            assert_eq!((outcome.code(), maps), (0, granted_maps()), "a stack of {limit}: {outcome:?}");
        }
    }
}

#[test]
fn no_limit_leaves_half_a_map() {
    for host in hosts() {
        for resource in [
            Resource::RLIMIT_AS,
            Resource::RLIMIT_CORE,
            Resource::RLIMIT_CPU,
            Resource::RLIMIT_DATA,
            Resource::RLIMIT_FSIZE,
            Resource::RLIMIT_LOCKS,
            Resource::RLIMIT_MEMLOCK,
            Resource::RLIMIT_NPROC,
            Resource::RLIMIT_SIGPENDING,
        ] {
            // A million bytes is close to what the mapper needs: sometimes less, sometimes more.
            for limit in [0, 4096, 1_000_000] {
                assert_whole_or_nothing(resource, limit, &under_from_shell(&host, resource, limit));
            }
        }
    }
}

/// Sets the limit in an earlier program, because the harness's own child might fail before it reaches the
/// mapper.
fn under_from_shell(host: &Host, resource: Resource, limit: u64) -> (Outcome, Maps) {
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let name = format!("{resource:?}").trim_start_matches("RLIMIT_").to_lowercase();
    let mapper = format!("{} {} {GRANTED}", MAPPER, target.pid());
    let mut prlimit = alice.command("prlimit");
    prlimit.arg(format!("--{name}={limit}:{limit}")).args(mapper.split(' '));
    (host.output(&mut prlimit), target.maps())
}
