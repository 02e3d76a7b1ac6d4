//! `--network`, `--pid`, `--ipc`, `--uts`, `--cgroupns` and `--timens`.

use crate::request::namespaces::{ClockOffsets, Namespace};

/// `private` or `host`.
///
/// # Errors
/// Any other word.
pub(crate) fn namespace(value: &str) -> Result<Namespace, String> {
    match value {
        "private" => Ok(Namespace::Private),
        "host" => Ok(Namespace::Host),
        _ => Err(format!("{value} is neither private nor host")),
    }
}

/// `none` (a network of its own with nothing but lo) or `host`.
///
/// # Errors
/// Any other word.
pub(crate) fn network(value: &str) -> Result<Namespace, String> {
    match value {
        "none" => Ok(Namespace::Private),
        "host" => Ok(Namespace::Host),
        _ => Err(format!("{value} is neither none nor host")),
    }
}

/// `--timens monotonic=SECONDS,boottime=SECONDS`; one number is for both.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn clock_offsets(value: &str) -> Result<ClockOffsets, String> {
    let seconds = |text: &str| text.parse::<i64>().map_err(|_| format!("{text} is no number of seconds"));
    if let Ok(both) = seconds(value) {
        return Ok(ClockOffsets { monotonic: both, boottime: both });
    }
    let mut offsets = ClockOffsets { monotonic: 0, boottime: 0 };
    for part in value.split(',') {
        match part.split_once('=') {
            Some(("monotonic", text)) => offsets.monotonic = seconds(text)?,
            Some(("boottime", text)) => offsets.boottime = seconds(text)?,
            _ => return Err(format!("{part} is neither monotonic=SECONDS nor boottime=SECONDS")),
        }
    }
    Ok(offsets)
}
