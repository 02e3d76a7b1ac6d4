//! A launcher that is killed: the program that connects its sandbox ends with it.

use crate::network::outside::{BOTH, NO_DEVICE, Outside, free_port, has_ended, programs, with_program};
use crate::running::{GONE_WITHIN, PATIENCE, Running, assert_all_gone, instant, send, soon, unique_word};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::thread::sleep;
use std::time::Instant;
use subroot_tests::sandbox::{Sandbox, listing};
use subroot_tests::{Started, processes_with_word, skip};

/// How many launches of each program are killed at different instants.
const LAUNCHES: u32 = 12;

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
        assert!(soon(GONE_WITHIN, || has_ended(started[0])), "{program}");
        running.end();
    }
}

#[test]
fn nothing_outlives_a_launcher_that_is_killed_while_the_program_starts() {
    let sandbox = Sandbox::new();
    for name in BOTH {
        let word = unique_word();
        let mut command = with_program(&sandbox, name, &format!("exec sleep {word}"));
        let launcher = Started::new(&mut command);
        assert!(soon(PATIENCE, || !processes_with_word(&word).is_empty()), "{name} was not started");
        send(launcher.pid(), 9);
        assert_eq!(launcher.end_within(PATIENCE).code(), 137);
        assert_all_gone(&word);
        assert!(!sandbox.has_mark());
    }
}

#[test]
fn nothing_outlives_a_launcher_that_is_killed_at_any_instant() {
    let Some(outside) = Outside::new() else { skip!("{NO_DEVICE}") };
    for program in BOTH {
        let options = ["--network", program];
        let start = Instant::now();
        outside.sandbox.output(&options, "true").ok();
        let length = start.elapsed();
        for launch in 0..LAUNCHES {
            let word = unique_word();
            let started = Started::new(&mut outside.sandbox.run(&options, &["sleep", &word]));
            sleep(instant(length, launch, LAUNCHES));
            send(started.pid(), 9);
            assert_eq!(started.end_within(PATIENCE).code(), 137);
            assert_all_gone(&word);
            let is_empty = soon(GONE_WITHIN, || outside.network.processes().is_empty());
            assert!(is_empty, "{program}: {:?}", outside.network.processes());
        }
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
    assert!(soon(GONE_WITHIN, || programs.iter().all(|pid| has_ended(*pid))));
    started.into_iter().for_each(|running| drop(running.end()));
}
