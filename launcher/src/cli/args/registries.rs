//! The arguments about registries: `pull`, `login`, `logout`, and the options of `run` about pulling.

use crate::cli::args::ids::MapperArgs;
use clap::Args;
use std::ffi::OsString;

/// Whether a registry must prove what it is.
#[derive(Args)]
pub(crate) struct TlsArgs {
    /// Require encryption and a known certificate of a registry
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tls_verify: Option<bool>,
}

/// Where an image comes from.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "Images")]
pub(crate) struct PullingArgs {
    /// When to pull the image from its registry
    #[arg(long, value_name = "WHEN")]
    pub(crate) pull: Option<String>,
    /// How a registry is trusted.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

/// `subroot pull`.
#[derive(Args)]
pub(crate) struct PullArgs {
    /// The images, such as busybox, quay.io/NAME/IMAGE:TAG or docker://IMAGE
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<OsString>,
    /// How a registry is trusted.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// `subroot login`.
#[derive(Args)]
pub(crate) struct LoginArgs {
    /// The registry, such as docker.io or localhost:5000
    pub(crate) registry: String,
    /// The name of the account there
    #[arg(short, long, value_name = "NAME", id = "account")]
    pub(crate) username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// How a registry is trusted.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

/// `subroot logout`.
#[derive(Args)]
pub(crate) struct LogoutArgs {
    /// The registry
    pub(crate) registry: String,
}
