//! The arguments of the commands about trees of files: `import`, `rm` and `du`.

use crate::cli::args::ids::MapperArgs;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// `subroot import`.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// A tar archive, oci:DIR, oci-archive:FILE, docker-archive:FILE or dir:DIR; - is standard input
    pub(crate) source: PathBuf,
    /// The new directory; an empty one is replaced
    pub(crate) dir: PathBuf,
    /// Make files of IDs that you do not have yours
    #[arg(long)]
    pub(crate) squash_ids: bool,
    /// Stop if the files are larger than this, 64G by default
    #[arg(long, value_name = "SIZE[K|M|G|T]", default_value = "64G", hide_default_value = true)]
    pub(crate) max_size: OsString,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// `subroot rm`.
#[derive(Args)]
pub(crate) struct RmArgs {
    /// Directories, and ended sandboxes by their names; write ./NAME for a directory without a slash
    #[arg(required = true, value_name = "DIR|NAME")]
    pub(crate) names: Vec<OsString>,
}

/// `subroot du`.
#[derive(Args)]
pub(crate) struct DuArgs {
    /// The directory
    pub(crate) dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
