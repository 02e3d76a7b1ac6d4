//! The locks of the store: writers of its index wait for each other.

use crate::store::{images, store};
use crate::{archive, host, subroot};
use nix::fcntl::{Flock, FlockArg};
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};
use subroot_tests::{Started, User};

const PATIENCE: Duration = Duration::from_secs(60);

/// A lock of the store, held.
fn hold(alice: &User, name: &str) -> Flock<File> {
    let file = File::options().write(true).open(store(alice).join("locks").join(name)).expect("a lock");
    Flock::lock(file, FlockArg::LockExclusive).expect("taking a lock")
}

/// How many processes are blocked by a lock: proc_locks(5).
fn waiting(lock: &Flock<File>) -> usize {
    let inode = format!(":{} ", lock.metadata().expect("the lock's file").ino());
    let locks = fs::read_to_string("/proc/locks").expect("/proc/locks");
    locks.lines().filter(|line| line.contains("->") && line.contains(&inode)).count()
}

/// A writer that has read the index and not yet written it is this test.
#[test]
fn writers_of_the_index_wait_for_each_other_and_lose_no_name() {
    let (host, alice) = host();
    for name in ["first", "one", "two"] {
        archive(&alice, &format!("{name}.tar"), &format!("echo {name} >name; tar -cf $0 ."));
    }
    let import = |name: &str| Started::new(&mut subroot(&alice, &["import", &format!("{name}.tar"), name]));
    import("first").end_within(PATIENCE).ok();
    let lock = hold(&alice, "index");
    let index = store(&alice).join("index.json");
    let read = || fs::read(&index).expect("the index");
    let before = read();
    let imports = ["one", "two"].map(import);
    let end = Instant::now() + PATIENCE;
    while waiting(&lock) < imports.len() {
        assert_eq!(read(), before, "a writer did not wait");
        assert!(Instant::now() < end, "no writer waits for the lock");
        sleep(Duration::from_millis(5));
    }
    let mut changed: serde_json::Value = serde_json::from_slice(&before).expect("JSON");
    let mut entry = changed["manifests"][0].clone();
    entry["annotations"]["org.opencontainers.image.ref.name"] = json!("docker.io/library/third:latest");
    changed["manifests"].as_array_mut().expect("a list").push(entry);
    fs::write(&index, changed.to_string()).expect("writing the index");
    drop(lock);
    imports.into_iter().for_each(|import| drop(import.end_within(PATIENCE).ok()));
    let all = images(&host, &alice);
    let mut names: Vec<&str> = all.iter().filter_map(|image| image["name"].as_str()).collect();
    names.sort_unstable();
    let expected = ["first", "one", "third", "two"].map(|name| format!("docker.io/library/{name}:latest"));
    assert_eq!(names, expected);
}

#[test]
fn who_waits_says_so_unless_it_is_to_be_quiet() {
    let (_host, alice) = host();
    archive(&alice, "a.tar", "echo a >name; tar -cf $0 .");
    let import = |options: &[&str]| subroot(&alice, &[options, &["import", "a.tar", "a"]].concat());
    Started::new(&mut import(&[])).end_within(PATIENCE).ok();
    let lock = hold(&alice, "store");
    let quiet = Started::new(&mut import(&["--quiet"]));
    let mut loud = import(&[]).stderr(Stdio::piped()).spawn().expect("starting subroot");
    let mut line = String::new();
    BufReader::new(loud.stderr.take().expect("a pipe")).read_line(&mut line).expect("a line");
    drop(lock);
    assert!(line.contains("waiting until unneeded layers are removed"), "{line}");
    loud.wait().expect("waiting for subroot");
    let outcome = quiet.end_within(PATIENCE);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""));
}
