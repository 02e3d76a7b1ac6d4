//! The mapper's system calls as shown by strace: few, and privileged ones only on the map files (property
//! P8).

use crate::{GRANTED, granted_maps};
use std::fs::{self, metadata};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::{
    Host, MAPPER, Outcome, Started, Step, Target, budget, is_nested, skip, start_with, status_line,
};

const TRACE: &str = "/tmp/trace";
const MAP_FILES: [&str; 3] = ["\"uid_map\"", "\"gid_map\"", "\"setgroups\""];

/// strace run by root, so that the mapper keeps its privilege, with the mapper run by this user.
fn strace(host: &Host, user: &str) -> Command {
    let mut strace = host.user("root").command("strace");
    strace.args(["-f", "-u", user, "-o", TRACE]);
    strace
}

/// The system calls of one run of alice's mapper, one on each line, for a new target named by its PID.
fn trace(host: &Host, words: &str) -> (Outcome, Vec<String>) {
    let target = Target::new(&host.user("alice"));
    let mut strace = strace(host, "alice");
    strace.args([MAPPER, &target.pid().to_string()]).args(words.split(' '));
    (host.output(&mut strace), calls())
}

/// strace's output without `exit_group`, which `strace -c` does not count either, because it never returns.
fn calls() -> Vec<String> {
    let trace = fs::read_to_string(TRACE).expect("reading the trace");
    let calls = trace.lines().filter_map(|line| line.split_once(' ')).map(|(_, call)| call.trim_start());
    calls.filter(|call| call.contains('(') && !call.ends_with("= ?")).map(str::to_owned).collect()
}

/// Each call, with true if a capability was in force when it began. At its start the mapper has all of them.
fn with_privilege(calls: &[String]) -> Vec<(bool, &str)> {
    let mut in_force = true;
    let privilege = |call: &String| {
        let before = in_force;
        if call.starts_with("capset(") {
            in_force = !call.contains("{effective=0,");
        }
        before
    };
    let privileges: Vec<bool> = calls.iter().map(privilege).collect();
    privileges.into_iter().zip(calls.iter().map(String::as_str)).collect()
}

fn opens_a_file(call: &str) -> bool {
    ["open(", "openat(", "openat2("].iter().any(|start| call.starts_with(start))
}

/// Inside a user namespace, the mapper must also identify the namespace and read its maps: two files with
/// four calls each.
fn assert_within_budget(calls: &[String]) {
    let (own_namespace, own_maps) = if is_nested() { (1, 2) } else { (0, 0) };
    let count = |path: &str| calls.iter().filter(|call| call.contains(path)).count();
    assert_eq!(count("\"/proc/self/ns/user\""), own_namespace);
    assert_eq!(count("\"/proc/self/uid_map\"") + count("\"/proc/self/gid_map\""), own_maps);
    budget::SYSTEM_CALLS.hold(calls.len() - own_namespace - own_maps * 4);
}

#[test]
fn forty_system_calls_are_enough() {
    let host = Host::new();
    let (outcome, calls) = trace(&host, GRANTED);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_within_budget(&calls);
}

#[test]
fn forty_system_calls_are_enough_for_a_descriptor() {
    let host = Host::new();
    let target = Target::new(&host.user("alice"));
    let mut strace = strace(&host, "alice");
    strace.args([MAPPER, "fd:7"]).args(GRANTED.split(' '));
    host.output(start_with(&mut strace, vec![Step::Pass(target.dir(), 7)])).ok();
    assert_within_budget(&calls());
    assert_eq!(target.maps(), granted_maps());
}

#[test]
fn nothing_is_opened_before_privilege_is_put_aside() {
    let host = Host::new();
    for words in [GRANTED, "--gid-map 0:1000:1", "--uid-map 0:7:1", "nonsense"] {
        let (_, calls) = trace(&host, words);
        let first_open = calls.iter().position(|call| opens_a_file(call)).expect("some file is opened");
        let aside =
            calls.iter().position(|call| call.starts_with("capset(")).expect("capabilities are put aside");
        assert!(aside < first_open && calls[aside].contains("{effective=0,"), "{words}: {calls:#?}");
    }
}

#[test]
fn a_capability_is_in_force_only_while_a_map_file_is_open() {
    let host = Host::new();
    for words in [GRANTED, "--uid-map 0:1000:1 --gid-map 0:1000:1", "--gid-map 0:100000:1 --setgroups deny"] {
        let (outcome, calls) = trace(&host, words);
        assert_eq!(outcome.code(), 0, "{outcome:?}");
        let first =
            calls.iter().position(|call| call.starts_with("capset(")).expect("capabilities are put aside");
        let calls = with_privilege(&calls);
        let privileged: Vec<&str> =
            calls[first + 1..].iter().filter(|(in_force, _)| *in_force).map(|(_, call)| *call).collect();
        budget::SYSTEM_CALLS_IN_FORCE.hold(privileged.len());
        for call in privileged {
            let name = call.split('(').next().unwrap_or_default();
            assert!(["capset", "openat2", "fstatfs", "pread64", "write", "close"].contains(&name), "{call}");
            assert!(!opens_a_file(call) || MAP_FILES.iter().any(|file| call.contains(file)), "{call}");
        }
        let last = calls.last().expect("some call").1;
        assert!(last.contains("{effective=0,"), "the mapper ends with a capability in force: {last}");
    }
}

/// setgroups cannot be denied after the gid map is written. After the uid map is written, the target can
/// become root and race the mapper.
#[test]
fn setgroups_goes_before_the_gid_map_and_that_before_the_uid_map() {
    let host = Host::new();
    let (_, calls) = trace(&host, "--uid-map 0:1000:1 --gid-map 5:1000:1");
    let writes: Vec<&str> = calls
        .iter()
        .filter_map(|call| call.split_once(", "))
        .filter_map(|(start, rest)| {
            start.starts_with("write(").then_some(rest.split(", ").next().unwrap_or_default())
        })
        .collect();
    assert_eq!(writes, ["\"deny\"", "\"5 1000 1\\n\"", "\"0 1000 1\\n\""]);
}

#[test]
fn nothing_is_opened_for_writing_but_the_map_files() {
    let host = Host::new();
    for words in [GRANTED, "--gid-map 0:1000:1", "--uid-map 0:7:1"] {
        let (_, calls) = trace(&host, words);
        for call in calls.iter().filter(|call| call.contains("O_RDWR") || call.contains("O_WRONLY")) {
            let guarded = call.contains("RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH");
            assert!(guarded && MAP_FILES.iter().any(|file| call.contains(file)), "{call}");
        }
        let elsewhere = ["socket(", "connect(", "clone", "fork(", "vfork(", "creat(", "mmap("];
        assert!(!calls.iter().any(|call| elsewhere.iter().any(|name| call.starts_with(name))), "{calls:#?}");
        assert_eq!(calls.iter().filter(|call| call.starts_with("execve(")).count(), 1);
    }
}

#[test]
fn a_refusal_opens_no_map_file() {
    let host = Host::new();
    let (outcome, calls) = trace(&host, "--uid-map 0:7:1 --gid-map 0:1000:1");
    assert_eq!(outcome.code(), 1, "{outcome:?}");
    assert!(!calls.iter().any(|call| MAP_FILES.iter().any(|file| call.contains(file))), "{calls:#?}");
}

#[test]
fn at_every_file_it_opens_the_mapper_is_its_caller_without_a_capability_and_not_dumpable() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let pid = target.pid().to_string();
    // Each open is delayed, and the mapper is examined in the meantime; the map files are opened with
    // openat2.
    let slowly = ["-e", "trace=?open,openat", "-e", "inject=?open,openat:delay_enter=60ms"];
    let mut mapper =
        Started::new(strace(&host, "alice").args(slowly).args([MAPPER, &pid]).args(GRANTED.split(' ')));
    let strace = mapper.pid();
    let (mut looks, mut in_force) = (0, 0);
    while mapper.child().try_wait().expect("waiting for strace").is_none() {
        if let Some(effective) = look_at_child(strace) {
            looks += 1;
            in_force += usize::from(effective != "0000000000000000");
        }
        sleep(Duration::from_millis(5));
    }
    let outcome = mapper.end_within(Duration::from_secs(1));
    if outcome.stderr.contains("invalid") {
        skip!("this strace can't delay a call: {}", outcome.stderr);
    }
    assert_eq!((outcome.code(), target.maps()), (0, granted_maps()), "{outcome:?}");
    // The mapper has capabilities while it writes and may be seen then. An open with capabilities would be
    // seen a dozen times.
    assert!(looks > 20 && in_force < 5, "looked {looks} times, {in_force} with a capability in force");
}

/// Checks a mapper that is a child of strace and returns its effective capabilities; none if there is no such
/// child yet.
fn look_at_child(strace: nix::unistd::Pid) -> Option<String> {
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap_or_default();
    let pid = nix::unistd::Pid::from_raw(children.split_whitespace().next()?.parse().ok()?);
    let line = |name| status_line(pid, name);
    let (name, uids, gids, effective) = (line("Name")?, line("Uid")?, line("Gid")?, line("CapEff")?);
    let owner = metadata(format!("/proc/{pid}/environ")).map(|file| file.uid());
    if name != "newidmap-helper" || owner.is_err() || uids.starts_with("1000\t0") {
        return None;
    }
    assert_eq!((uids.as_str(), gids.as_str()), ("1000\t1000\t1000\t1000", "1000\t1000\t1000\t1000"));
    assert_eq!(line("CapPrm"), Some("00000000000000c0".to_owned()), "CAP_SETGID and CAP_SETUID are kept");
    assert_eq!(owner.ok(), Some(0), "a process that is not dumpable is shown as root's");
    Some(effective)
}

#[test]
fn dumping_is_off_before_the_first_file_and_after_the_last_change_of_credentials() {
    let host = Host::new();
    let (_, calls) = trace(&host, GRANTED);
    let at = |start: &str| calls.iter().position(|call| call.starts_with(start));
    let dumpable = at("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)").expect("dumpable is cleared");
    assert!(at("setresuid(") < Some(dumpable) && Some(dumpable) < at("open"), "{calls:#?}");
    assert!(at("prlimit64(0, RLIMIT_CORE, {rlim_cur=0, rlim_max=0}").is_some(), "{calls:#?}");
}
