//! apt installs and removes a service with its own account, a setgid helper and a socket; the service runs.

use crate::job::{Debian, GRANTED, NO_ROOT};
use std::fs;
use std::os::unix::fs::MetadataExt;
use subroot_tests::skip;

/// Starts the system bus as its own user, and asks over its socket which user it is.
const USE: &str = "
    mkdir -p /run/dbus
    dbus-daemon --system --fork --nopidfile
    dbus-send --system --print-reply=literal --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.GetConnectionUnixUser string:org.freedesktop.DBus | tr -d ' '
    # Not earlier: it says that it is ready before it becomes its user.
    ps -o user:20= -C dbus-daemon
    id -u messagebus | sed 's/^/uint32/'
    su -s /bin/sh nobody -c 'dbus-send --system --print-reply=literal --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.GetId' >/dev/null && echo asked by nobody";

#[test]
fn a_service_with_an_account_is_installed_used_and_removed() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let said = debian.install("dbus");
    for word in ["\nW: ", "\nE: ", "dpkg: warning", "dpkg: error", "Operation not permitted"] {
        assert!(!said.contains(word), "{word} in {said}");
    }
    assert_eq!(
        debian.output("dpkg --audit; dpkg --verify dbus dbus-daemon | grep -v /usr/share || true"),
        ""
    );
    assert_helper_belongs_to_the_group(&debian);
    let used = debian.output(USE);
    let lines: Vec<&str> = used.lines().collect();
    assert_eq!((lines[1].trim(), lines.len()), ("messagebus", 4), "{used}");
    assert_eq!((lines[0], lines[3]), (lines[2], "asked by nobody"), "{used}");
    let removed = debian.output(
        "DEBIAN_FRONTEND=noninteractive apt-get -q purge --yes dbus dbus-daemon >/dev/null 2>&1
        dpkg --audit; dpkg-query --show dbus-daemon 2>&1 || true; ls -d /usr/share/dbus-1/system.d 2>&1 || true",
    );
    assert!(removed.contains("no packages found matching dbus-daemon"), "{removed}");
}

/// Checks the chown and chmod by dpkg-statoverride, from outside.
fn assert_helper_belongs_to_the_group(debian: &Debian) {
    let gid: u32 = debian.output("getent group messagebus | cut -d: -f3").trim().parse().expect("a gid");
    let helper = debian.rootfs.path.join("usr/lib/dbus-1.0/dbus-daemon-launch-helper");
    let facts = fs::metadata(helper).expect("the setuid helper");
    let seen = (facts.uid(), facts.gid(), facts.mode() & 0o7777);
    assert_eq!(seen, (debian.alice.uid, GRANTED + gid - 1, 0o4754));
}
