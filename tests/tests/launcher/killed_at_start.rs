//! A launcher killed at any instant of its start leaves no process, no mount and nothing in the root.

use crate::running::{assert_all_gone, instant, send, unique_word};
use crate::sandbox::{Sandbox, listing, mounts};
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::Started;

const LAUNCHES: u32 = 60;
const BOTH: [&str; 2] = ["--init", "--as-pid-1"];

#[test]
fn sixty_launches_killed_while_they_start_leave_nothing() {
    let sandbox = Sandbox::bare();
    let before = (names(&sandbox), mounts());
    let start = sandbox.duration_of_a_start();
    for launch in 0..LAUNCHES {
        let word = unique_word();
        let options = [BOTH[(launch % 2) as usize]];
        let started = Started::new(&mut sandbox.run(&options, &["sleep", &word]));
        sleep(instant(start, launch, LAUNCHES));
        send(started.pid(), 9);
        assert_eq!(started.end_within(Duration::from_secs(10)).code(), 137);
        assert_all_gone(&word);
    }
    sandbox.output(&[], "true").ok();
    assert_eq!((names(&sandbox), mounts()), before);
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    listing(&sandbox.rootfs.path).into_keys().collect()
}
