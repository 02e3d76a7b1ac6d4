//! What the process that unpacks is asked to do, and its report. Both are JSON: the task is an argument.

use crate::apply::applier::Summary;
use crate::apply::layer::Expected;
use crate::digest::Digest;
use crate::error::{Error, Hint};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is to be unpacked, where. The archive is standard input, from its current offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The device and inode of the target directory, which is the working directory.
    pub(crate) target: (u64, u64),
    /// True if files of IDs that are not mapped become the caller's.
    pub(crate) squashes: bool,
    /// The maximum size of all files.
    pub(crate) max_size: u64,
    /// The maps that the process must have, if the files are for one map only: `MapText`.
    pub(crate) map: Option<String>,
    pub(crate) job: Job,
}

/// What the archive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    /// A whole tree.
    Tree,
    /// A whole tree, or an archive of an image, which is copied to the spool.
    TreeOrImage,
    /// An archive of an image, which is copied to the spool without its compression.
    Image,
    /// A layer of an image.
    Layer(Expected),
    /// A whole tree that becomes a layer, or an archive of an image, which is copied to the spool.
    LayerOrImage(Expected),
}

impl Job {
    /// True unless layers below have made the root, with its owner and mode.
    pub(crate) fn makes_root(&self) -> bool {
        match self {
            Job::Layer(expected) | Job::LayerOrImage(expected) => !expected.has_lower,
            Job::Tree | Job::TreeOrImage | Job::Image => true,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The tree was made, of a layer with this digest.
    Tree(Summary, Option<Digest>),
    /// The archive is that of an image, and is in the spool.
    Image,
}

impl Report {
    /// What was made, if it was a tree.
    pub(crate) fn summary(&self) -> Summary {
        match self {
            Report::Tree(summary, _) => *summary,
            Report::Image => Summary::default(),
        }
    }

    /// One line for the pipe.
    pub(crate) fn line(outcome: &Result<Report, Error>) -> Value {
        match outcome {
            Ok(Report::Tree(summary, diff_id)) => json!({
                "entries": summary.entries,
                "bytes": summary.bytes,
                "devices": summary.devices,
                "attributes": summary.attributes,
                "diff_id": diff_id,
            }),
            Ok(Report::Image) => json!({"image": true}),
            Err(error) => error_line(error),
        }
    }

    /// The report as it was read from the pipe. `None` if the process ended without one.
    pub(crate) fn read(text: &str) -> Option<Result<Report, Error>> {
        let report: Value = serde_json::from_str(text.lines().last()?).ok()?;
        if let Some(why) = report["error"].as_str() {
            let convert = report["convert"].as_str().map(|command| Hint::Convert(command.to_owned()));
            let number = |key: &str| report[key].as_u64();
            let space = || number("space").and_then(|errno| i32::try_from(errno).ok()).map(Hint::Space);
            let hint = convert.or_else(|| number("grant").map(Hint::Grant)).or_else(space);
            return Some(Err(Error::Reported { why: why.to_owned(), hint }));
        }
        if report["image"] == true {
            return Some(Ok(Report::Image));
        }
        let count = |key: &str| report[key].as_u64();
        let (entries, bytes) = (count("entries")?, count("bytes")?);
        let (devices, attributes) = (count("devices")?, count("attributes")?);
        let diff_id = report["diff_id"].as_str().map(Digest::parse);
        let diff_id = if let Some(read) = diff_id { Some(read?) } else { None };
        Some(Ok(Report::Tree(Summary { entries, bytes, devices, attributes }, diff_id)))
    }
}

fn error_line(error: &Error) -> Value {
    let why = error.to_string();
    match error.hint() {
        Some(Hint::Convert(command)) => json!({"error": why, "convert": command}),
        Some(Hint::Grant(count)) => json!({"error": why, "grant": count}),
        Some(Hint::Space(errno)) => json!({"error": why, "space": errno}),
        _ => json!({"error": why}),
    }
}
