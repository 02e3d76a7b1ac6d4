//! The options of `subroot run` about the connection of a network.

use clap::Args;

/// How the command's network is connected, and how names are resolved.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Forward ports of the host to the sandbox
    #[arg(short, long, value_name = "[IP:]HOST:INSIDE[/PROTOCOL]")]
    pub(crate) publish: Vec<String>,
    /// Resolve names with this DNS server
    #[arg(long, value_name = "IP")]
    pub(crate) dns: Vec<String>,
    /// Search this domain for names
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) dns_search: Vec<String>,
    /// Set an option of resolv.conf(5)
    #[arg(long, alias = "dns-opt", value_name = "OPTION")]
    pub(crate) dns_option: Vec<String>,
    /// Add a name to /etc/hosts
    #[arg(long, value_name = "NAME:IP")]
    pub(crate) add_host: Vec<String>,
}
