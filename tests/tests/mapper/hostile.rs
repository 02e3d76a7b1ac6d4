//! A hostile start is harmless: whatever the caller changes in their own process first, nothing more is
//! granted (property P7).

use crate::{GRANTED, granted_maps, hosts};
use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use subroot_tests::{Host, MAPPER, Maps, Started, Step, Target, start_with};

const REFUSED: &str = "--uid-map 0:100000:65536 --gid-map 0:7:1 --setgroups deny";

/// Runs alice's mapper with a changed command, on every host, for a request that is granted and one that is
/// not.
fn granted_and_refused(spoil: impl Fn(&mut Command, &Target)) -> Vec<[(i32, Maps); 2]> {
    hosts().map(|host| on_host(&host, &spoil)).collect()
}

fn on_host(host: &Host, spoil: impl Fn(&mut Command, &Target)) -> [(i32, Maps); 2] {
    let alice = host.user("alice");
    [GRANTED, REFUSED].map(|words| {
        let target = Target::new(&alice);
        let mut command = alice.maps(&target, words);
        spoil(&mut command, &target);
        (host.output(&mut command).code(), target.maps())
    })
}

fn as_usual() -> Vec<[(i32, Maps); 2]> {
    hosts().map(|_| [(0, granted_maps()), (1, Maps::untouched())]).collect()
}

#[test]
fn closed_standard_descriptors_change_nothing() {
    for numbers in [vec![0], vec![1], vec![2], vec![0, 1], vec![1, 2], vec![0, 1, 2]] {
        let outcome = granted_and_refused(|command, _| {
            start_with(command, numbers.iter().copied().map(Step::Close).collect());
        });
        assert_eq!(outcome, as_usual(), "{numbers:?} closed");
    }
}

#[test]
fn a_map_file_as_standard_error_stays_empty() {
    let outcome = granted_and_refused(|command, target| {
        let open = |name| OpenOptions::new().write(true).open(target.path(name)).expect("opening a map");
        command.stderr(open("uid_map")).stdout(open("gid_map"));
        start_with(command, vec![Step::Pass(OwnedFd::from(open("gid_map")), 2)]);
    });
    for [_, refused] in outcome {
        assert_eq!(refused, (1, Maps::untouched()));
    }
}

#[test]
fn blocked_and_ignored_signals_change_nothing() {
    let outcome = granted_and_refused(|command, _| {
        start_with(command, vec![Step::BlockAllSignals, Step::IgnoreAllSignals]);
    });
    assert_eq!(outcome, as_usual());
}

#[test]
fn the_environment_is_not_read() {
    let outcome = granted_and_refused(|command, _| {
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "LOCPATH", "NLSPATH", "PATH"]
        {
            command.env(name, "/home/alice");
        }
        command.env("GLIBC_TUNABLES", "glibc.malloc.mxfast=glibc.malloc.mxfast=A");
        command.env("MALLOC_CHECK_", "3").env("MALLOC_PERTURB_", "7").env("RUST_BACKTRACE", "full");
        command.env("LANG", "x".repeat(100_000)).env("TZ", "\u{1b}");
    });
    assert_eq!(outcome, as_usual());
}

#[test]
fn a_working_directory_that_is_gone_changes_nothing() {
    for host in hosts() {
        let alice = host.user("alice");
        let target = Target::new(&alice);
        let line =
            format!("mkdir gone && cd gone && rmdir ../gone && exec {} {} {GRANTED}", MAPPER, target.pid());
        host.output(&mut alice.shell(&line)).ok();
        assert_eq!(target.maps(), granted_maps());
    }
}

#[test]
fn megabytes_of_arguments_are_refused_in_one_line() {
    for host in hosts() {
        let alice = host.user("alice");
        let ranges: Vec<String> = (0..5_000).map(|n| format!("{n}:{}:1", 100_000 + n)).collect();
        let (outcome, maps) = crate::attempt(&host, &alice, &format!("--uid-map {}", ranges.join(",")));
        assert_eq!((outcome.code(), maps), (2, Maps::untouched()), "{outcome:?}");
        let start = "newidmap-helper: reading the uid map: more than 4096 ranges: 0:100000:1,";
        assert!(outcome.stderr.starts_with(start) && outcome.stderr.lines().count() == 1, "{outcome:?}");
        let outcome = host.output(alice.mapper().args(vec!["x".repeat(120_000); 14]));
        assert_eq!((outcome.code(), outcome.stderr.lines().count()), (2, 1), "{outcome:?}");
    }
}

#[test]
fn standard_error_that_takes_nothing_does_not_change_the_status() {
    for host in hosts() {
        let full = || File::options().write(true).open("/dev/full").expect("/dev/full");
        let alice = host.user("alice");
        for words in [GRANTED, REFUSED] {
            let target = Target::new(&alice);
            let mut command = alice.maps(&target, words);
            command.stdout(full()).stderr(full());
            let outcome =
                Started::with_own_descriptors(&mut command).child().wait().expect("waiting for the mapper");
            let expected = if words == GRANTED { (0, granted_maps()) } else { (1, Maps::untouched()) };
            assert_eq!((outcome.code(), target.maps()), (Some(expected.0), expected.1), "{words}");
        }
        let help =
            Started::with_own_descriptors(alice.mapper().arg("--help").stdout(full()).stderr(Stdio::null()))
                .child()
                .wait();
        assert_eq!(help.expect("waiting for the mapper").code(), Some(6));
    }
}

#[test]
fn a_reader_of_standard_error_that_is_gone_leaves_the_maps_untouched() {
    for host in hosts() {
        let alice = host.user("alice");
        let target = Target::new(&alice);
        let mut mapper = alice.maps(&target, REFUSED);
        mapper.stderr(closed_pipe());
        let status =
            Started::with_own_descriptors(&mut mapper).child().wait().expect("waiting for the mapper");
        assert!(!status.success());
        assert_eq!(target.maps(), Maps::untouched());
        let mut mapper = alice.maps(&target, GRANTED);
        mapper.stderr(closed_pipe()).stdout(closed_pipe());
        assert!(
            Started::with_own_descriptors(&mut mapper)
                .child()
                .wait()
                .expect("waiting for the mapper")
                .success()
        );
        assert_eq!(target.maps(), granted_maps());
    }
}

fn closed_pipe() -> Stdio {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC).expect("a pipe");
    drop(reader);
    Stdio::from(writer)
}
