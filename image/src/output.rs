//! What a person reads: one line for each message, with control characters escaped.
#![allow(clippy::print_stderr)]

use crate::error::{Error, Hint};
use crate::import::{Imported, Request};
use nix::unistd::getuid;
use std::path::Path;
use subroot::trees::escaped;

const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];

/// Prints a line on standard error.
pub(crate) fn line(text: &str) {
    eprintln!("subroot: {}", escaped(text));
}

/// Prints an error and how to fix it.
pub(crate) fn error(error: &Error, request: &Request) {
    line(&format!("importing {}: {error}", request.source.display()));
    if let Some(fix) = error.hint().and_then(|hint| fix(hint, request)) {
        line(&format!("fix: {fix}"));
    }
}

/// One command that can be pasted.
fn fix(hint: Hint, request: &Request) -> Option<String> {
    match hint {
        Hint::Command(command) => Some(command),
        Hint::Grant(count) => Some(format!("subroot grants suggest {} --count {count}", getuid())),
        Hint::Convert(command) => {
            let [source, dir] = [&request.source, &request.dir].map(|path| unquoted(path));
            let source = source.filter(|source| *source != "-")?;
            Some(format!("{command} {source} | subroot import - {}", dir?))
        }
        Hint::Tree(path) => {
            let [path, dir] = [&path, &request.dir].map(|path| unquoted(path));
            let options = "--numeric-owner --acls --xattrs -c .";
            Some(format!("subroot unshare -- tar -C {} {options} | subroot import - {}", path?, dir?))
        }
        Hint::Transport(kind) => {
            let [source, dir] = [&request.source, &request.dir].map(|path| unquoted(path));
            Some(format!("subroot import {kind}:{} {}", source?, dir?))
        }
    }
}

/// A path that needs no quotes in a shell.
fn unquoted(path: &Path) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@".contains(&byte);
    path.to_str().filter(|path| path.bytes().all(is_plain))
}

/// Prints what was made.
pub(crate) fn summary(request: &Request, imported: &Imported) {
    let summary = &imported.summary;
    let layers = imported.layers.map(|count| format!("{}, ", counted(count as u64, "layer", "layers")));
    let mut text = format!(
        "imported {} into {}: {}{}, {}",
        request.source.display(),
        request.dir.display(),
        layers.unwrap_or_default(),
        counted(summary.entries, "entry", "entries"),
        size(summary.bytes)
    );
    if summary.devices > 0 {
        text += &format!(", {} skipped", counted(summary.devices, "device", "devices"));
    }
    if summary.attributes > 0 {
        text += &format!(", {} not kept", counted(summary.attributes, "attribute", "attributes"));
    }
    line(&text);
}

fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A size with one decimal, in units of 1000.
fn size(bytes: u64) -> String {
    let mut unit = "bytes";
    let (mut whole, mut rest) = (bytes, 0);
    for larger in UNITS {
        if whole < 1000 {
            break;
        }
        (whole, rest, unit) = (whole / 1000, whole % 1000 / 100, larger);
    }
    if unit == "bytes" { counted(bytes, "byte", "bytes") } else { format!("{whole}.{rest} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!(
            [0, 1, 999, 1000, 598_123_456].map(size),
            ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "598.1 MB"]
        );
    }
}
