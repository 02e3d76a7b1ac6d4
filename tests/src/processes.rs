//! Queries of the process table.

use nix::unistd::Pid;
use std::fs;

/// Every process with this word in its command line. Tests mark their processes by a word that no other
/// process has.
pub fn processes_with_word(word: &str) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("reading /proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|part| part == word.as_bytes()))
    })
    .map(Pid::from_raw)
    .collect()
}

/// The same with all processes below them. A sandbox's init shows no argument of its launcher.
pub(crate) fn processes_below_word(word: &str) -> Vec<Pid> {
    let mut found = processes_with_word(word);
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        let below: Vec<Pid> = children(*pid).into_iter().filter(|child| !found.contains(child)).collect();
        found.extend(below);
        at += 1;
    }
    found
}

/// Every init of a sandbox whose launcher has ended.
pub(crate) fn orphaned_inits() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("reading /proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    pids.filter(|pid| {
        let is = |name, values: &[&str]| {
            status_line(*pid, name).is_some_and(|value| values.iter().any(|known| value.starts_with(known)))
        };
        is("Name", &["subroot-init"]) && !is("State", &["Z"]) && matches!(parent(*pid), Some(0 | 1))
    })
    .collect()
}

fn parent(pid: Pid) -> Option<i32> {
    status_line(pid, "PPid")?.parse().ok()
}

/// The children of a single-threaded process: proc_pid_task(5).
pub fn children(pid: Pid) -> Vec<Pid> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).map(Pid::from_raw).collect()
}

/// A line of `/proc/PID/status`, such as `CapEff`, without its name; `None` if the process has ended.
pub fn status_line(pid: Pid, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}
