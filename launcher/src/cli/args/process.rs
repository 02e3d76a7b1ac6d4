//! The options of `subroot run` about the command as a process, and about its privileges.

use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// How the command runs.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessArgs {
    /// Set an environment variable, or pass on the caller's
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,
    /// Set the environment variables in a file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Pass on the caller's whole environment
    #[arg(long)]
    pub(crate) env_host: bool,
    /// Put this program before COMMAND, instead of the entry point of an image; nothing if it is empty
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) entrypoint: Option<OsString>,
    /// Start in this directory of the sandbox
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// Give the command its own terminal; the default for a shell on a terminal
    #[arg(short, long, overrides_with = "tty")]
    pub(crate) tty: bool,
    /// Keep standard input open: already the default
    #[arg(short, long, overrides_with = "interactive")]
    pub(crate) interactive: bool,
    /// Pass the descriptors 3 to N+2 to the command
    #[arg(long, value_name = "N")]
    pub(crate) preserve_fds: Option<u16>,
    /// Set a resource limit
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub(crate) ulimit: Vec<String>,
    /// Set the file mode creation mask, in octal
    #[arg(long, value_name = "MODE")]
    pub(crate) umask: Option<String>,
    /// Set the preference for the out-of-memory killer, -1000 to 1000
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) oom_score_adj: Option<i32>,
}

/// What the command may do.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Security")]
pub(crate) struct SecurityArgs {
    /// Add capabilities, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    pub(crate) cap_add: Vec<String>,
    /// Drop capabilities, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    pub(crate) cap_drop: Vec<String>,
    /// Confine the command: no-new-privileges, seccomp=, seccomp-arch=, landlock= or mask=
    #[arg(long, value_name = "OPTION")]
    pub(crate) security_opt: Vec<OsString>,
}
