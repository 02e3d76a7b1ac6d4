//! What can be typed: the command line, before anything is made of it.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Start a program in its own root file system: root inside, nobody special outside.
#[derive(Parser)]
#[command(name = "subroot", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The commands.
#[derive(Subcommand)]
pub enum Verb {
    /// Run a command as root in a root file system of its own
    #[command(after_help = RUN_HELP)]
    Run(RunWords),
    /// Run a command as root of a new user namespace alone, in the host's own file system
    #[command(after_help = UNSHARE_HELP)]
    Unshare(UnshareWords),
    /// Show which IDs you may map, and which line grants them
    Idmap(IdmapWords),
}

const RUN_HELP: &str = "\
Without ROOTFS the host's own system is used, and all writes go to a private layer in memory.
Without COMMAND a shell is started.

Exit status: the command's own; 128+N if signal N ended it; 125 subroot failed;
126 the command was found but could not be run; 127 it was not found.";

const UNSHARE_HELP: &str = "\
For looking at, changing and deleting files that belong to your subordinate IDs.
Without COMMAND a shell is started.";

/// `subroot run`.
#[derive(Args)]
pub struct RunWords {
    /// The folder that becomes the root
    pub rootfs: Option<PathBuf>,
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
    /// Set an environment variable, or pass the caller's on where no value is given
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,
    /// The folder inside in which the command starts
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// Make the command PID 1 itself, without an init
    #[arg(long = "as-pid-1")]
    pub as_pid_1: bool,
    /// Run an init that reaps and relays signals: already the default
    #[arg(long, conflicts_with = "as_pid_1")]
    pub init: bool,
    /// Where IDs come from.
    #[command(flatten)]
    pub mapper: MapperWords,
}

/// `subroot unshare`.
#[derive(Args)]
pub struct UnshareWords {
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
    /// Where IDs come from.
    #[command(flatten)]
    pub mapper: MapperWords,
}

/// `subroot idmap`.
#[derive(Args)]
pub struct IdmapWords {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How the mapper is found.
#[derive(Args)]
pub struct MapperWords {
    /// Use this newidmap-helper, and no other way to map IDs (also: SUBROOT_HELPER)
    #[arg(long, value_name = "PATH")]
    pub helper: Option<PathBuf>,
}

/// Parts the words at the first `--`: what comes after it is the command's, whatever it looks like.
pub fn split_command(words: impl Iterator<Item = OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    let mut typed: Vec<OsString> = words.collect();
    match typed.iter().position(|word| word == "--") {
        Some(at) => {
            let command = typed.split_off(at + 1);
            typed.pop();
            (typed, Some(command))
        }
        None => (typed, None),
    }
}

/// The command's words: those typed without `--`, then those after it. A `--` that is the command's own stays in it.
pub fn join_command(typed: Vec<OsString>, after: Option<Vec<OsString>>) -> Vec<OsString> {
    match after {
        Some(after) if typed.is_empty() => after,
        Some(after) => typed.into_iter().chain([OsString::from("--")]).chain(after).collect(),
        None => typed,
    }
}
