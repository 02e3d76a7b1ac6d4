//! A launcher killed at any instant of its start leaves no process, no mount and nothing in the root.

use crate::running::{assert_all_gone, send, unique_word};
use crate::sandbox::{Sandbox, listing, mounts};
use std::thread::sleep;
use std::time::{Duration, Instant};
use subroot_tests::Started;

const LAUNCHES: u32 = 60;
const BOTH: [&str; 2] = ["--init", "--as-pid-1"];

#[test]
fn sixty_launches_killed_while_they_start_leave_nothing() {
    let sandbox = Sandbox::bare();
    let before = (names(&sandbox), mounts());
    let start = duration_of_a_start(&sandbox);
    for launch in 0..LAUNCHES {
        let word = unique_word();
        let options = [BOTH[(launch % 2) as usize]];
        let started = Started::new(&mut sandbox.run(&options, &["sleep", &word]));
        sleep(instant(start, launch));
        send(started.pid(), 9);
        assert_eq!(started.end_within(Duration::from_secs(10)).code(), 137);
        assert_all_gone(&word);
    }
    sandbox.output(&[], "true").ok();
    assert_eq!((names(&sandbox), mounts()), before);
}

/// Different ones in every run: from the first moment to a little after the command's start.
fn instant(start: Duration, launch: u32) -> Duration {
    let noise = Instant::now().elapsed().subsec_nanos() % 97 + std::process::id() % 89;
    start * (launch * 37 % LAUNCHES * 20 + noise % 20) / (LAUNCHES * 16)
}

fn duration_of_a_start(sandbox: &Sandbox) -> Duration {
    let start = Instant::now();
    (0..5).for_each(|_| drop(sandbox.output(&[], "true").ok()));
    start.elapsed() / 5
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    listing(&sandbox.rootfs.path).into_keys().collect()
}
