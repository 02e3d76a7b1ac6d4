//! `subroot run`: its arguments, and the options about the whole run.

use crate::cli::args::ids::IdentityArgs;
use crate::cli::args::mounts::MountArgs;
use crate::cli::args::namespaces::NamespaceArgs;
use crate::cli::args::network::NetworkArgs;
use crate::cli::args::process::{ProcessArgs, SecurityArgs};
use crate::cli::args::registries::PullingArgs;
use clap::{ArgAction, Args};
use std::ffi::OsString;
use std::path::PathBuf;

const RUN_HELP: &str = "\
Without ROOTFS, the host's own system is the root, and all changes are discarded on exit.
Without COMMAND, a shell is started. Options come before ROOTFS and mean what they mean for podman run.

Exit status: the command's own; 128+N if signal N ended it; 125 subroot failed;
126 the command was found but could not be run; 127 the command was not found.";

/// Run a command as root in its own root filesystem
#[derive(Args)]
#[group(skip)]
#[command(disable_help_flag = true, term_width = 0, after_help = RUN_HELP)]
pub(crate) struct RunArgs {
    /// The directory or the image that becomes the root
    pub(crate) rootfs: Option<PathBuf>,
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
    /// Read further options, each ended by a NUL byte, from this file descriptor
    #[arg(long, value_name = "FD")]
    pub(crate) args: Vec<i32>,
    /// Where the image comes from.
    #[command(flatten)]
    pub(crate) pulling: PullingArgs,
    /// What is mounted.
    #[command(flatten)]
    pub(crate) mounts: MountArgs,
    /// How the command runs.
    #[command(flatten)]
    pub(crate) process: ProcessArgs,
    /// What the command may do.
    #[command(flatten)]
    pub(crate) security: SecurityArgs,
    /// Which IDs it has.
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    /// Which namespaces it has.
    #[command(flatten)]
    pub(crate) namespaces: NamespaceArgs,
    /// How its network is connected.
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// When the sandbox ends.
    #[command(flatten)]
    pub(crate) lifecycle: LifecycleArgs,
    /// What is reported.
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
}

/// When the sandbox ends.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Lifecycle")]
pub(crate) struct LifecycleArgs {
    /// Name the sandbox, for subroot exec and subroot kill
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Run an init that reaps processes and relays signals: already the default
    #[arg(long, conflicts_with = "as_pid_1")]
    pub(crate) init: bool,
    /// Make the command itself PID 1, without an init
    #[arg(long = "as-pid-1")]
    pub(crate) as_pid_1: bool,
    /// Continue when the process that started subroot has exited
    #[arg(long)]
    pub(crate) outlive_parent: bool,
    /// Start in the background, print the sandbox's name, and write its output to a log
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// With --detach: remove the record and the log at the end, or only by subroot rm
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) rm: Option<bool>,
}

/// What is reported.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportArgs {
    /// Report start and end as lines of JSON on this file descriptor
    #[arg(long, value_name = "FD")]
    pub(crate) json_status: Option<i32>,
    /// Print the steps of the launch, and perform none of them
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub(crate) print_plan: Option<String>,
    /// Print this help; -h alone prints one line for each option
    #[arg(long, action = ArgAction::Help)]
    pub(crate) help: Option<bool>,
}
