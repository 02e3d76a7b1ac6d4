//! Spellings of docker's and podman's that mean the same here. They are tried only after the parser has
//! refused the command line, so that a launch does not pay for them.

use crate::cli::args::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// Other names of commands, with what they stand for.
const COMMANDS: [(&str, &str); 3] = [("ls", "ps"), ("info", "doctor"), ("version", "--version")];

/// Switches that can be given a value, with the switch that means the opposite.
const OPPOSITES: [(&str, &str); 1] = [("--init", "--as-pid-1")];

/// Reads the arguments, in other spellings if these are refused. Returns those that were read last.
///
/// # Errors
/// The arguments are invalid, or they request help.
pub(crate) fn read(mut args: Vec<OsString>) -> (Result<Cli, clap::Error>, Vec<OsString>) {
    // Each spelling is replaced once: the words that replace them are not in the tables.
    loop {
        match Cli::read(&args) {
            Err(error) if respell(&error, &mut args).is_some() => {}
            read => return (read, args),
        }
    }
}

/// Replaces the refused argument if it is another spelling.
#[cold]
fn respell(error: &clap::Error, args: &mut Vec<OsString>) -> Option<()> {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => command(of(ContextKind::InvalidSubcommand)?, args),
        ErrorKind::UnknownArgument => match of(ContextKind::InvalidArg)? {
            "--rootfs" => rootfs(args),
            "-=" => short_switch(args),
            _ => None,
        },
        ErrorKind::TooManyValues => {
            switch(of(ContextKind::InvalidArg)?, of(ContextKind::InvalidValue)?, args)
        }
        _ => None,
    }
}

/// `help COMMAND`, and other names of commands.
fn command(typed: &str, args: &mut Vec<OsString>) -> Option<()> {
    let at = position(typed, args)?;
    if typed == "help" {
        args.remove(at);
        args.push("--help".into());
        return Some(());
    }
    let is_of_program = args[1..at].iter().all(|arg| arg.as_bytes().starts_with(b"-"));
    let (_, command) = COMMANDS.iter().find(|(other, _)| is_of_program && *other == typed)?;
    args[at] = command.into();
    Some(())
}

/// `--rootfs DIR`, which is podman's for ROOTFS.
fn rootfs(args: &mut Vec<OsString>) -> Option<()> {
    if let Some(at) = position("--rootfs", args) {
        args.remove(at);
        return Some(());
    }
    let attached = |arg: &OsString| arg.as_bytes().strip_prefix(b"--rootfs=").map(<[u8]>::to_owned);
    let (at, dir) = args.iter().enumerate().find_map(|(at, arg)| Some((at, attached(arg)?)))?;
    args[at] = OsStr::from_bytes(&dir).to_owned();
    Some(())
}

/// `--SWITCH=true` and `--SWITCH=false`. What is always so cannot be switched off.
fn switch(option: &str, value: &str, args: &mut Vec<OsString>) -> Option<()> {
    let at = position(&format!("{option}={value}"), args)?;
    let opposite = OPPOSITES.iter().find(|(switch, _)| *switch == option).map(|(_, opposite)| opposite);
    match (value, opposite) {
        ("true", _) => args[at] = option.into(),
        ("false", Some(opposite)) => args[at] = opposite.into(),
        ("false", None) if option != "--rm" => drop(args.remove(at)),
        _ => return None,
    }
    Some(())
}

/// `-t=true` and `-it=false`.
fn short_switch(args: &mut Vec<OsString>) -> Option<()> {
    let is_short = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('=');
    let at = args.iter().position(|arg| arg.to_str().filter(is_short).is_some())?;
    let (switches, value) = args[at].to_str()?.split_once('=')?;
    let kept = match value {
        "true" => switches,
        "false" => switches.get(..switches.len() - 1)?,
        _ => return None,
    };
    match kept {
        "-" => drop(args.remove(at)),
        kept => args[at] = kept.to_owned().into(),
    }
    Some(())
}

/// The first of these arguments. Those of the command in the sandbox come later.
fn position(arg: &str, args: &[OsString]) -> Option<usize> {
    args.iter().position(|typed| typed == arg)
}
