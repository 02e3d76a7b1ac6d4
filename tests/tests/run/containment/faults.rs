//! Makes each system call of a launch in turn fail with an error: the launch is refused, or the sandbox is as
//! requested. No failure opens the sandbox, ends it without a message, or makes it hang.

use crate::containment::facts::Facts;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::killpg;
use std::collections::BTreeSet;
use std::time::Duration;
use subroot_tests::faults::{self, Call, Fault, Faulted, IS_SUPPORTED};
use subroot_tests::running::{GONE_WITHIN, soon};
use subroot_tests::sandbox::{Sandbox, mounts};
use subroot_tests::skip;

/// Far longer than any of these launches takes.
const PATIENCE: Duration = Duration::from_secs(15);

/// Everything that protects the host, or the command from itself.
const PROTECTED: &[&str] = &[
    "--read-only",
    "--volume=/home/alice/data:/srv:ro",
    "--tmpfs=/mnt",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=200",
    "--umask=027",
    "--oom-score-adj=500",
];

/// Another path through the launch: no mapper, no init, memory over the rootfs, masks.
const LAYERED: &[&str] = &[
    "--userns=host-id",
    "--as-pid-1",
    "--overlay",
    "--network=none",
    "--hostname=inside",
    "--security-opt=mask=default",
    "--volume=/home/alice/data:/srv:ro,noexec",
];

/// A kind of launch.
struct Launch {
    sandbox: Sandbox,
    options: &'static [&'static str],
    /// Calls that the kernel does not have.
    absent: &'static [i64],
}

impl Launch {
    fn new(options: &'static [&'static str], absent: &'static [i64]) -> Launch {
        let sandbox = Sandbox::new();
        sandbox.host.make_dir("/home/alice/data", &sandbox.alice);
        Launch { sandbox, options, absent }
    }

    fn run(&self, failing: Option<(Call, Errno)>) -> Faulted {
        let mut command = self.sandbox.shell(self.options, Facts::SCRIPT);
        faults::run(&self.sandbox.alice, &mut command, Fault { absent: self.absent, failing }, PATIENCE)
    }

    /// Makes each call fail with each error. For a kernel that lacks some calls, only those of the child that
    /// builds the sandbox. Returns the numbers of the calls without which no launch is possible.
    fn without_each_call(&self, errnos: &[Errno]) -> BTreeSet<i64> {
        let whole = self.run(None);
        assert_eq!((whole.outcome.code(), whole.outcome.stderr.as_str()), (0, ""), "{:?}", whole.outcome);
        let (expected, mounts_before) = (Facts::read(&whole.outcome.stdout), mounts());
        let (mut needed, mut wrong) = (BTreeSet::new(), Vec::new());
        let is_affected = |call: &&Call| self.absent.is_empty() || call.process == 1;
        let calls = faults::fallible(&whole.calls);
        for (call, errno) in
            calls.iter().filter(is_affected).flat_map(|call| errnos.iter().map(move |errno| (call, errno)))
        {
            let faulted = self.run(Some((*call, *errno)));
            let mut faults = judge(&faulted, call, &expected);
            if !soon(GONE_WITHIN, || killpg(faulted.group, None) == Err(Errno::ESRCH)) {
                faults.push("processes remain".to_owned());
            }
            faults.extend(changed(&mounts_before, &mounts()));
            if faulted.has_failed && faulted.outcome.code() != 0 {
                needed.insert(call.number);
            }
            wrong.extend(
                faults
                    .into_iter()
                    .map(|fault| format!("{call:?} {errno:?}: {fault}: {:?}", faulted.outcome.stderr)),
            );
        }
        assert!(wrong.is_empty(), "{} of the launches: {wrong:#?}", wrong.len());
        needed
    }
}

/// The mounts that were added, removed or changed.
fn changed(before: &str, after: &str) -> Option<String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let changed: Vec<_> = lines(before).symmetric_difference(&lines(after)).cloned().collect();
    (!changed.is_empty()).then(|| format!("mounts differ: {changed:?}"))
}

/// What is wrong with a launch in which a call failed.
fn judge(faulted: &Faulted, call: &Call, expected: &Facts) -> Vec<String> {
    let outcome = &faulted.outcome;
    let mut faults = Vec::new();
    if faulted.hung {
        return vec!["it does not end".to_owned()];
    }
    // init and the watcher have no one left to report to. A sandbox that they cannot watch ends as if it were
    // killed.
    let is_late = match call.process {
        1 => matches!(call.number, libc::SYS_waitid | libc::SYS_poll),
        2 => matches!(call.number, libc::SYS_close_range | libc::SYS_poll),
        _ => false,
    };
    let says_why = outcome.stderr.strip_prefix("subroot: ").is_some_and(|line| line.contains(": "));
    match outcome.code() {
        0 => {}
        125..=127 if says_why => {}
        137 if is_late => {}
        code => faults.push(format!("status {code}")),
    }
    if outcome.code() == 0 || Facts::is_whole(&outcome.stdout) {
        faults.extend(Facts::read(&outcome.stdout).less_than(expected, &outcome.stderr));
    }
    faults
}

fn assert_needed(needed: &BTreeSet<i64>, calls: &[i64]) {
    for call in calls {
        assert!(needed.contains(call), "no launch depends on {call}: {needed:?}");
    }
}

#[test]
fn a_protected_sandbox_is_whole_or_refused() {
    if !IS_SUPPORTED {
        skip!("the registers of a traced process are not known here");
    }
    let launch = Launch::new(PROTECTED, &[]);
    let needed = launch.without_each_call(&[Errno::EPERM, Errno::EINVAL, Errno::EIO]);
    assert_needed(
        &needed,
        &[libc::SYS_mount_setattr, libc::SYS_seccomp, libc::SYS_capset, libc::SYS_umount2],
    );
}

#[test]
fn a_layered_sandbox_is_whole_or_refused() {
    if !IS_SUPPORTED {
        skip!("the registers of a traced process are not known here");
    }
    let launch = Launch::new(LAYERED, &[]);
    let needed = launch.without_each_call(&[Errno::EPERM, Errno::EIO]);
    assert_needed(&needed, &[libc::SYS_sethostname, libc::SYS_setresuid, libc::SYS_fsconfig]);
}

/// Before Linux 5.12, mounts are protected one by one after they have been attached.
#[test]
fn a_sandbox_without_mount_setattr_is_whole_or_refused() {
    if !IS_SUPPORTED {
        skip!("the registers of a traced process are not known here");
    }
    let launch = Launch::new(PROTECTED, &[libc::SYS_mount_setattr]);
    let needed = launch.without_each_call(&[Errno::EPERM]);
    assert_needed(&needed, &[libc::SYS_mount]);
}
