//! The options of `subroot run` about namespaces.

use clap::Args;

/// Which namespaces the command has.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Namespaces")]
pub(crate) struct NamespaceArgs {
    /// Which network the command uses
    #[arg(long, alias = "net", value_name = "MODE")]
    pub(crate) network: Option<String>,
    /// Which processes the command sees
    #[arg(long, value_name = "MODE")]
    pub(crate) pid: Option<String>,
    /// Which IPC objects the command sees
    #[arg(long, value_name = "MODE")]
    pub(crate) ipc: Option<String>,
    /// Whose host name the command has
    #[arg(long, value_name = "MODE")]
    pub(crate) uts: Option<String>,
    /// Which cgroup the command sees as the root
    #[arg(long, value_name = "MODE")]
    pub(crate) cgroupns: Option<String>,
    /// Set clocks ahead: monotonic=SECONDS,boottime=SECONDS
    #[arg(long, value_name = "OFFSETS", allow_hyphen_values = true)]
    pub(crate) timens: Option<String>,
    /// Set the host name
    #[arg(short = 'h', long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
}
