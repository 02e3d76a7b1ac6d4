//! Many sandboxes: at once, and one after the other.

use crate::running::unique_name;
use std::fs;
use std::time::Duration;
use subroot_tests::running::{Running, assert_all_gone, unique_word};
use subroot_tests::sandbox::{Sandbox, listing};
use subroot_tests::{Started, processes_with_word};

/// The number that run at once.
const CROWD: usize = 1_000;

/// One shell starts all of them, with the word in each command line.
fn crowd(sandbox: &Sandbox, name: &str, word: &str) -> Running {
    let root = sandbox.rootfs.path.display();
    let line = format!(
        "n=0; while [ $n -lt {CROWD} ]; do n=$((n + 1))
            subroot run --userns host-id --dev none --name {name}-$n {root} -- sleep {word} </dev/null >/dev/null &
        done; until [ $(subroot ps | grep -c '^{name}-') = {CROWD} ]; do sleep 0.1; done; echo ready; wait"
    );
    Running::new(&mut sandbox.alice.shell(&line))
}

#[test]
fn a_thousand_run_at_once_are_all_listed_and_gone_together() {
    let (sandbox, name, word) = (Sandbox::new(), unique_name(), unique_word());
    let shell = crowd(&sandbox, &name, &word);
    let json = sandbox.says(&["ps", "--json"]).ok();
    for number in 1..=CROWD {
        assert!(json.contains(&format!("\"name\":\"{name}-{number}\"")), "number {number} is not listed");
    }
    let joined = sandbox.says(&["exec", &format!("{name}-{CROWD}"), "--", "id", "-u"]);
    assert_eq!(joined.ok(), "1000\n");
    shell.signal(9);
    drop(shell.end());
    assert_all_gone(&word);
    assert!(!sandbox.says(&["ps"]).ok().contains(&name));
}

/// Everything on the disk and in the mount namespace of the caller, where no other process changes anything.
fn own_files_and_mounts() -> Vec<String> {
    let dirs = ["/tmp", "/home/alice", "/dev/shm"];
    let disk = dirs.into_iter().flat_map(|place| listing(place.as_ref())).map(|entry| format!("{entry:?}"));
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    disk.chain(mounts.lines().map(str::to_owned)).collect()
}

/// The numbers of kernel objects in use, including those of other tests: files, alice's keys and, if these
/// can be read, user namespaces and mounts.
fn objects() -> Vec<usize> {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let first = |text: &str| text.split(['\t', ' ', '/']).find_map(|number| number.parse().ok());
    let after = |text: &str, start| {
        text.lines().find_map(|line| line.trim_start().strip_prefix(start)).and_then(first)
    };
    let (keys, slabs) = (text("/proc/key-users"), text("/proc/slabinfo"));
    let files = first(&text("/proc/sys/fs/file-nr")).expect("the number of open files");
    let slab = |name| after(&slabs, name).unwrap_or(0);
    vec![files, after(&keys, "1000:").unwrap_or(0), slab("user_namespace"), slab("mnt_cache")]
}

/// SUBROOT_LAUNCHES sets the number of launches, for more than a test needs.
#[test]
fn launches_in_a_row_leave_nothing_behind() {
    let launches: usize =
        std::env::var("SUBROOT_LAUNCHES").map_or(500, |number| number.parse().expect("SUBROOT_LAUNCHES"));
    let (sandbox, word) = (Sandbox::bare(), unique_word());
    assert_eq!(sandbox.output(&[], "true").code(), 0);
    let (world, before) = (own_files_and_mounts(), objects());
    let root = sandbox.rootfs.path.display();
    let line = format!(
        "n=0; while [ $n -lt {launches} ]; do n=$((n + 1)); subroot run -v /etc:/some/where {root} -- true {word} || exit; done"
    );
    let row = Started::new(&mut sandbox.alice.shell(&line)).end_within(Duration::from_secs(3600));
    assert_eq!((row.code(), row.stderr.as_str()), (0, ""));
    assert_eq!(own_files_and_mounts(), world);
    assert_eq!(processes_with_word(&word), []);
    for (before, after) in before.iter().zip(objects()) {
        assert!(
            after < before + launches / 2,
            "of {before} objects there are {after} after {launches} launches"
        );
    }
}
