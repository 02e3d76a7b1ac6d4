//! Programs that are missing, fail, lie or are killed, and options that they must not get.

use crate::network::outside::{BOTH, NO_DEVICE, Outside, programs, with_program};
use crate::running::{PATIENCE, Running, soon, unique_word};
use nix::sys::signal::{Signal, kill};
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{skip, status_line};

#[test]
fn a_killed_program_is_reported_once_and_the_command_continues() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    for program in BOTH {
        let word = unique_word();
        let wait = "echo ready; : $0; until [ -e /go ]; do sleep 0.02; done; rm /go; ls /sys/class/net";
        let command = ["sh", "-c", wait, &word];
        let running = Running::new(&mut outside.sandbox.run(&["--network", program], &command));
        let started = programs(running.pid(), program);
        kill(started[0], Signal::SIGKILL).expect("a running program");
        // The launcher reaps it, and then reports it before it looks at anything else.
        assert!(soon(PATIENCE, || status_line(started[0], "State").is_none()), "{program}");
        outside.sandbox.add("go", "", 0o644);
        let outcome = running.end();
        let warning = outcome.stderr.matches("the sandbox has no network any more").count();
        assert_eq!((outcome.stdout.as_str(), warning), ("lo\n", 1), "{program}: {outcome:?}");
    }
}

#[test]
fn a_closed_tun_device_is_named() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    outside.network.make_tun_mode(0o600);
    for program in BOTH {
        let sandbox = &outside.sandbox;
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&["--network", program]));
        assert_refused(&outcome, 125, &[program, "you may not open /dev/net/tun"]);
        assert!(outcome.stderr.ends_with("fix: as root: chmod 666 /dev/net/tun\n"), "{outcome:?}");
        assert!(!sandbox.has_mark());
    }
}

#[test]
fn programs_that_fail_or_lie_refuse_the_launch() {
    let sandbox = Sandbox::new();
    for name in BOTH {
        for (text, why) in [
            ("echo cannot do it >&2; exit 3", "cannot do it"),
            ("exit 3", "it ended with exit status 3"),
            ("exec 1>&-; sleep 60", "it closed its standard output, and did not end"),
            ("echo garbage; exec sleep 60", "it reported that it is ready, but made no interface"),
            ("kill -9 $$", "it ended with signal 9"),
        ] {
            let outcome = sandbox.host.output(&mut with_program(&sandbox, name, text));
            assert_refused(&outcome, 125, &["connecting the sandbox's network with", name, why]);
            assert!(!sandbox.has_mark());
        }
    }
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let sandbox = Sandbox::new();
    for (name, package) in [("pasta", "passt"), ("slirp4netns", "slirp4netns"), ("private", "passt")] {
        let mut command = sandbox.leaving_a_mark(&["--network", name]);
        command.env("PATH", "/usr/local/bin");
        let outcome = sandbox.host.output(&mut command);
        assert_refused(&outcome, 125, &["is not installed"]);
        let fix = format!("fix: as root: apt-get install {package}\n");
        assert!(outcome.stderr.ends_with(&fix), "{outcome:?}");
        assert!(!sandbox.has_mark());
    }
}

#[test]
fn options_that_reach_the_host_are_refused() {
    let sandbox = Sandbox::new();
    for value in [
        "pasta:--config-net,-x",
        "pasta:--pid,/tmp/pid",
        "pasta:--log-file,/tmp/log",
        "pasta:--pcap,/tmp/pcap",
        "pasta:-T,auto",
        "pasta:--map-gw",
        "pasta:--mtu,1500\n-T",
        "pasta:,",
        "pasta:",
        "slirp4netns:allow_host_loopback=true",
        "slirp4netns:api-socket=/tmp/x",
        "slirp4netns:mtu=1500 -x",
    ] {
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&["--network", value]));
        assert_refused(&outcome, 125, &["reading --network:"]);
    }
    assert!(!sandbox.has_mark());
}
