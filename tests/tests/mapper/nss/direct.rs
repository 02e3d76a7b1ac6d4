//! The variant, started directly by any user in any way, grants nothing more than usual.

use crate::nss::{ALL, ASKED, GRANTING, granted_maps, host_with, host_with_plugin, set_plugin};
use nix::sys::resource::Resource;
use std::ffi::CString;
use std::fs;
use std::process::Command;
use subroot_tests::{Host, Maps, Outcome, Step, Target, User, VARIANTS, start_with};

const LOCAL: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";

fn variant(user: &User, target: &Target, words: &str) -> Command {
    let mut command = user.command(format!("/usr/libexec/subroot/{}", VARIANTS[0]));
    command.arg(target.pid().to_string()).args(words.split_whitespace());
    command
}

/// Makes alice start it with a changed command, for a map that the plugin grants.
fn spoiled(host: &Host, spoil: impl Fn(&mut Command)) -> (Outcome, Maps) {
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mut command = variant(&alice, &target, ASKED);
    spoil(&mut command);
    (host.output(&mut command), target.maps())
}

#[track_caller]
fn assert_whole_or_nothing(outcome: &(Outcome, Maps)) {
    let expected = if outcome.0.code() == 0 { granted_maps() } else { Maps::untouched() };
    assert_eq!(outcome.1, expected, "{:?}", outcome.0);
}

#[test]
fn it_serves_as_the_static_program_does() {
    for install in ALL {
        let host = host_with(install);
        let alice = host.user("alice");
        let target = Target::new(&alice);
        host.output(&mut variant(&alice, &target, LOCAL)).ok();
        assert_eq!(target.maps(), Maps::new("0 100000 65536", "0 100000 65536", "allow"));
        let outcome = host.output(&mut variant(&alice, &Target::new(&alice), "--uid-map 0:7:1"));
        let line = "uid range [0-1) -> [7-8) not allowed: /etc/subuid grants you [100000-165536)";
        assert_eq!((outcome.code(), outcome.stderr), (1, format!("newidmap-helper: {line}\n")));
    }
}

#[test]
fn without_any_word_it_asks_for_a_target() {
    let host = host_with(ALL[0]);
    for name in VARIANTS {
        let path = CString::new(format!("/usr/libexec/subroot/{name}")).expect("a path");
        let mut command = host.user("alice").mapper();
        let outcome = host.output(start_with(&mut command, vec![Step::ExecuteWithoutArguments(path)]));
        assert!(outcome.stderr.contains(": no TARGET given"), "{outcome:?}");
        assert_eq!(outcome.code(), if name == VARIANTS[0] { 2 } else { 1 });
    }
}

#[test]
fn a_hostile_environment_changes_nothing() {
    for install in ALL {
        let host = host_with(install);
        set_plugin(&host, "*result = false; return 0;");
        host.make_dir("/tmp/own", &host.user("alice"));
        host.make_library("libsubid_own.so", &crate::nss::plugin("*result = true; return 0;"));
        fs::copy("/usr/local/lib/libsubid_own.so", "/tmp/own/libsubid_test.so")
            .expect("a library of alice's");
        let (outcome, maps) = spoiled(&host, |command| {
            for name in ["LD_PRELOAD", "LD_AUDIT"] {
                command.env(name, "/tmp/own/libsubid_test.so");
            }
            command.env("LD_LIBRARY_PATH", "/tmp/own").env("GCONV_PATH", "/tmp/own").env("LD_DEBUG", "all");
            command
                .env("GLIBC_TUNABLES", "glibc.malloc.mxfast=glibc.malloc.mxfast=A")
                .current_dir("/tmp/own");
            command
                .env("LANG", "x".repeat(100_000))
                .env("MALLOC_PERTURB_", "7")
                .env("RUST_BACKTRACE", "full");
        });
        assert_eq!(
            (outcome.code(), outcome.stderr.lines().count(), maps),
            (1, 1, Maps::untouched()),
            "{outcome:?}"
        );
    }
}

#[test]
fn closed_standard_descriptors_change_nothing() {
    let host = host_with_plugin(GRANTING);
    for numbers in [vec![0], vec![1], vec![2], vec![0, 1, 2]] {
        let close = || numbers.iter().copied().map(Step::Close).collect();
        let (outcome, maps) = spoiled(&host, |command| {
            start_with(command, close());
        });
        assert_eq!((outcome.code(), maps), (0, granted_maps()), "{numbers:?} closed: {outcome:?}");
    }
}

#[test]
fn blocked_and_ignored_signals_change_nothing() {
    // A plugin that starts programs cannot learn their exit status if the caller's ignored SIGCHLD is still
    // in force.
    let host = host_with_plugin("*result = system(\"exit 0\") == 0; return 0;");
    let (outcome, maps) = spoiled(&host, |command| {
        start_with(command, vec![Step::BlockAllSignals, Step::IgnoreAllSignals]);
    });
    assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
}

#[test]
fn without_a_process_for_it_nothing_is_asked() {
    let host = host_with_plugin(GRANTING);
    let (outcome, maps) = spoiled(&host, |command| {
        start_with(command, vec![Step::Limit(Resource::RLIMIT_NPROC, 1)]);
    });
    let line = "newidmap-helper: asking the plugin that /etc/nsswitch.conf names for subid: no process or pipe could be made for it\n";
    assert_eq!((outcome.code(), outcome.stderr.as_str(), maps), (4, line, Maps::untouched()), "{outcome:?}");
}

#[test]
fn whatever_the_limits_the_maps_are_whole_or_untouched() {
    let host = host_with_plugin(GRANTING);
    let limits = [
        (Resource::RLIMIT_NOFILE, vec![3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20]),
        (Resource::RLIMIT_AS, vec![1 << 20, 2 << 20, 3 << 20, 4 << 20, 6 << 20, 8 << 20]),
        (Resource::RLIMIT_STACK, vec![4096, 16_384, 65_536, 131_072]),
        (Resource::RLIMIT_DATA, vec![0, 65_536, 1 << 20]),
        (Resource::RLIMIT_FSIZE, vec![0]),
    ];
    for (resource, limits) in limits {
        for limit in limits {
            let outcome = spoiled(&host, |command| {
                start_with(command, vec![Step::Limit(resource, limit)]);
            });
            assert_whole_or_nothing(&outcome);
        }
    }
}
