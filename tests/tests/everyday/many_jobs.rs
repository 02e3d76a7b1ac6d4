//! Five hundred small jobs in one root, sixteen at a time: each has its own output and status, and none
//! leaves anything.

use crate::job::{Debian, NO_ROOT, in_parallel};
use crate::running::{PATIENCE, assert_all_gone, unique_word};
use std::fs;
use std::process::Command;
use subroot_tests::{Started, skip};

const JOBS: i32 = 500;
const AT_ONCE: usize = 16;

/// Prints its number and facts about itself, writes a file and removes it, and ends with its own status.
const JOB: &str = "
    processes() { echo $#; }
    echo $1 $(id -u) $$ $(processes /proc/[0-9]*)
    echo error $1 >&2
    echo $1 >/tmp/of-job-$1; mkdir /dev/shm/one; (sleep $0 >/dev/null 2>&1 &)
    read -r number </tmp/of-job-$1; rm /tmp/of-job-$1
    exit $((number % 256))";

#[test]
fn five_hundred_jobs_at_once_are_right_and_leave_nothing() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let word = unique_word();
    let (files, mounts) = (files(&debian), mounts());
    let jobs: Vec<i32> = (0..JOBS).collect();
    let wrong: Vec<String> = in_parallel(AT_ONCE, &jobs, |job| {
        let mut command = debian.run(&["sh", "-c", JOB, &word, &job.to_string()]);
        let outcome = Started::new(&mut command).end_within(PATIENCE);
        let seen = (outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str());
        // Init, the shell and its subshell.
        let expected = (job % 256, format!("{job} 0 2 3\n"), format!("error {job}\n"));
        let right = seen == (expected.0, &expected.1, &expected.2);
        if right { String::new() } else { format!("{job}: {outcome:?}") }
    });
    let wrong: Vec<&String> = wrong.iter().filter(|job| !job.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_all_gone(&word);
    assert_eq!(crate::many_jobs::mounts(), mounts);
    assert!(crate::many_jobs::files(&debian) == files, "files of the root have changed");
}

/// Every file of the root, with attributes that show changes.
fn files(debian: &Debian) -> String {
    let mut find = Command::new("find");
    find.arg(&debian.rootfs.path).args([
        "-type",
        "d",
        "-printf",
        "%p %m %U\\n",
        "-o",
        "-printf",
        "%p %m %U %s %T@\\n",
    ]);
    debian.host.output(&mut find).ok()
}

fn mounts() -> String {
    fs::read_to_string("/proc/thread-self/mountinfo").expect("reading the mounts")
}
