//! The options of `subroot run` about what is mounted.

use crate::cli::values::root::{DEV, PROC};
use crate::request::root::{Dev, Proc};
use clap::{ArgAction, Args};
use std::ffi::OsString;

/// What is mounted.
#[derive(Args)]
#[command(next_help_heading = "Filesystem")]
pub(crate) struct MountArgs {
    /// Show a host file or directory inside
    ///
    /// SOURCE is a path; write ./NAME for one without a slash. OPTIONS, separated by commas:
    /// - ro, rw: whether it is read-only
    /// - nosuid, suid, nodev, dev, noexec, exec: as for mount(8); nosuid and nodev are set by default
    /// - rbind, bind: with the mounts below it (the default), or without
    /// - O: discard changes on exit, and leave SOURCE unchanged
    /// - idmap: show its owners through the sandbox's ID maps
    /// - private, slave, shared, unbindable: mount propagation; also with an r before it
    #[arg(short, long = "volume", value_name = "SOURCE:TARGET[:OPTIONS]", verbatim_doc_comment)]
    pub(crate) volume: Vec<OsString>,
    /// Mount a filesystem of one of six types
    ///
    /// Possible types, with their keys, separated by commas:
    /// - bind: source=, target=, and the OPTIONS of --volume
    /// - tmpfs: target=, and the OPTIONS of --tmpfs
    /// - overlay: target=, lowerdir=DIR[:DIR…], upperdir= and workdir= if it is to be writable
    /// - proc, devpts, mqueue: target=
    #[arg(long, value_name = "type=TYPE,…", verbatim_doc_comment)]
    pub(crate) mount: Vec<OsString>,
    /// Mount an empty filesystem in memory
    ///
    /// OPTIONS, separated by commas:
    /// - size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=, huge=: as in tmpfs(5)
    /// - ro, rw, nosuid, suid, nodev, dev, noexec, exec: as for mount(8);
    ///   nosuid, nodev and noexec are set by default
    #[arg(long, value_name = "TARGET[:OPTIONS]", verbatim_doc_comment)]
    pub(crate) tmpfs: Vec<OsString>,
    /// Show a host device inside
    ///
    /// The mode of the host's device node decides who can use it.
    #[arg(long, value_name = "HOST[:TARGET]", verbatim_doc_comment)]
    pub(crate) device: Vec<OsString>,
    /// Make the root read-only, with memory on /run, /tmp and /var/tmp
    ///
    /// It covers all that is mounted in the root, except what --volume, --mount and --tmpfs add.
    #[arg(long, verbatim_doc_comment)]
    pub(crate) read_only: bool,
    /// Whether --read-only mounts memory on /run, /tmp and /var/tmp
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = ArgAction::Set, hide_possible_values = true)]
    pub(crate) read_only_tmpfs: bool,
    /// Leave ROOTFS unchanged: discard changes on exit, or keep them in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub(crate) overlay: Option<Option<OsString>>,
    /// Where /proc comes from
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = PROC)]
    pub(crate) proc: Proc,
    /// Where /dev comes from
    #[arg(long, value_name = "MODE", default_value = "new", value_parser = DEV)]
    pub(crate) dev: Dev,
}
