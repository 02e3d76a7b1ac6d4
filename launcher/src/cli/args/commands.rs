//! The arguments of every command except `run`.

use crate::cli::args::ids::MapperArgs;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

const LINT_HELP: &str = "\
What is reported, each with its file, line and fix:
  bad-line           grants nothing, and why
  not-here           IDs that do not exist in this user namespace
  overlap            shares IDs with a line of another user
  duplicate          grants the same as an earlier line of its user
  own-id             contains only its user's own ID
  given-again        its account no longer exists, and another user has the IDs
  no-account         its account does not exist
  live-account       contains the ID of an account, and so grants nothing
  live-group         contains the ID of a group
  system-ids         contains IDs below 1000
  overflow-id        contains 65534
  systemd-ids        contains IDs that systemd takes for itself
  overlaps-computed  contains IDs or accounts of a computed-grants rule
  one-file           its user has no line in the other file
  too-small          its user has fewer IDs than a Debian root needs
  too-many-lines     grants nothing, because 4096 lines of its user come before it
  too-many-ranges    its user has more ranges than fit in a map
  bad-setting        a line of mapper.conf that prevents the mapper from granting anything
  not-trusted        a file, or a directory on the path to it, that users other than root can write
  not-readable       a file, or a directory on the path to it, that not all users can read
  dangling-link      a grant file that is a symbolic link to a missing file
  no-newline         the last line has no newline, so that an appended line would become part of it
  no-room            no whole range is left for another user
  no-plugin          a plugin keeps the grants, and its library is missing
  plugin             lines that do not count, because a plugin keeps the grants

Exit status: 0 nothing to report; 1 something is reported; 125 a file cannot be read.";

/// `subroot exec`.
#[derive(Args)]
pub(crate) struct ExecArgs {
    /// The sandbox, by its name or PID
    pub(crate) sandbox: String,
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
    /// Set an environment variable, or pass on the caller's
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,
    /// Set the environment variables in a file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Start in this directory of the sandbox
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// Run as this user of the rootfs
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<OsString>,
    /// Give the command its own terminal; the default for a shell on a terminal
    #[arg(short, long, overrides_with = "tty")]
    pub(crate) tty: bool,
    /// Keep standard input open: already the default
    #[arg(short, long, overrides_with = "interactive")]
    pub(crate) interactive: bool,
    /// Pass the descriptors 3 to N+2 to the command
    #[arg(long, value_name = "N")]
    pub(crate) preserve_fds: Option<u16>,
}

/// `subroot ps`.
#[derive(Args)]
pub(crate) struct PsArgs {
    /// List also detached sandboxes that have ended and are kept
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the name of each sandbox, or its PID if it has no name
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The format: json or table
    #[arg(long, hide = true, value_parser = ["json", "table"], conflicts_with = "json")]
    pub(crate) format: Option<String>,
}

/// `subroot kill`.
#[derive(Args)]
pub(crate) struct KillArgs {
    /// The sandboxes, by their names or PIDs
    #[arg(required = true)]
    pub(crate) sandboxes: Vec<String>,
    /// The signal, by name or number
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    pub(crate) signal: String,
}

/// `subroot unshare`.
#[derive(Args)]
pub(crate) struct UnshareArgs {
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// `subroot idmap`.
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct IdmapArgs {
    /// What to show instead of everything.
    #[command(subcommand)]
    pub(crate) verb: Option<IdmapVerb>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// `subroot doctor`.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// A rootfs, whose path is also examined
    pub(crate) rootfs: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Examine what another user has, as root
    #[arg(long, value_name = "NAME")]
    pub(crate) for_user: Option<String>,
}

/// The commands of `subroot idmap`.
#[derive(Subcommand)]
pub(crate) enum IdmapVerb {
    /// Report whether the mapper would grant you these maps, by which lines, and what it would grant instead
    #[command(after_help = "Exit status: 0 granted; 1 refused; 125 subroot failed.")]
    Explain(ExplainArgs),
}

/// `subroot idmap explain`.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The user IDs, as for newidmap-helper
    #[arg(long, value_name = "IN:OUT:COUNT[,…]")]
    pub(crate) uid_map: Option<OsString>,
    /// The group IDs
    #[arg(long, value_name = "IN:OUT:COUNT[,…]")]
    pub(crate) gid_map: Option<OsString>,
}

/// `subroot grants`.
#[derive(Args)]
pub(crate) struct GrantsArgs {
    /// What to look at.
    #[command(subcommand)]
    pub(crate) verb: GrantsVerb,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands of `subroot grants`.
#[derive(Subcommand)]
pub(crate) enum GrantsVerb {
    /// Print what is wrong with /etc/subuid and /etc/subgid, and how many IDs are free
    #[command(after_help = LINT_HELP)]
    Lint,
    /// Print whose subordinate ID this is
    Owner {
        /// An ID, or a file for its owner and group; ./5 is a file whose name is a number
        #[arg(value_name = "ID|PATH")]
        what: OsString,
    },
    /// Print the command that gives a user a free range
    Suggest {
        /// The user, by name or uid
        user: OsString,
        /// How many IDs, 65536 if that many are free; 2001 are enough for a Debian root
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        count: Option<u32>,
    },
}

/// `subroot completions`.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: String,
}
