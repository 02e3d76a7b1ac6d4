//! The options of `subroot run` about mounts.

use clap::{ArgAction, Args};
use std::ffi::OsString;

/// What is mounted.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Filesystem")]
pub(crate) struct MountArgs {
    /// Show a host file or directory inside
    #[arg(short, long = "volume", value_name = "SOURCE:TARGET[:OPTIONS]")]
    pub(crate) volume: Vec<OsString>,
    /// Mount a filesystem of one of six types
    #[arg(long, value_name = "type=TYPE,…")]
    pub(crate) mount: Vec<OsString>,
    /// Mount an empty filesystem in memory
    #[arg(long, value_name = "TARGET[:OPTIONS]")]
    pub(crate) tmpfs: Vec<OsString>,
    /// Make a symbolic link inside
    #[arg(long, value_name = "TARGET:LINK")]
    pub(crate) symlink: Vec<OsString>,
    /// Make a directory inside, in memory, unless it exists
    #[arg(long, value_name = "PATH[:mode=MODE]")]
    pub(crate) dir: Vec<OsString>,
    /// Make a file inside, in memory, with what this file descriptor has
    #[arg(long, value_name = "FD:PATH[:OPTIONS]")]
    pub(crate) file: Vec<OsString>,
    /// Show a host device inside, by its path or its CDI name
    #[arg(long, value_name = "HOST[:TARGET]|NAME")]
    pub(crate) device: Vec<OsString>,
    /// Show NVIDIA GPUs inside: all, how many, or device=N[,N…]
    #[arg(long, value_name = "GPUS")]
    pub(crate) gpus: Vec<String>,
    /// Start with an empty root in memory instead of ROOTFS
    #[arg(long)]
    pub(crate) empty_root: bool,
    /// Make the root read-only, with memory on /run, /tmp and /var/tmp
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Whether --read-only mounts memory on /run, /tmp and /var/tmp
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = ArgAction::Set, hide_possible_values = true)]
    pub(crate) read_only_tmpfs: bool,
    /// Leave ROOTFS unchanged: discard changes on exit, or keep them in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub(crate) overlay: Option<Option<OsString>>,
    /// Where /proc comes from
    #[arg(long, value_name = "MODE")]
    pub(crate) proc: Option<String>,
    /// Where /dev comes from
    #[arg(long, value_name = "MODE")]
    pub(crate) dev: Option<String>,
}
