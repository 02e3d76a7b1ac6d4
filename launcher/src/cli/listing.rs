//! `subroot ps` and `subroot kill`: list running sandboxes and send them signals.

use crate::cli::args::{KillArgs, PsArgs};
use crate::cli::output;
use crate::cli::values::signals;
use crate::error::Error;
use crate::parent::detached::job::{self, End, Kept};
use crate::parent::detached::store::LOGS;
use crate::parent::join;
use crate::parent::registry::known::now;
use crate::parent::registry::{self, Known};
use crate::sys::standard_error;
use nix::libc;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How long to wait for the end of killed sandboxes, in steps of 5 ms.
const STEPS: u32 = 400;

/// Lists the running sandboxes, and with `--all` those that have ended and are kept. A record that cannot be
/// read is reported, and its exit status returned.
///
/// # Errors
/// The sandboxes cannot be listed, or standard output cannot be written.
pub(crate) fn print(typed: &PsArgs) -> anyhow::Result<u8> {
    let known = registry::running()?;
    let kept = if typed.all { job::kept(&known)? } else { Vec::new() };
    let (kept, status) = output::attempt_each(kept, |kept| kept);
    let text = if typed.json || typed.format.as_deref() == Some("json") {
        let objects = known.iter().map(object).chain(kept.iter().map(object_of_ended));
        output::json(&Value::from(objects.collect::<Vec<_>>()))?
    } else if typed.quiet {
        let names = known.iter().map(Known::shown_name).chain(kept.iter().map(|kept| kept.name.clone()));
        names.map(|name| name + "\n").collect()
    } else if typed.all {
        table_of_all(&known, &kept)
    } else {
        table(&known)
    };
    output::output(&text)?;
    Ok(status)
}

fn table(known: &[Known]) -> String {
    let mut text = format!("{:<16} {:>8} {:>8}  {}\n", "NAME", "PID", "SECONDS", "COMMAND");
    for known in known {
        let (name, seconds) = (known.shown_name(), seconds_since(known.started));
        let _ = writeln!(text, "{name:<16} {:>8} {seconds:>8}  {}", known.pid, command(known));
    }
    text
}

fn table_of_all(known: &[Known], kept: &[Kept]) -> String {
    let mut text = format!("{:<16} {:>8} {:>8}  {:<12}  {}\n", "NAME", "PID", "SECONDS", "STATUS", "COMMAND");
    for known in known {
        let (name, seconds) = (known.shown_name(), seconds_since(known.started));
        let (pid, command) = (known.pid, command(known));
        let _ = writeln!(text, "{name:<16} {pid:>8} {seconds:>8}  {:<12}  {command}", "running");
    }
    for kept in kept {
        let status = match job::end_of(&kept.record) {
            End::Status(status) => format!("exited ({status})"),
            End::Lost => "lost".to_owned(),
        };
        let args = kept.record.created("command").as_array().map(Vec::as_slice).unwrap_or_default();
        let args: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
        let seconds = kept.record.created("started").as_u64().map(seconds_since).unwrap_or_default();
        let _ = writeln!(text, "{:<16} {:>8} {seconds:>8}  {status:<12}  {}", kept.name, "-", shown(&args));
    }
    text
}

/// The seconds since a time in milliseconds since 1970.
fn seconds_since(started: u64) -> u64 {
    now().saturating_sub(started) / 1000
}

/// The first 80 characters of the command, on one line.
fn command(known: &Known) -> String {
    let args: Vec<String> =
        known.process.command.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    shown(&args)
}

fn shown(args: &[impl AsRef<str>]) -> String {
    let line = args.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ");
    let line = if args.is_empty() { "(a shell)".to_owned() } else { line };
    standard_error::escaped(&line.chars().take(80).collect::<String>())
}

fn object(known: &Known) -> Value {
    let text = |arg: &OsString| arg.to_string_lossy().into_owned();
    json!({
        "name": known.name,
        "pid": known.pid,
        "launcher": known.launcher,
        "started": known.started,
        "rootfs": known.rootfs.as_ref().map(text),
        "command": known.process.command.iter().map(text).collect::<Vec<_>>(),
        "detached": known.detached.is_some(),
        "log": known.detached.as_ref().map(|detached| log(&detached.dir)),
        "state": "running",
        "status": null,
    })
}

fn object_of_ended(kept: &Kept) -> Value {
    let record = &kept.record;
    let state = match job::end_of(record) {
        End::Status(_) => "exited",
        End::Lost => "lost",
    };
    json!({
        "name": kept.name,
        "pid": null,
        "launcher": null,
        "started": record.created("started"),
        "rootfs": record.created("rootfs"),
        "command": record.created("command"),
        "detached": true,
        "log": log(&kept.dir.path),
        "state": state,
        "status": record.status(),
        "reason": record.reason(),
    })
}

fn log(dir: &Path) -> String {
    dir.join(LOGS[0]).to_string_lossy().into_owned()
}

/// Sends a signal to each sandbox. After SIGKILL, waits for their ends. If one of them does not exist, the others
/// get the signal, and the highest exit status is returned.
///
/// # Errors
/// The signal is unknown.
pub(crate) fn kill(typed: &KillArgs) -> anyhow::Result<u8> {
    let signal = signals::signal(&typed.signal)
        .ok_or_else(|| Error::Usage { what: "--signal", why: format!("unknown signal {}", typed.signal) })?;
    let (known, status) = output::attempt_each(&typed.sandboxes, |arg| {
        let known = registry::find(arg)?;
        join::signal(&known, signal).map(|()| known)
    });
    if signal == libc::SIGKILL {
        // Error ignored: a sandbox that cannot be examined may still be running.
        let is_there = |known: &Known| registry::is_running(known).ok() != Some(false);
        let mut steps = 0..STEPS;
        while known.iter().any(is_there) && steps.next().is_some() {
            sleep(Duration::from_millis(5));
        }
    }
    Ok(status)
}
