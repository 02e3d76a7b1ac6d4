//! The options of `subroot run` about namespaces.

use crate::cli::values::namespaces::{NAMESPACE, NETWORK};
use crate::request::namespaces::{Namespace, Network};
use clap::Args;

/// Which namespaces the command has.
#[derive(Args)]
#[command(next_help_heading = "Namespaces")]
pub(crate) struct NamespaceArgs {
    /// Which network the command uses
    #[arg(long, alias = "net", value_name = "MODE", default_value = "host", value_parser = NETWORK)]
    pub(crate) network: Network,
    /// Which processes the command sees
    #[arg(long, value_name = "MODE", default_value = "private", value_parser = NAMESPACE)]
    pub(crate) pid: Namespace,
    /// Which IPC objects the command sees
    #[arg(long, value_name = "MODE", default_value = "private", value_parser = NAMESPACE)]
    pub(crate) ipc: Namespace,
    /// Whose host name the command has
    #[arg(long, value_name = "MODE", default_value = "private", value_parser = NAMESPACE)]
    pub(crate) uts: Namespace,
    /// Which cgroup the command sees as the root
    #[arg(long, value_name = "MODE", default_value = "private", value_parser = NAMESPACE)]
    pub(crate) cgroupns: Namespace,
    /// Set clocks ahead: monotonic=SECONDS,boottime=SECONDS
    ///
    /// A number by itself sets both clocks; a negative one sets them back.
    #[arg(long, value_name = "OFFSETS", allow_hyphen_values = true, verbatim_doc_comment)]
    pub(crate) timens: Option<String>,
    /// Set the host name
    #[arg(short = 'h', long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
}
