//! What the caller can do to the process that asks name services or a plugin, just before it answers: no
//! other account's IDs are granted (P1, P7).

use crate::nss::accounts::directory;
use crate::nss::{ALL, ASKED, GRANTING, granted_maps, host_with, set_plugin};
use nix::libc;
use std::fs;
use std::time::Duration;
use subroot_tests::{Host, Install, Maps, Outcome, Started, Target, User};

/// In a library: reports that it was called, and waits until the caller has acted.
const WAIT: &str = "close(creat(\"/tmp/here\", 0666)); while (access(\"/tmp/go\", F_OK)) usleep(1000);";
const ENDED: &str = "it crashed or ended without an answer";
/// A line for the directory's account, and the request that it grants.
pub(crate) const ACCOUNT: &str = "user200007:400000:10\n";
pub(crate) const OF_ACCOUNT: &str = "--uid-map 0:400000:10 --gid-map 0:400000:10";
/// A request that /etc/subuid and /etc/subgid grant to the local account alice.
pub(crate) const OF_ALICE: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";

/// How a run ends if the answer would have been a grant.
enum End {
    /// The maps are written: the act has no effect, or the kernel refuses it.
    Written,
    /// Status 4 with this reason.
    Refused(&'static str),
    /// Either of the two, depending on how the C library reacts.
    Either,
}

/// What the caller does to the process, `$child`, while it asks.
struct Act {
    script: String,
    /// True if the kernel permits it.
    is_permitted: bool,
    end: End,
}

fn act(script: impl Into<String>, is_permitted: bool, end: End) -> Act {
    Act { script: script.into(), is_permitted, end }
}

/// Every limit of getrlimit(2), set to 0.
fn limits() -> impl Iterator<Item = Act> {
    let harmless = ["core", "locks", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "sigpending"];
    let harmful = ["as", "cpu", "data", "fsize", "memlock", "rttime", "stack"];
    let limit = |name| format!("prlimit --pid $child --{name}=0:0");
    let harmless = harmless.into_iter().map(move |name| act(limit(name), true, End::Written));
    harmless.chain(harmful.into_iter().map(move |name| act(limit(name), true, End::Either)))
}

fn signals() -> impl Iterator<Item = Act> {
    let fatal =
        ["HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "XCPU"];
    let fatal = fatal.map(|name| act(format!("kill -{name} $child"), true, End::Refused(ENDED)));
    let ignored = ["CHLD", "URG", "WINCH", "CONT"];
    let ignored = ignored.map(|name| act(format!("kill -{name} $child"), true, End::Written));
    let stopping = ["STOP", "TSTP", "TTIN", "TTOU"];
    let stop = |name| format!("kill -{name} $child; sleep 0.05; kill -CONT $child");
    let stopping = stopping.map(|name| act(stop(name), true, End::Written));
    fatal.into_iter().chain(ignored).chain(stopping)
}

fn scheduling() -> impl Iterator<Item = Act> {
    let permitted = [
        "renice -n 19 -p $child",
        "chrt --idle --pid 0 $child",
        "taskset -p 1 $child",
        "ionice -c 3 -p $child",
    ];
    permitted.into_iter().map(|script| act(script, true, End::Written))
}

/// Reading it or writing to it. It is not dumpable, so the kernel refuses all of this (ptrace(2), proc(5)).
fn inspection() -> impl Iterator<Item = Act> {
    let read = ["auxv", "environ", "maps", "pagemap", "smaps", "syscall"];
    let read = read.map(|name| format!("head -c 8 /proc/$child/{name}"));
    let written = ["clear_refs", "coredump_filter", "oom_adj", "oom_score_adj"];
    let written = written.map(|name| format!("echo 1 >/proc/$child/{name}"));
    let others = [
        "true <>/proc/$child/mem".to_owned(),
        "strace -p $child -o /dev/null".to_owned(),
        "choom -n 1000 -p $child".to_owned(),
        "ls /proc/$child/fd/".to_owned(),
        "ls /proc/$child/map_files/".to_owned(),
        "readlink /proc/$child/cwd".to_owned(),
        "readlink /proc/$child/exe".to_owned(),
        "for fd in 3 4 5 6 7 8 9; do echo forged >/proc/$child/fd/$fd && exit; done; exit 1".to_owned(),
        perl(&format!("syscall({}, syscall({}, $c, 0), 0, 0)", libc::SYS_pidfd_getfd, libc::SYS_pidfd_open)),
        perl(&format!("syscall({}, $c, $v, 1, $v, 1, 0)", libc::SYS_process_vm_writev)),
        perl(&format!("syscall({}, {}, $c, 0, 0)", libc::SYS_ptrace, libc::PTRACE_SEIZE)),
        perl(&format!("syscall({}, {}, $c, 0, 0)", libc::SYS_ptrace, libc::PTRACE_ATTACH)),
    ];
    read.into_iter().chain(written).chain(others).map(|script| act(script, false, End::Written))
}

/// A system call from perl, with the child's PID in `$c` and an iovec in `$v`. Fails if the kernel does not
/// permit it.
fn perl(call: &str) -> String {
    let set = r#"$c = $ARGV[0] + 0; $b = "b" x 8; $v = pack("PQ", $b, 8);"#;
    format!("perl -e '{set} exit({call} == -1 && $! == {})' $child", libc::EPERM)
}

fn acts() -> impl Iterator<Item = Act> {
    limits().chain(signals()).chain(scheduling()).chain(inspection())
}

/// Makes the user's mapper ask, and the user act while the library waits. Also returns whether the kernel
/// permitted the act.
fn run(host: &Host, user: &User, words: &str, act: &Act) -> (bool, Outcome, Maps) {
    let _none_before = ["/tmp/here", "/tmp/go"].map(fs::remove_file);
    let target = Target::new(user);
    let mapper = Started::new(&mut user.maps(&target, words));
    let script = format!(
        "until [ -e /tmp/here ]; do sleep 0.005; done; read child </proc/{0}/task/{0}/children
        ({1}) >/dev/null 2>&1; acted=$?; touch /tmp/go; exit $acted",
        mapper.pid(),
        act.script
    );
    let acted = host.output(&mut user.shell(&script)).code() == 0;
    let outcome = mapper.end_within(Duration::from_secs(60));
    (acted, outcome, target.maps())
}

/// Runs every act for a request, and fails the test with a list of all that did not end as `is_right`
/// requires.
fn each_act(host: &Host, user: &User, words: &str, is_right: impl Fn(&Act, &Outcome, &Maps) -> bool) {
    let wrong = |act: Act| {
        let (acted, outcome, maps) = run(host, user, words, &act);
        let is_right = acted == act.is_permitted && is_right(&act, &outcome, &maps);
        (!is_right).then(|| format!("{}, permitted: {acted}: {outcome:?} {maps:?}", act.script))
    };
    let wrong: Vec<String> = acts().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs every act for a request that is granted: the result is the right answer or a refusal.
fn granted(host: &Host, user: &User, words: &str, maps: &Maps, asking: &str) {
    each_act(host, user, words, |act, outcome, found| {
        let written = (outcome.code(), found) == (0, maps);
        let refused = (outcome.code(), found) == (4, &Maps::untouched());
        match act.end {
            End::Written => written,
            End::Refused(why) => {
                refused && outcome.stderr == format!("newidmap-helper: asking {asking}: {why}\n")
            }
            End::Either => written || refused,
        }
    });
}

/// Runs every act for a request that is not granted: the result is a refusal.
fn assert_refused(host: &Host, user: &User, words: &str) {
    each_act(host, user, words, |_, outcome, maps| {
        [1, 4].contains(&outcome.code()) && *maps == Maps::untouched()
    });
}

#[test]
fn a_directory_account_is_known_by_its_own_name_or_not_at_all() {
    let host = directory(Install::SetuidRoot, "user%u", WAIT);
    for file in ["/etc/subuid", "/etc/subgid"] {
        host.write(file, ACCOUNT);
    }
    let maps = Maps::new("0 400000 10", "0 400000 10", "allow");
    granted(&host, &host.uid(200_007), OF_ACCOUNT, &maps, "the name services for your account");
}

/// A limit on descriptors keeps the C library from reading /etc/passwd, so the directory's account resolves
/// to its own uid.
#[test]
fn a_directory_account_with_a_local_name_never_has_its_lines() {
    for install in ALL {
        let host = directory(install, "alice", WAIT);
        assert_refused(&host, &host.uid(200_007), OF_ALICE);
    }
}

#[test]
fn what_a_plugin_grants_is_written_or_refused() {
    for install in ALL {
        let host = host_with(install);
        set_plugin(&host, &format!("{WAIT} {GRANTING}"));
        let asking = "the plugin that /etc/nsswitch.conf names for subid";
        granted(&host, &host.user("alice"), ASKED, &granted_maps(), asking);
    }
}

#[test]
fn what_a_plugin_does_not_grant_is_never_written() {
    let host = host_with(Install::SetuidRoot);
    set_plugin(&host, &format!("{WAIT} *result = false; return 0;"));
    assert_refused(&host, &host.user("alice"), ASKED);
}

#[test]
fn a_name_service_that_is_stopped_for_ever_is_given_up() {
    let host = directory(Install::SetuidRoot, "user%u", WAIT);
    let stop = act("kill -STOP $child", true, End::Refused("no answer within 10 seconds"));
    let (_, outcome, maps) = run(&host, &host.uid(200_007), "--uid-map 0:200007:1", &stop);
    let line = "newidmap-helper: asking the name services for your account: no answer within 10 seconds\n";
    assert_eq!((outcome.code(), outcome.stderr.as_str(), maps), (4, line, Maps::untouched()));
}
