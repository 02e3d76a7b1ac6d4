//! Which of the project's programs a client starts, and from which process, as shown by strace.

use crate::clients::client::{Caller, Client};
use crate::clients::grants::USUAL;
use crate::clients::site::{PAUSE_PID, Site};
use std::collections::HashMap;
use std::fs;
use std::process::Command;
use subroot_tests::{DROP_INS, Install};

const TRACE: &str = "/tmp/trace";

/// A start of one of the project's programs for a target.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) program: String,
    pub(crate) caller: Caller,
}

pub(crate) fn it_calls_ours_in_its_own_order(client: &Client) {
    let site = Site::new(Install::SetuidRoot, &USUAL);
    let outcome = site.host.output(&mut traced(&site, &site.start(client, "true")));
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let mut programs = DROP_INS;
    programs.sort_by_key(|name| *name != client.first);
    let programs = programs.map(|name| format!("/usr/bin/{name}"));
    let calls = calls();
    assert!(!calls.is_empty());
    // Twice if the client probes first.
    for pair in calls.chunks(programs.len()) {
        assert!(pair.iter().map(|call| &call.program).eq(&programs), "{calls:?}");
        assert!(pair.iter().all(|call| call.caller == client.caller), "{calls:?}");
    }
}

/// The command, started for alice under root's strace. Under a user's own strace, no program gains privilege.
fn traced(site: &Site, command: &Command) -> Command {
    // strace ends with the last process, so the one that podman leaves must be killed.
    let script = format!("\"$@\"; status=$?; kill -9 $(cat {PAUSE_PID}) 2>/dev/null; exit $status");
    let mut strace = site.host.user("root").command("strace");
    strace.args(["-f", "-u", "alice", "-o", TRACE, "-e", "trace=process", "-e", "signal=none"]);
    for (name, value) in command.get_envs() {
        strace.env(name, value.expect("a variable that is set"));
    }
    strace.args(["sh", "-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
    strace.current_dir(&site.alice.home);
    strace
}

fn calls() -> Vec<Call> {
    let trace = fs::read_to_string(TRACE).expect("reading the trace");
    let lines: Vec<(u32, &str)> = trace.lines().filter_map(pid_and_call).collect();
    let parents: HashMap<u32, u32> = lines.iter().filter_map(|line| child(*line)).collect();
    lines.iter().filter_map(|(pid, call)| start(*pid, call, &parents)).collect()
}

fn pid_and_call(line: &str) -> Option<(u32, &str)> {
    let (pid, call) = line.split_once(' ')?;
    Some((pid.parse().ok()?, call.trim_start()))
}

/// A new process or thread, and the one that created it.
fn child((parent, call): (u32, &str)) -> Option<(u32, u32)> {
    let name = call.trim_start_matches("<... ");
    let makes = ["clone", "fork", "vfork"].iter().any(|start| name.starts_with(start));
    let (_, child) = call.rsplit_once(" = ").filter(|_| makes)?;
    Some((child.parse().ok()?, parent))
}

/// `execve("/usr/bin/newuidmap", ["newuidmap", "TARGET", …`. Calls in other directories are failing guesses,
/// and a call without arguments is a probe.
fn start(pid: u32, call: &str, parents: &HashMap<u32, u32>) -> Option<Call> {
    let mut words = call.strip_prefix("execve(")?.split('"').skip(1).step_by(2);
    let program =
        words.next().filter(|path| DROP_INS.iter().any(|name| *path == format!("/usr/bin/{name}")))?;
    let target: u32 = words.nth(1)?.parse().expect("a target that is a PID");
    let mut ancestors = std::iter::successors(parents.get(&pid), |pid| parents.get(pid));
    let caller = match ancestors.any(|ancestor| *ancestor == target) {
        true => Caller::TargetsChild,
        false => Caller::Outside,
    };
    Some(Call { program: program.to_owned(), caller })
}
