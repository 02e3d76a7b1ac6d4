//! Programs that are missing, fail, lie or are killed, and options that they must not get.

use crate::network::outside::{BOTH, NO_DEVICE, Outside, free_port};
use crate::running::{GONE_WITHIN, PATIENCE, Running, assert_all_gone, soon, unique_word};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;
use subroot_tests::children;
use subroot_tests::sandbox::{Sandbox, assert_refused, listing, script};
use subroot_tests::skip;

/// The processes of this program that connect the network of a sandbox of this launcher.
fn programs(launcher: Pid, name: &str) -> Vec<Pid> {
    let is_it = |pid: &Pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).next().is_some_and(|path| path.ends_with(name.as_bytes()))
    };
    children(launcher).into_iter().filter(is_it).collect()
}

fn is_gone(pid: Pid) -> bool {
    !fs::exists(format!("/proc/{pid}")).expect("/proc")
}

#[test]
fn nothing_outlives_a_killed_launcher() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    for program in BOTH {
        let word = unique_word();
        let command = ["sh", "-c", "echo ready; sleep $0", &word];
        let running = Running::new(&mut outside.sandbox.run(&["--network", program], &command));
        let started = programs(running.pid(), program);
        assert_eq!(started.len(), 1, "{program}");
        running.signal(9);
        assert_all_gone(&word);
        assert!(soon(GONE_WITHIN, || is_gone(started[0])), "{program}");
        running.end();
    }
}

#[test]
fn what_a_killed_launcher_left_of_slirp4netns_is_removed() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    let sandbox = &outside.sandbox;
    let runtime = sandbox.alice.home.join("runtime");
    let dir = |name: &str| runtime.join(name);
    for name in ["", "subroot-network-killed", "subroot-network-locked", "subroot-network-other"] {
        sandbox.host.make_dir(dir(name), &sandbox.alice);
    }
    for name in ["subroot-network-killed/api", "subroot-network-other/else"] {
        fs::write(dir(name), "").expect("a file");
    }
    symlink(dir("subroot-network-other"), dir("subroot-network-link")).expect("a symlink");
    let locked = File::open(dir("subroot-network-locked")).expect("a directory");
    locked.lock().expect("a lock");
    let port = free_port();
    let publish = format!("127.0.0.1:{port}:80");
    let mut command = sandbox.shell(&["--network", "slirp4netns", "-p", &publish], "true");
    sandbox.host.output(command.env("XDG_RUNTIME_DIR", &runtime)).ok();
    let left = listing(&runtime).into_keys().collect::<Vec<_>>().join(" ");
    assert!(!left.contains("killed"), "{left}");
    for kept in ["subroot-network-locked", "subroot-network-other/else", "subroot-network-link"] {
        assert!(left.contains(kept), "{left}");
    }
    let count = fs::read_dir(&runtime).expect("a directory").flatten();
    let count = count.filter(|entry| entry.file_name().to_string_lossy().starts_with("subroot-network-"));
    assert_eq!(count.count(), 3, "{left}");
}

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
        assert!(soon(PATIENCE, || is_gone(started[0])), "{program}");
        outside.sandbox.add("go", "", 0o644);
        let outcome = running.end();
        let warning = outcome.stderr.matches("the sandbox has no network any more").count();
        assert_eq!((outcome.stdout.as_str(), warning), ("lo\n", 1), "{program}: {outcome:?}");
    }
}

#[test]
fn a_closed_tun_device_is_named() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    outside.make_tun_mode(0o600);
    for program in BOTH {
        let sandbox = &outside.sandbox;
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&["--network", program]));
        assert_refused(&outcome, 125, &[program, "you may not open /dev/net/tun"]);
        assert!(outcome.stderr.ends_with("fix: as root: chmod 666 /dev/net/tun\n"), "{outcome:?}");
        assert!(!sandbox.has_mark());
    }
}

/// `subroot run OPTIONS` with this program first in PATH.
fn with_program(sandbox: &Sandbox, name: &str, text: &str) -> Command {
    let program = script(&sandbox.alice, name, text);
    let dir = program.rsplit_once('/').expect("a directory").0;
    let mut command = sandbox.leaving_a_mark(&["--network", name]);
    command.env("PATH", format!("{dir}:/usr/local/bin:/usr/bin:/bin"));
    command
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

#[test]
fn many_sandboxes_have_networks_at_once() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    let words: Vec<String> = (0..20).map(|_| unique_word()).collect();
    let started: Vec<Running> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let command = ["sh", "-c", "echo ready; sleep $0", word];
            Running::new(&mut outside.sandbox.run(&["--network", BOTH[at % 2]], &command))
        })
        .collect();
    let programs: Vec<Pid> =
        started.iter().enumerate().flat_map(|(at, one)| programs(one.pid(), BOTH[at % 2])).collect();
    assert_eq!(programs.len(), 20);
    started.iter().for_each(|running| running.signal(9));
    words.iter().for_each(|word| assert_all_gone(word));
    assert!(soon(GONE_WITHIN, || programs.iter().all(|pid| is_gone(*pid))));
    started.into_iter().for_each(|running| drop(running.end()));
}
