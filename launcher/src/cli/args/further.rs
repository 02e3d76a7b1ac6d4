//! `subroot run --args FD`: further options, which are read from a descriptor of the caller.

use crate::cli::args::{Cli, RunArgs, Verb};
use crate::cli::values::{descriptors, split};
use crate::error::Error;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

const OPTION: &str = "--args";

/// Reads the arguments again, with the options from descriptors where `--args` names them. `cli` is what
/// [`Cli::read`] has read, which is returned if there is no such option.
///
/// # Errors
/// A descriptor cannot be read, or has other words than options. The inner errors are those of
/// [`Cli::read`].
pub(crate) fn read(
    cli: Result<Cli, clap::Error>,
    args: &[OsString],
) -> Result<Result<Cli, clap::Error>, Error> {
    match &cli {
        Ok(Cli { verb: Verb::Run(typed), .. }) if !typed.args.is_empty() => read_all(args, typed),
        _ => Ok(cli),
    }
}

fn read_all(args: &[OsString], typed: &RunArgs) -> Result<Result<Cli, clap::Error>, Error> {
    match Cli::read(&expanded(args, typed)?) {
        Ok(Cli { verb: Verb::Run(all), .. }) if has_other_words(&all, typed) => {
            Err(refused("a descriptor has words that are not options of subroot run, or --args".into()))
        }
        read => Ok(read),
    }
}

fn has_other_words(all: &RunArgs, typed: &RunArgs) -> bool {
    !all.args.is_empty() || (&all.rootfs, &all.command) != (&typed.rootfs, &typed.command)
}

/// The arguments with the words of each descriptor where its option is. The command comes last, and
/// what looks like the option in it is left unchanged.
fn expanded(args: &[OsString], typed: &RunArgs) -> Result<Vec<OsString>, Error> {
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
            expanded.extend(words(*number)?);
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
