//! `subroot import`, `export` and `commit`: execute subroot-image, which has the code for archives. Nothing of it is in this program.

use crate::cli::args::{CommitArgs, ExportArgs, ImportArgs};
use crate::cli::trees::program::{execute, helper};
use crate::cli::trees::registries::verification;
use crate::error::Error;
use std::ffi::{OsStr, OsString};

/// Imports an archive.
///
/// # Errors
/// The size is invalid, or errors of [`execute`].
pub(crate) fn import(typed: &ImportArgs, is_quiet: bool) -> anyhow::Result<u8> {
    let size = size(&typed.max_size).ok_or_else(|| Error::Usage {
        what: "--max-size",
        why: format!("invalid size {}", typed.max_size.to_string_lossy()),
    })?;
    let mut args: Vec<OsString> = vec!["import".into(), format!("--max-size={size}").into()];
    args.extend(is_quiet.then(|| "--quiet".into()));
    args.extend(typed.squash_ids.then(|| "--squash-ids".into()));
    args.extend(verification(&typed.tls));
    args.extend(helper(&typed.mapper));
    args.extend(["--".into(), typed.source.clone().into(), typed.target.clone()]);
    execute(args)
}

/// Exports a directory or an image.
///
/// # Errors
/// Errors of [`execute`].
pub(crate) fn export(typed: &ExportArgs, is_quiet: bool) -> anyhow::Result<u8> {
    let mut args: Vec<OsString> = vec!["export".into()];
    args.extend(is_quiet.then(|| "--quiet".into()));
    args.extend(typed.format.as_ref().map(|format| [OsStr::new("--format="), format].into_iter().collect()));
    args.extend(helper(&typed.mapper));
    args.extend(["--".into(), typed.source.clone(), typed.archive.clone()]);
    execute(args)
}

/// Makes an image of changes.
///
/// # Errors
/// Errors of [`execute`].
pub(crate) fn commit(typed: &CommitArgs, is_quiet: bool) -> anyhow::Result<u8> {
    let mut args: Vec<OsString> = vec!["commit".into()];
    args.extend(is_quiet.then(|| "--quiet".into()));
    args.extend(helper(&typed.mapper));
    args.extend(["--".into(), typed.image.clone(), typed.dir.clone().into(), typed.name.clone()]);
    execute(args)
}

/// A number of bytes, or of a unit of 1024.
fn size(typed: &OsStr) -> Option<u64> {
    let typed = typed.to_str()?;
    let units = ["k", "m", "g", "t"];
    let lower = typed.to_ascii_lowercase();
    let unit = units.iter().zip(1..).find_map(|(unit, power)| Some((lower.strip_suffix(unit)?, power)));
    let (digits, power) = unit.unwrap_or((&lower, 0));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| digits.parse::<u64>().ok()).flatten()?;
    number.checked_mul(1024_u64.checked_pow(power)?)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_has_a_unit_of_1024() {
        assert_eq!(
            ["5", "1k", "64G", "2T"].map(|typed| size(typed.as_ref())),
            [Some(5), Some(1024), Some(64 << 30), Some(2 << 40)]
        );
        for wrong in ["", "k", "-1", "+1", "1kb", "1.5g", "99999999t", "x"] {
            assert_eq!(size(wrong.as_ref()), None, "{wrong}");
        }
    }
}
