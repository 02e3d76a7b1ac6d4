//! The image for this machine, in an index for several.

use crate::error::Error;
use crate::source::documents::{Descriptor, Platform};
use std::env::consts::ARCH;

/// This machine's architecture, in Go's words.
pub(crate) fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        same => same,
    }
}

/// The entry for this machine. Of several, it is the one for the oldest variant, which all can run.
///
/// # Errors
/// There is none.
pub(crate) fn select(manifests: &[Descriptor]) -> Result<&Descriptor, Error> {
    let platform = |entry: &Descriptor| entry.platform.clone().unwrap_or_default();
    let is_ours = |entry: &&Descriptor| {
        let Platform { architecture: of_entry, os, .. } = platform(entry);
        os == "linux" && of_entry == architecture()
    };
    let found = manifests.iter().filter(is_ours).min_by_key(|entry| platform(entry).variant);
    found.ok_or_else(|| Error::Platform {
        wanted: format!("linux/{}", architecture()),
        found: manifests.iter().map(|entry| shown(&platform(entry))).collect(),
    })
}

fn shown(platform: &Platform) -> String {
    let parts = [&platform.os, &platform.architecture, &platform.variant];
    let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "unknown".into() } else { parts.join("/") }
}
