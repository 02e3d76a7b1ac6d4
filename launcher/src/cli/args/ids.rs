//! The options about users, groups and ID maps.

use clap::{ArgAction, Args};
use std::ffi::OsString;
use std::path::PathBuf;

/// Which IDs the command has.
#[derive(Args)]
#[group(skip)]
#[command(next_help_heading = "IDs")]
pub(crate) struct IdentityArgs {
    /// Run as this user of ROOTFS, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<OsString>,
    /// Whether a user without an account in ROOTFS gets one
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = ArgAction::Set, hide_possible_values = true)]
    pub(crate) passwd: bool,
    /// Add a supplementary group, or keep the caller's with keep-groups
    #[arg(long, value_name = "GROUP")]
    pub(crate) group_add: Vec<OsString>,
    /// Map the caller's supplementary groups, if the administrator allows it
    #[arg(long, value_name = "keep", value_parser = ["keep"], hide_possible_values = true)]
    pub(crate) groups: Option<String>,
    /// IDs inside: auto[:size=N], full, subids, host-id or keep-id[:uid=N,gid=N]
    #[arg(long, value_name = "MODE")]
    pub(crate) userns: Option<String>,
    /// Map these user IDs
    #[arg(long, value_name = "INSIDE:FROM[:COUNT]", conflicts_with = "userns")]
    pub(crate) uidmap: Vec<String>,
    /// Map these group IDs
    #[arg(long, value_name = "INSIDE:FROM[:COUNT]", conflicts_with = "userns")]
    pub(crate) gidmap: Vec<String>,
    /// Who writes the maps.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// How the mapper is found.
#[derive(Args)]
pub(crate) struct MapperArgs {
    /// Use this newidmap-helper and no other mapper (also: SUBROOT_HELPER)
    #[arg(long, value_name = "PATH")]
    pub(crate) helper: Option<PathBuf>,
}
