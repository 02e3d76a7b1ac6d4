//! An import that is interrupted or killed: the name is either missing or that of the complete tree.

use crate::{archive, host, names, subroot};
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::pipe2;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::{Started, User};

/// Starts an import of which only the first part of the archive has come, and waits until it unpacks.
fn begin(alice: &User) -> (Started, File) {
    let content = fs::read(alice.home.join("a.tar")).expect("the archive");
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
    let mut command = subroot(alice, &["import", "-", "./dir"]);
    let started = Started::new(command.stdin(Stdio::from(reader)));
    let mut writer = File::from(writer);
    writer.write_all(&content[..content.len() / 2]).expect("writing to the import");
    let is_unpacking = || {
        let unfinished = names(alice).into_iter().find(|name| name.starts_with(".dir.subroot-import-"));
        unfinished.is_some_and(|name| alice.home.join(name).join("f1").exists())
    };
    while !is_unpacking() {
        sleep(Duration::from_millis(5));
    }
    (started, writer)
}

fn make_archive(alice: &User) {
    archive(alice, "a.tar", "for i in 1 2 3 4 5 6; do head -c 1000000 /dev/zero >f$i; done; tar -cf $0 f*");
}

#[test]
fn after_a_signal_nothing_remains() {
    let (_host, alice) = host();
    make_archive(&alice);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (started, _writer) = begin(&alice);
        kill(started.pid(), signal).expect("sending a signal");
        assert_eq!(started.end_within(Duration::from_secs(60)).code(), 128 + signal as i32);
        assert_eq!(names(&alice), ["a.tar"]);
    }
}

#[test]
fn what_a_killed_import_leaves_is_removed_by_the_next_one() {
    let (host, alice) = host();
    make_archive(&alice);
    let (started, writer) = begin(&alice);
    kill(started.pid(), Signal::SIGKILL).expect("killing the import");
    started.end_within(Duration::from_secs(60));
    drop(writer);
    assert!(!alice.home.join("dir").exists());
    assert_eq!(names(&alice).len(), 2, "{:?}", names(&alice));
    host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"])).ok();
    assert_eq!(names(&alice), ["a.tar", "dir"]);
    assert!(alice.home.join("dir/f6").exists());
}

#[test]
fn an_import_that_is_running_is_no_leftover() {
    let (host, alice) = host();
    make_archive(&alice);
    let (started, mut writer) = begin(&alice);
    let unfinished = names(&alice).into_iter().find(|name| name.starts_with(".dir")).expect("a directory");
    let outcome = host.output(&mut subroot(&alice, &["rm", &unfinished]));
    assert_eq!(outcome.code(), 1, "{outcome:?}");
    assert!(outcome.stderr.contains("another process is using it"), "{outcome:?}");
    let content = fs::read(alice.home.join("a.tar")).expect("the archive");
    writer.write_all(&content[content.len() / 2..]).expect("writing to the import");
    drop(writer);
    started.end_within(Duration::from_secs(60)).ok();
    assert!(alice.home.join("dir/f6").exists());
}
