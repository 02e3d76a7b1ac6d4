//! The arguments of the commands that come back to a detached sandbox.

use clap::Args;

/// `subroot logs`.
#[derive(Args)]
pub(crate) struct LogsArgs {
    /// The sandbox, by its name; if it runs, also by its PID
    #[arg(value_name = "SANDBOX")]
    pub(crate) job: String,
    /// Print also what is added, until the sandbox ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin with the last N lines instead of all
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) tail: Option<usize>,
}

/// `subroot attach`.
#[derive(Args)]
pub(crate) struct AttachArgs {
    /// The sandbox, by its name or PID
    pub(crate) sandbox: String,
}

/// `subroot wait`.
#[derive(Args)]
pub(crate) struct WaitArgs {
    /// The sandboxes, by their names; those that run, also by their PIDs
    #[arg(required = true, value_name = "SANDBOXES")]
    pub(crate) jobs: Vec<String>,
}

/// `subroot stop`.
#[derive(Args)]
pub(crate) struct StopArgs {
    /// The sandboxes, by their names or PIDs
    #[arg(required = true)]
    pub(crate) sandboxes: Vec<String>,
    /// How long to wait for the end after TERM
    #[arg(short, long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) time: u32,
}
