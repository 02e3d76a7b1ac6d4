//! The two nsfs ioctls under AddressSanitizer, on real namespaces and on other files.
#![no_main]
#![allow(unsafe_code)] // the file under test has unsafe code

use libfuzzer_sys::fuzz_target;
use namespace::UserNamespace;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::geteuid;
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

#[path = "../../newidmap-helper/src/namespace.rs"]
mod namespace;

/// A process in its own user namespace, which ends with this one. `/proc/child` stands for it.
static CHILD: OnceLock<Child> = OnceLock::new();

fuzz_target!(
    init: {
        let child = Command::new("unshare").args(["--user", "cat"]).stdin(Stdio::piped()).spawn();
        let child = CHILD.get_or_init(|| child.expect("starting unshare, of util-linux"));
        let own = fs::read_link("/proc/self/ns/user").expect("own user namespace");
        while fs::read_link(format!("/proc/{}/ns/user", child.id())).expect("that of the child") == own {}
    },
    |path: &[u8]| {
        let Ok(path) = std::str::from_utf8(path) else { return };
        // Only below /proc does opening a file have no side effects.
        if path.starts_with("/proc/") && !path.contains("..") && !path.contains('\0') {
            let child = CHILD.get().expect("made before").id();
            let path = path.replace("/proc/child", &format!("/proc/{child}"));
            thread::spawn(move || asks(&path)).join().expect("an answer");
        }
    }
);

/// In the mapper, descriptors stay open until it ends. Here they belong to the thread and are closed with it.
fn asks(path: &str) {
    // SAFETY: the thread has taken over no descriptor that another one closes.
    unsafe { unshare_unsafe(UnshareFlags::FILES) }.expect("descriptors of the thread's own");
    let Ok(dir) = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else { return };
    let Ok(user_namespace) = UserNamespace::of_process(&dir) else { return };
    let is_child = path == format!("/proc/{}", CHILD.get().expect("made before").id());
    let (owner, parent) = (user_namespace.owner_uid(), user_namespace.parent());
    if let Ok(parent) = &parent {
        assert!(owner.is_ok(), "the owner of a descendant has an ID here");
        assert!(!parent.is_initial() || parent.is_own() == Ok(true), "shown only to its members");
    }
    assert!(!is_child || parent.is_ok_and(|parent| parent.is_own() == Ok(true)));
    assert!(!is_child || owner == Ok(geteuid().as_raw()));
}
