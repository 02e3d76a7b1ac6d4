//! `--network`, `--pid`, `--ipc`, `--uts`, `--cgroupns` and `--timens`.

use crate::cli::mistakes::counsel;
use crate::cli::values::one_of::OneOf;
use crate::request::namespaces::{ClockOffsets, Namespace, Network};

/// `--pid`, `--ipc`, `--uts` and `--cgroupns`.
pub(crate) const NAMESPACE: OneOf<Namespace> =
    OneOf(&[("private", "A new one", Namespace::Private), ("host", "The host's", Namespace::Host)]);

/// `--network`.
pub(crate) const NETWORK: OneOf<Network> = OneOf(&[
    ("host", "The host's", Network::Host),
    ("none", "A new one that has only a loopback interface", Network::None),
    (
        "private",
        "A new one, connected by pasta, or by slirp4netns if pasta is not installed",
        Network::Private,
    ),
    ("pasta", "A new one, connected by pasta(1); :OPTIONS are passed on", Network::Pasta),
    ("slirp4netns", "A new one, connected by slirp4netns(1); :OPTIONS are passed on", Network::Slirp4netns),
]);

/// `--network`. Networks of docker's and podman's are answered with what to do instead.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn network(typed: Option<&str>) -> Result<(Network, Vec<String>), String> {
    let explained = |why: String| match counsel::of("--network", typed.unwrap_or_default()) {
        Some((instead, _)) if !why.ends_with('?') => format!("{why}; {instead}"),
        _ => why,
    };
    if let Some((program @ ("pasta" | "slirp4netns"), options)) =
        typed.and_then(|typed| typed.split_once(':'))
    {
        return Ok((NETWORK.read(Some(program))?, options.split(',').map(str::to_owned).collect()));
    }
    NETWORK.read(typed).map_err(explained).map(|network| (network, Vec::new()))
}

/// `--timens monotonic=SECONDS,boottime=SECONDS`; a single number sets both.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn clock_offsets(value: &str) -> Result<ClockOffsets, String> {
    let seconds = |text: &str| text.parse::<i64>().map_err(|_| format!("invalid number of seconds {text}"));
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
