//! The formats of an export, chosen by `--format` or by the name of the file.

use crate::commands::export::Export;
use crate::error::Error;
use std::os::unix::ffi::OsStrExt as _;

/// The format of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Tar,
    OciArchive,
    Squashfs,
}

/// The ends of names, with what they stand for.
const ENDS: [(&str, Format); 5] = [
    (".squashfs", Format::Squashfs),
    (".sqfs", Format::Squashfs),
    (".sfs", Format::Squashfs),
    (".oci", Format::OciArchive),
    (".oci.tar", Format::OciArchive),
];

/// The ends of names of compressed archives, with the command that compresses one.
const COMPRESSED: [(&str, &str); 7] = [
    (".gz", "gzip -n"),
    (".tgz", "gzip -n"),
    (".zst", "zstd"),
    (".xz", "xz"),
    (".txz", "xz"),
    (".bz2", "bzip2"),
    (".lz4", "lz4"),
];

impl Format {
    /// The format that was asked for.
    ///
    /// # Errors
    /// It is unknown, or the name is that of a compressed archive.
    pub(crate) fn of(export: &Export) -> Result<Format, Error> {
        match export.format.as_deref() {
            Some("tar") => Ok(Format::Tar),
            Some("oci-archive") => Ok(Format::OciArchive),
            Some("squashfs") => Ok(Format::Squashfs),
            Some(unknown) => {
                Err(refused(export, format!("unknown format {unknown}: use tar, oci-archive or squashfs")))
            }
            None => Format::by_name(export),
        }
    }

    fn by_name(export: &Export) -> Result<Format, Error> {
        let name = export.target.as_os_str().as_bytes();
        if let Some((_, command)) = COMPRESSED.iter().find(|(end, _)| name.ends_with(end.as_bytes())) {
            let why = format!("no archive is compressed; export to - and pipe it into {command}");
            return Err(refused(export, why));
        }
        let known = ENDS.iter().find(|(end, _)| name.ends_with(end.as_bytes()));
        Ok(known.map_or(Format::Tar, |(_, format)| *format))
    }
}

fn refused(export: &Export, why: String) -> Error {
    Error::Target { doing: "exporting to", path: export.target.clone(), why }
}
