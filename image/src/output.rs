//! What a person reads: one line for each message, with control characters escaped.
#![allow(clippy::print_stderr)]

use crate::bars;
use crate::commands::import::Target;
use crate::error::{Error, Hint, reason};
use crate::import::Imported;
use crate::pack::task::Counts;
use nix::unistd::getuid;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use subroot::trees::escaped;

const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];

/// Prints a line on standard error.
pub(crate) fn line(text: &str) {
    let text = escaped(text);
    bars::above_bars(|| eprintln!("subroot: {text}"));
}

static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Suppresses [`note`]: `--quiet`.
pub(crate) fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// Prints a line that is no error.
pub(crate) fn note(text: &str) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        line(text);
    }
}

/// Prints on standard output.
///
/// # Errors
/// Errors of write(2).
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut output = io::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| Error::Target {
        doing: "writing",
        path: "standard output".into(),
        why: reason(&error),
    })
}

/// Prints an error of an import and how to fix it.
pub(crate) fn error(error: &Error, source: &Path, target: &Target) {
    line(&format!("importing {}: {error}", source.display()));
    if let Some(fix) = error.hint().and_then(|hint| fix(hint, source, target)) {
        line(&format!("fix: {fix}"));
    }
}

/// Prints an error about the image store and how to fix it.
pub(crate) fn store_error(error: &Error) {
    line(&error.to_string());
    match error.hint() {
        Some(Hint::Command(command)) => line(&format!("fix: {command}")),
        Some(Hint::Grant(count)) => line(&format!("fix: {}", larger_grant(count))),
        Some(Hint::Space(_)) => line("fix: subroot images prune"),
        _ => {}
    }
}

fn larger_grant(count: u64) -> String {
    format!("subroot grants suggest {} --count {count}", getuid())
}

/// One command that can be pasted.
fn fix(hint: Hint, source: &Path, target: &Target) -> Option<String> {
    match hint {
        Hint::Command(command) => Some(command),
        Hint::Grant(count) => Some(larger_grant(count)),
        Hint::Space(_) => matches!(target, Target::Name(_)).then(|| "subroot images prune".into()),
        Hint::Convert(command) => {
            let source = unquoted(source).filter(|source| *source != "-")?;
            Some(format!("{command} {source} | subroot import - {}", typed(target)?))
        }
        Hint::Tree(path) => {
            let (path, target) = (unquoted(&path)?, typed(target)?);
            let options = "--numeric-owner --acls --xattrs -c .";
            Some(format!("subroot unshare -- tar -C {path} {options} | subroot import - {target}"))
        }
        Hint::Transport(kind) => {
            let (source, target) = (unquoted(source)?, typed(target)?);
            Some(format!("subroot import {kind}:{source} {target}"))
        }
    }
}

/// Where the import goes, as it can be typed.
fn typed(target: &Target) -> Option<&str> {
    match target {
        Target::Dir(dir) => unquoted(dir),
        Target::Name(name) => Some(name.familiar()),
    }
}

/// A path that needs no quotes in a shell.
fn unquoted(path: &Path) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@".contains(&byte);
    path.to_str().filter(|path| path.bytes().all(is_plain))
}

/// Prints what was made.
pub(crate) fn summary(source: &Path, target: &Target, imported: &Imported) {
    let summary = &imported.summary;
    let layers = imported.layers.map(|count| format!("{}, ", counted(count as u64, "layer", "layers")));
    let place = match target {
        Target::Dir(dir) => dir.display().to_string(),
        Target::Name(name) => format!("the image store as {}", name.familiar()),
    };
    let mut text = format!(
        "imported {} into {place}: {}{}, {}",
        source.display(),
        layers.unwrap_or_default(),
        counted(summary.entries, "entry", "entries"),
        size(summary.bytes)
    );
    text += &left_out(summary.devices, 0, summary.attributes);
    if let Target::Name(name) = target {
        text += &run_with(name.familiar(), imported);
    }
    line(&text);
}

/// What an archive has that was packed.
pub(crate) fn packed(counts: &Counts) -> String {
    let taken = format!("{}, {}", counted(counts.entries, "entry", "entries"), size(counts.bytes));
    taken + &left_out(counts.devices, counts.sockets, counts.attributes)
}

/// What was not taken, if there was any.
fn left_out(devices: u64, sockets: u64, attributes: u64) -> String {
    let kinds = [
        (devices, "device", "devices", "skipped"),
        (sockets, "socket", "sockets", "skipped"),
        (attributes, "attribute", "attributes", "not kept"),
    ];
    let found = kinds.into_iter().filter(|(count, ..)| *count > 0);
    found.map(|(count, one, more, what)| format!(", {} {what}", counted(count, one, more))).collect()
}

/// How to run an image, if it has layers: else no program is in it.
pub(crate) fn run_with(name: &str, imported: &Imported) -> String {
    match imported.layers {
        Some(0) => String::new(),
        _ => format!("; run it with: subroot run {name}"),
    }
}

/// A number and its noun.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A size with one decimal, in units of 1000.
pub(crate) fn size(bytes: u64) -> String {
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
