//! `subroot run --args FD`: further options, which are read from a descriptor of the caller.

use crate::cli::args::{Cli, RunArgs, Verb};
use crate::cli::values::{descriptors, split};
use crate::error::Error;
use clap::error::{ContextKind, ContextValue};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

const OPTION: &str = "--args";

/// A command line that the parser refuses.
pub(crate) struct Unreadable {
    pub(crate) message: clap::Error,
    /// The descriptor of `--args` that has the refused word.
    pub(crate) descriptor: Option<i32>,
}

/// Reads the arguments again, with the options from descriptors where `--args` names them. `cli` is what
/// [`Cli::read`] has read, which is returned if there is no such option. The numbers of the descriptors stay in
/// [`RunArgs::args`].
///
/// # Errors
/// A descriptor cannot be read, or has other words than options. The inner errors are those of
/// [`Cli::read`].
pub(crate) fn read(
    cli: Result<Cli, clap::Error>,
    args: &[OsString],
) -> Result<Result<Cli, Unreadable>, Error> {
    match &cli {
        Ok(Cli { verb: Verb::Run(typed), .. }) if !typed.args.is_empty() => read_all(args, typed),
        _ => Ok(cli.map_err(|message| Unreadable { message, descriptor: None })),
    }
}

fn read_all(args: &[OsString], typed: &RunArgs) -> Result<Result<Cli, Unreadable>, Error> {
    let named: Vec<(&'static str, i32)> = typed.args.iter().map(|number| (OPTION, *number)).collect();
    descriptors::check_distinct(&named)?;
    let mut read = Vec::new();
    let expanded = expanded(args, typed, &mut read)?;
    match Cli::read(&expanded) {
        Ok(Cli { verb: Verb::Run(all), .. }) if has_other_words(&all, typed) => {
            Err(refused("a descriptor has words that are not options of subroot run, or --args".into()))
        }
        Ok(Cli { verb: Verb::Run(mut all), verbose, quiet }) => {
            all.args.clone_from(&typed.args);
            Ok(Ok(Cli { verb: Verb::Run(all), verbose, quiet }))
        }
        Ok(cli) => Ok(Ok(cli)),
        // Without these words, the command line could be read.
        Err(message) => {
            let descriptor = location(&message, &read);
            Ok(Err(Unreadable { message, descriptor }))
        }
    }
}

/// The descriptor that has the refused option. If none has it as it is named, it is in the only one.
fn location(message: &clap::Error, read: &[(i32, Vec<OsString>)]) -> Option<i32> {
    let refused = match message.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(refused)) => refused.split([' ', '[', '=']).next().unwrap_or_default(),
        _ => "",
    };
    let has_it = |words: &[OsString]| {
        words.iter().any(|word| !refused.is_empty() && word.as_bytes().starts_with(refused.as_bytes()))
    };
    let found = read.iter().find(|(_, words)| has_it(words));
    let only = || if let [only] = read { Some(only) } else { None };
    found.or_else(only).map(|(number, _)| *number)
}

/// Adds to a message the descriptor that has the refused word.
pub(crate) fn located(why: String, descriptor: Option<i32>) -> String {
    match descriptor {
        Some(number) => format!("descriptor {number} of {OPTION}: {why}"),
        None => why,
    }
}

fn has_other_words(all: &RunArgs, typed: &RunArgs) -> bool {
    !all.args.is_empty() || (&all.rootfs, &all.command) != (&typed.rootfs, &typed.command)
}

/// The arguments with the words of each descriptor where its option is. The command comes last, and
/// what looks like the option in it is left unchanged. The words of each descriptor are added to `read`.
fn expanded(
    args: &[OsString],
    typed: &RunArgs,
    read: &mut Vec<(i32, Vec<OsString>)>,
) -> Result<Vec<OsString>, Error> {
    let (options, command) = args.split_at(args.len().saturating_sub(typed.command.len()));
    let mut numbers = typed.args.iter();
    let mut expanded = Vec::new();
    let mut rest = options.iter();
    while let Some(arg) = rest.next() {
        if arg == OPTION {
            // The next argument is its value.
            rest.next();
        } else if !arg.as_bytes().starts_with(b"--args=") {
            expanded.push(arg.clone());
            continue;
        }
        if let Some(number) = numbers.next() {
            let words = words(*number)?;
            expanded.extend_from_slice(&words);
            read.push((*number, words));
        }
    }
    expanded.extend_from_slice(command);
    Ok(expanded)
}

/// The words of a descriptor, each of which ends with a NUL byte; the last one can lack it.
fn words(number: i32) -> Result<Vec<OsString>, Error> {
    let content = descriptors::content(OPTION, number)?;
    let mut words: Vec<&OsStr> = split(OsStr::from_bytes(&content), 0).collect();
    if words.last().is_some_and(|after_the_last| after_the_last.is_empty()) {
        words.pop();
    }
    match words.iter().any(|word| *word == "--") {
        true => Err(refused(format!("descriptor {number} has --, and only options can come from there"))),
        false => Ok(words.into_iter().map(OsStr::to_owned).collect()),
    }
}

fn refused(why: String) -> Error {
    Error::Usage { what: OPTION, why }
}
