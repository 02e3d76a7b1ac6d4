//! The options about users, groups and ID maps.

use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Which IDs the command has.
#[derive(Args)]
#[command(next_help_heading = "IDs")]
pub(crate) struct IdentityArgs {
    /// Run as this user of ROOTFS, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<OsString>,
    /// Add a supplementary group, or keep the caller's with keep-groups
    ///
    /// Possible values:
    /// - GROUP: a group of ROOTFS, by name or number
    /// - keep-groups: the caller's supplementary groups, whether they are mapped or not
    #[arg(long, value_name = "GROUP", verbatim_doc_comment)]
    pub(crate) group_add: Vec<OsString>,
    /// Map the caller's supplementary groups, if the administrator allows it
    ///
    /// Possible values:
    /// - keep: each group has the same ID inside as outside
    #[arg(long, value_name = "keep", value_parser = ["keep"], hide_possible_values = true, verbatim_doc_comment)]
    pub(crate) groups: Option<String>,
    /// IDs inside: auto[:size=N] (the default), full, host-id or keep-id[:uid=N,gid=N]
    ///
    /// Possible values:
    /// - auto: the caller as 0, then all granted IDs from 1 up
    /// - auto:size=N: the same with exactly N IDs
    /// - full: auto, but refused unless the IDs 0 to 65535 are mapped
    /// - host-id: only the caller, with the same IDs as outside
    /// - keep-id: the caller with the same IDs as outside, and granted IDs around them
    /// - keep-id:uid=N,gid=N: the caller with these IDs, and granted IDs around them
    #[arg(long, value_name = "MODE", verbatim_doc_comment)]
    pub(crate) userns: Option<String>,
    /// Map these user IDs
    ///
    /// FROM counts the caller's IDs: 0 is the caller, 1 the first granted ID. @FROM is a host ID.
    #[arg(long, value_name = "INSIDE:FROM[:COUNT]", conflicts_with = "userns", verbatim_doc_comment)]
    pub(crate) uidmap: Vec<String>,
    /// Map these group IDs
    ///
    /// As --uidmap. If only one of the two is given, it applies to both.
    #[arg(long, value_name = "INSIDE:FROM[:COUNT]", conflicts_with = "userns", verbatim_doc_comment)]
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
