//! What the process that packs is asked to do, and its report. Both are JSON: the task is an argument.

use crate::digest::Digest;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is to be packed. The archive is written to standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackTask {
    /// The device and inode of the working directory.
    pub(crate) base: (u64, u64),
    /// The trees below it, the highest first.
    pub(crate) trees: Vec<String>,
    pub(crate) form: Form,
    /// False if the format that is made of the archive has no access control lists.
    pub(crate) keeps_lists: bool,
}

/// What the trees are, and what is made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// A directory, of which an archive is made.
    Tree,
    /// A directory, of which a layer is made.
    TreeAsLayer,
    /// The layers of an image, as overlayfs merges them.
    Layers,
    /// The upper directory of an overlay, of which a layer is made.
    Upper,
}

impl Form {
    /// True if a device 0:0 and the attributes of overlayfs mean what they mean to overlayfs.
    pub(crate) fn is_of_overlay(self) -> bool {
        matches!(self, Form::Layers | Form::Upper)
    }

    /// True if names that begin with `.wh.` would be read as whiteouts.
    pub(crate) fn makes_layer(self) -> bool {
        matches!(self, Form::TreeAsLayer | Form::Upper)
    }
}

/// What was packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) entries: u64,
    /// The bytes of all files.
    pub(crate) bytes: u64,
    /// The number of devices, which are skipped.
    pub(crate) devices: u64,
    /// The number of sockets, which are skipped.
    pub(crate) sockets: u64,
    /// The number of attributes that were not kept.
    pub(crate) attributes: u64,
}

/// The archive that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) counts: Counts,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Packed {
    /// One line for the pipe.
    pub(crate) fn line(outcome: &Result<Packed, Error>) -> Value {
        match outcome {
            Ok(Packed { counts, digest, size }) => json!({"counts": counts, "digest": digest, "size": size}),
            Err(error) => json!({"error": error.to_string()}),
        }
    }

    /// The report as it was read from the pipe. `None` if the process ended without one.
    pub(crate) fn read(text: &str) -> Option<Result<Packed, Error>> {
        // Error ignored: the text is then not a report.
        let mut report: Value = serde_json::from_str(text.lines().last()?).ok()?;
        if let Some(why) = report["error"].as_str() {
            return Some(Err(Error::Reported { why: why.to_owned(), hint: None }));
        }
        // Error ignored: as above.
        let counts = serde_json::from_value(report["counts"].take()).ok()?;
        let digest = Digest::parse(report["digest"].as_str()?)?;
        Some(Ok(Packed { counts, digest, size: report["size"].as_u64()? }))
    }
}
