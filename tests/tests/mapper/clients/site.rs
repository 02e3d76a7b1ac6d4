//! A host with the project's programs instead of shadow's, and with alice, who has clients of them.

use crate::clients::client::Client;
use crate::clients::grants::Grants;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use subroot_tests::{
    DROP_INS, Host, Install, Maps, Outcome, Rootfs, User, end_pause_process, release_program,
};

/// The directory that a login would have created for alice.
const RUNTIME_DIR: &str = "/run/user/1000";
/// The file with the PID of the process that podman leaves running.
pub(crate) const PAUSE_PID: &str = "/run/user/1000/libpod/tmp/pause.pid";
/// A command that prints the maps it runs with.
const SHOW_MAPS: &str =
    "cat /proc/self/uid_map; echo ==; cat /proc/self/gid_map; echo ==; cat /proc/self/setgroups";

/// The host and alice.
pub(crate) struct Site {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) rootfs: Rootfs,
    grants: &'static Grants,
}

impl Site {
    /// A host with these grants for alice, who has a root filesystem in `~/rootfs`.
    pub(crate) fn new(how: Install, grants: &'static Grants) -> Site {
        // Read before the host exists, because it may cover their directory.
        let ours = DROP_INS.map(|name| fs::read(release_program(name)).expect("a program of ours"));
        let host = Host::new();
        host.install_drop_ins(how);
        for (name, program) in DROP_INS.iter().zip(ours) {
            assert!(fs::read(format!("/usr/bin/{name}")).expect("an installed program") == program, "{name}");
        }
        host.write("/etc/subuid", Grants::file(grants.uid));
        host.write("/etc/subgid", Grants::file(grants.gid));
        host.cover_what_podman_uses();
        let alice = host.user("alice");
        host.make_dir(RUNTIME_DIR, &alice);
        fs::set_permissions(RUNTIME_DIR, Permissions::from_mode(0o700)).expect("changing a mode");
        let rootfs = Rootfs::busybox(&alice);
        Site { host, alice, rootfs, grants }
    }

    /// A command line for alice, split at blanks.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut words = words.split_whitespace();
        let mut command = self.alice.command(words.next().expect("a program"));
        command.args(words).env("XDG_RUNTIME_DIR", RUNTIME_DIR);
        command
    }

    /// A client with a shell script to run.
    pub(crate) fn start(&self, client: &Client, script: &str) -> Command {
        let mut command = self.command(&(client.words)(self.grants));
        command.args(["sh", "-c", script]);
        command
    }

    /// The outcome of a client that prints its maps.
    pub(crate) fn show(&self, client: &Client, dir: &Path) -> Outcome {
        self.host.output(self.start(client, SHOW_MAPS).current_dir(dir))
    }

    /// The maps that the client requests.
    pub(crate) fn wanted(&self, client: &Client) -> Maps {
        self.grants.maps(client.lines)
    }

    /// Checks that the client, started in this directory, works and gets everything that it requests.
    #[track_caller]
    pub(crate) fn assert_mapped(&self, client: &Client, dir: &Path) {
        let outcome = self.show(client, dir);
        assert_eq!((outcome.code(), maps(&outcome)), (0, self.wanted(client)), "{outcome:?}");
    }
}

/// The maps that a command printed; empty if it did not run.
pub(crate) fn maps(outcome: &Outcome) -> Maps {
    let mut parts = outcome.stdout.split("==\n").chain(["", "", ""]);
    let mut part = || parts.next().unwrap_or_default();
    Maps::new(part(), part(), part().trim_end())
}

impl Drop for Site {
    fn drop(&mut self) {
        end_pause_process(PAUSE_PID);
    }
}
