//! A caller who limits and stops the mapper and the asking process at random instants gets the right answer
//! or none (P1, P7).

use crate::nss::accounts::directory;
use crate::nss::disturbed::{ACCOUNT, OF_ACCOUNT, OF_ALICE};
use crate::nss::{ALL, ASKED, GRANTING, granted_maps, host_with, set_plugin};
use std::time::Duration;
use subroot_tests::traced::{Traced, at_every_boundary};
use subroot_tests::{Host, Install, MAPPER, Maps, Started, Target, User};

/// Runs as the caller while the mapper exists: sets its limits and its children's to zero and back in turn,
/// and stops and continues them.
const RACER: &str = "
    #define _GNU_SOURCE
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/resource.h>
    #include <unistd.h>
    static void disturb(pid_t pid, unsigned round) {
        struct rlimit old, none = { 0, 0 };
        int resource = round % RLIM_NLIMITS;
        if (prlimit(pid, resource, NULL, &old)) return;
        none.rlim_max = old.rlim_max;
        if (prlimit(pid, resource, &none, NULL)) return;
        if (round % 3) usleep(round % 50);
        if (round % 7 == 0) { kill(pid, SIGSTOP); usleep(round % 100); kill(pid, SIGCONT); }
        prlimit(pid, resource, &old, NULL);
    }
    int main(int count, char **words) {
        char path[64]; pid_t mapper = atoi(words[1]), child;
        snprintf(path, sizeof path, \"/proc/%d/task/%d/children\", mapper, mapper);
        for (unsigned round = atoi(words[2]); ; round++) {
            FILE *children = fopen(path, \"r\");
            if (!children) return 0;
            while (fscanf(children, \"%d\", &child) == 1) disturb(child, round);
            fclose(children);
            disturb(mapper, round);
        }
    }";

/// Runs the mapper many times while its caller races it. An allowed map is whole or untouched, and the status
/// is 0 if it is whole.
fn race(host: &Host, user: &User, words: &str, whole: Option<&Maps>) {
    host.make_program("/tmp/racer", RACER);
    for round in 0..150 {
        let target = Target::new(user);
        let mut mapper = Started::new(&mut user.maps(&target, words));
        let mut racer = user.command("/tmp/racer");
        let racer =
            Started::new(racer.args([mapper.pid().as_raw(), round * 31].map(|word| word.to_string())));
        // The racer ends after the mapper has ended and has been reaped.
        let ended = mapper.child().wait().expect("waiting for the mapper");
        racer.end_within(Duration::from_secs(20)).ok();
        let expected = whole.filter(|_| ended.success()).cloned().unwrap_or_else(Maps::untouched);
        assert_eq!(target.maps(), expected, "round {round}: {ended:?}");
        assert!(whole.is_some() || !ended.success(), "round {round}");
    }
}

#[test]
fn a_caller_who_races_it_has_no_lines_of_a_local_account() {
    for install in ALL {
        let host = directory(install, "alice", "");
        race(&host, &host.uid(200_007), OF_ALICE, None);
    }
}

#[test]
fn a_caller_who_races_a_plugin_gets_what_it_grants_or_nothing() {
    for (body, whole) in [(GRANTING, Some(granted_maps())), ("*result = false; return 0;", None)] {
        let host = host_with(Install::SetuidRoot);
        set_plugin(&host, body);
        race(&host, &host.user("alice"), ASKED, whole.as_ref());
    }
}

/// The limits were set by the caller before the start.
#[test]
fn limits_set_before_the_start_give_no_lines_of_a_local_account() {
    let host = directory(Install::SetuidRoot, "alice", "");
    let user = host.uid(200_007);
    let descriptors = (3..16).map(|count| ("nofile", count));
    let memory = (1..40).map(|count| ("as", count << 18));
    let others = ["cpu", "data", "fsize", "memlock", "nproc", "sigpending", "stack"].map(|name| (name, 0));
    for (name, limit) in descriptors.chain(memory).chain(others) {
        let target = Target::new(&user);
        let mut prlimit = user.command("prlimit");
        prlimit.args([format!("--{name}={limit}"), MAPPER.to_owned(), target.pid().to_string()]);
        let outcome = host.output(prlimit.args(OF_ALICE.split(' ')));
        assert_ne!(outcome.code(), 0, "{name} of {limit}: {outcome:?}");
        assert_eq!(target.maps(), Maps::untouched(), "{name} of {limit}: {outcome:?}");
    }
}

/// At each system call of the static program and of the variant that replaces it. The asking process inherits
/// the limit.
#[test]
fn descriptors_taken_away_at_any_system_call_give_the_right_answer_or_none() {
    for (name, words, whole) in [
        ("alice", OF_ALICE, Maps::untouched()),
        ("user%u", OF_ACCOUNT, Maps::new("0 400000 10", "0 400000 10", "allow")),
    ] {
        let host = directory(Install::SetuidRoot, name, "");
        for file in ["/etc/subuid", "/etc/subgid"] {
            host.write(file, format!("{ACCOUNT}alice:100000:65536\n"));
        }
        let user = host.uid(200_007);
        at_every_boundary(|boundary| {
            let target = Target::new(&user);
            let Some(mapper) = Traced::start_at(&user, &mut user.maps(&target, words), boundary) else {
                return false;
            };
            let mut prlimit = user.command("prlimit");
            host.output(prlimit.args([format!("--pid={}", mapper.pid()), "--nofile=0:0".to_owned()]));
            let (status, maps) = (mapper.end(), target.maps());
            let expected = if status == 0 { whole.clone() } else { Maps::untouched() };
            assert_eq!(maps, expected, "{name} at {boundary}: status {status}");
            assert!(status != 0 || name != "alice", "{name} at {boundary}");
            true
        });
    }
}
