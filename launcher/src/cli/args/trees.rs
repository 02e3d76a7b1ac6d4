//! The arguments of the commands about trees of files and images: `import`, `export`, `commit`, `rm`, `du`, `images`, `rmi` and
//! `inspect`.

use crate::cli::args::ids::MapperArgs;
use crate::cli::args::registries::TlsArgs;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// `subroot import`.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// A tar archive, oci:DIR, oci-archive:FILE, docker-archive:FILE, dir:DIR or docker://IMAGE; - is standard input
    pub(crate) source: PathBuf,
    /// A new directory, or an image's name; write ./DIR for a directory that does not exist
    #[arg(value_name = "DIR|NAME")]
    pub(crate) target: OsString,
    /// Make files of IDs that you do not have yours
    #[arg(long)]
    pub(crate) squash_ids: bool,
    /// Stop if the files are larger than this, 64G by default
    #[arg(long, value_name = "SIZE[K|M|G|T]", default_value = "64G", hide_default_value = true)]
    pub(crate) max_size: OsString,
    /// How a registry is trusted.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// `subroot export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// A directory, or an image of the store by name or by the beginning of its ID
    #[arg(value_name = "IMAGE|DIR")]
    pub(crate) source: OsString,
    /// The file, which is replaced if it exists; - is standard output
    #[arg(value_name = "FILE")]
    pub(crate) archive: OsString,
    /// The format: tar, oci-archive or squashfs; by default, the end of the file's name decides
    #[arg(long, value_name = "FORMAT", id = "archive_format")]
    pub(crate) format: Option<OsString>,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// `subroot commit`.
#[derive(Args)]
pub(crate) struct CommitArgs {
    /// The directory of subroot run --overlay=DIR
    pub(crate) dir: PathBuf,
    /// The name of the new image
    pub(crate) name: OsString,
    /// The image that was run with it
    #[arg(long, value_name = "IMAGE", id = "base")]
    pub(crate) image: OsString,
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

/// `subroot images`.
#[derive(Args)]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
pub(crate) struct ImagesArgs {
    /// What to do instead of listing.
    #[command(subcommand)]
    pub(crate) verb: Option<ImagesVerb>,
    /// List also images without a name
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the IDs
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,
}

/// The commands of `subroot images`.
#[derive(Subcommand)]
pub(crate) enum ImagesVerb {
    /// Remove images without a name, and what no image needs
    Prune,
}

/// `subroot rmi`.
#[derive(Args)]
pub(crate) struct RmiArgs {
    /// The images, by name or by the beginning of the ID
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<OsString>,
}

/// `subroot inspect`.
#[derive(Args)]
pub(crate) struct InspectArgs {
    /// The images, by name or by the beginning of the ID
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<OsString>,
}
