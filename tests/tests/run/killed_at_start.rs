//! A launcher that is killed at any point of its start leaves no process, no mount and nothing in the root.

use crate::running::{GONE_WITHIN, assert_all_gone, instant, send, soon, unique_word};
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::Started;
use subroot_tests::sandbox::{Sandbox, listing, mounts};
use subroot_tests::traced::{Traced, at_every_boundary};

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

/// Before and after each of the launcher's own system calls, from first to last.
#[test]
fn killed_at_any_system_call_it_leaves_nothing() {
    let sandbox = Sandbox::bare();
    let before = (names(&sandbox), mounts());
    for option in BOTH {
        let word = unique_word();
        at_every_boundary(|boundary| {
            let mut command = sandbox.run(&[option], &["sh", "-c", "true", &word]);
            let Some(launcher) = Traced::start_at(&sandbox.alice, &mut command, boundary) else {
                return false;
            };
            send(launcher.pid(), 9);
            assert_eq!(launcher.end(), 137, "boundary {boundary}");
            assert_all_gone(&word);
            let left =
                || names(&sandbox).into_iter().filter(|name| !before.0.contains(name)).collect::<Vec<_>>();
            assert!(soon(GONE_WITHIN, || left().is_empty()), "{option}, boundary {boundary}: {:?}", left());
            true
        });
    }
    assert_eq!(mounts(), before.1);
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    listing(&sandbox.rootfs.path).into_keys().collect()
}
