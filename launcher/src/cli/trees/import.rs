//! `subroot import`: executes subroot-image, which has the code for archives. Nothing of it is in this program.

use crate::cli::args::ImportArgs;
use crate::cli::trees::program;
use crate::error::Error;
use crate::failure::reason_of;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;

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
    let helper = typed.mapper.helper.as_ref();
    args.extend(helper.map(|path| [OsStr::new("--helper="), path.as_os_str()].into_iter().collect()));
    args.extend(["--".into(), typed.source.clone().into(), typed.target.clone()]);
    execute(args)
}

/// Replaces this process with subroot-image.
///
/// # Errors
/// It is not installed, or cannot be executed.
pub(crate) fn execute(args: Vec<OsString>) -> anyhow::Result<u8> {
    let mut command = program::command_to_execute()?;
    let error = command.args(args).exec();
    Err(Error::Unreadable { file: command.get_program().into(), why: reason_of(&error) }.into())
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
