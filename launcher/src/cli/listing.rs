//! `subroot ps` and `subroot kill`: list running sandboxes and send them signals.

use crate::cli::args::{KillArgs, PsArgs};
use crate::cli::output;
use crate::error::Error;
use crate::parent::join;
use crate::parent::registry::{self, Known};
use crate::sys::standard_error;
use nix::libc;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// How long to wait for the end of killed sandboxes, in steps of 5 ms.
const STEPS: u32 = 400;

/// Lists the running sandboxes.
///
/// # Errors
/// The running sandboxes cannot be listed, or standard output cannot be written.
pub(crate) fn print(typed: &PsArgs) -> anyhow::Result<u8> {
    let known = registry::running()?;
    let text = if typed.json || typed.format.as_deref() == Some("json") {
        output::json(&Value::from(known.iter().map(object).collect::<Vec<_>>()))?
    } else if typed.quiet {
        known.iter().map(|known| name(known) + "\n").collect()
    } else {
        table(&known)
    };
    output::output(&text)?;
    Ok(0)
}

/// What `exec` and `kill` take for a sandbox: its name, or its PID if it has none.
fn name(known: &Known) -> String {
    known.name.clone().unwrap_or_else(|| known.pid.to_string())
}

fn table(known: &[Known]) -> String {
    // Error ignored: the clock is before 1970.
    let now = SystemTime::UNIX_EPOCH.elapsed().ok().map_or(0, |since| since.as_millis());
    let mut text = format!("{:<16} {:>8} {:>8}  {}\n", "NAME", "PID", "SECONDS", "COMMAND");
    for known in known {
        let _ = writeln!(
            text,
            "{:<16} {:>8} {:>8}  {}",
            name(known),
            known.pid,
            now.saturating_sub(known.started.into()) / 1000,
            command(known)
        );
    }
    text
}

/// The first 80 characters of the command, on one line.
fn command(known: &Known) -> String {
    let args: Vec<String> =
        known.process.command.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let line = if args.is_empty() { "(a shell)".to_owned() } else { args.join(" ") };
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
    })
}

/// Sends a signal to each sandbox. After SIGKILL, waits for their ends.
///
/// # Errors
/// The signal is unknown, or a sandbox does not exist.
pub(crate) fn kill(typed: &KillArgs) -> anyhow::Result<u8> {
    let signal = signal(&typed.signal)
        .ok_or_else(|| Error::Usage { what: "--signal", why: format!("unknown signal {}", typed.signal) })?;
    let known = typed.sandboxes.iter().map(|arg| registry::find(arg)).collect::<Result<Vec<_>, _>>()?;
    known.iter().try_for_each(|known| join::signal(known, signal))?;
    if signal == libc::SIGKILL {
        // Error ignored: a sandbox that cannot be examined may still be running.
        let is_there = |known: &Known| registry::is_running(known).ok() != Some(false);
        let mut steps = 0..STEPS;
        while known.iter().any(is_there) && steps.next().is_some() {
            sleep(Duration::from_millis(5));
        }
    }
    Ok(0)
}

/// Reads a signal: a name with or without SIG, or a number, including those of real-time signals.
fn signal(arg: &str) -> Option<i32> {
    if let Ok(number) = arg.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let name = arg.to_ascii_uppercase();
    let name = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
    name.parse::<Signal>().ok().map(|signal| signal as i32)
}
