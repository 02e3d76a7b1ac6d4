//! `--json-status FD`: writes a line of JSON when the command has started, has ended, or could not be
//! started.

use crate::error::Error;
use crate::parent::explain;
use crate::plan::Plan;
use crate::request::namespaces::KINDS;
use crate::sys::process::Ended;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The event for a started command, prepared while the child can still be examined.
pub(crate) struct Started {
    streams: Vec<Arc<OwnedFd>>,
    line: Value,
}

impl Started {
    /// Prepares the event, if there are status streams.
    pub(crate) fn new(plan: &Plan, pid: i32, dir: &OwnedFd) -> Option<Started> {
        let streams = Some(plan.status_streams.clone()).filter(|streams| !streams.is_empty())?;
        // Error ignored: a kind of namespace that the kernel does not support is left out.
        let inode = |name: &str| fstatat(dir, format!("ns/{name}").as_str(), AtFlags::empty()).ok();
        let namespaces: serde_json::Map<String, Value> = KINDS
            .into_iter()
            .filter_map(|(name, _)| Some((name.to_owned(), inode(name)?.st_ino.into())))
            .collect();
        let map = |name: &str| map(dir, name);
        let line = json!({
            "event": "started", "name": plan.name, "pid": pid, "launcher": nix::unistd::getpid().as_raw(),
            "namespaces": namespaces, "uid_map": map("uid_map"), "gid_map": map("gid_map"),
        });
        Some(Started { streams, line })
    }

    /// The event for a command in a sandbox that was already running.
    pub(crate) fn of_process(streams: &[Arc<OwnedFd>], pid: i32) -> Started {
        let launcher = nix::unistd::getpid().as_raw();
        let line = json!({"event": "started", "pid": pid, "launcher": launcher});
        Started { streams: streams.to_vec(), line }
    }

    /// Sends the event.
    pub(crate) fn send(self) {
        write(&self.streams, &self.line);
    }
}

/// The lines of a map as the kernel shows it: inside, outside, count. None if it cannot be read.
fn map(dir: &OwnedFd, name: &str) -> Option<Vec<Vec<u32>>> {
    use std::io::Read as _;
    let flags = nix::fcntl::OFlag::O_RDONLY | nix::fcntl::OFlag::O_CLOEXEC;
    let file = nix::fcntl::openat(dir, name, flags, nix::sys::stat::Mode::empty());
    let mut text = String::new();
    // Error ignored: `null` means that it is not known.
    std::fs::File::from(file.ok()?).read_to_string(&mut text).ok()?;
    let numbers = |line: &str| line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    Some(text.lines().map(numbers).collect())
}

/// Reports how the command ended, or why it could not be started.
pub(crate) fn report_end(streams: &[Arc<OwnedFd>], outcome: &Result<Ended, Error>) {
    if streams.is_empty() {
        return;
    }
    let line = match outcome {
        Ok(ended) => {
            let signal = match ended {
                Ended::Killed(signal) => Some(signal),
                Ended::Exited(_) => None,
            };
            json!({"event": "ended", "status": ended.status(), "signal": signal})
        }
        Err(error) => return report_failure(streams, error),
    };
    write(streams, &line);
}

/// Reports why the command could not be started.
pub(crate) fn report_failure(streams: &[Arc<OwnedFd>], error: &Error) {
    if streams.is_empty() {
        return;
    }
    let (reason, fix) = explain::lines(error);
    write(streams, &json!({"event": "failed", "status": error.status(), "reason": reason, "fix": fix}));
}

/// Sends a warning to the process that started the monitor.
pub(crate) fn warn(stream: &OwnedFd, text: &str) {
    write_line(stream, &json!({"event": "warning", "text": text}));
}

fn write(streams: &[Arc<OwnedFd>], line: &Value) {
    streams.iter().for_each(|stream| write_line(stream, line));
}

fn write_line(stream: &OwnedFd, line: &Value) {
    // Error ignored: text and numbers can always be converted to JSON.
    let text = serde_json::to_string(line).ok().unwrap_or_default() + "\n";
    let mut rest = text.as_bytes();
    // Error ignored: the reader has closed the stream.
    while let Ok(written @ 1..) = nix::unistd::write(stream, rest) {
        rest = rest.get(written..).unwrap_or_default();
    }
}
