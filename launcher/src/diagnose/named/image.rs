//! A name of a container image or of a command that was given as ROOTFS.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{COMMAND_AS_ROOTFS, Cause, IMAGE_NAME, IMAGE_STORED, PATH_NEAR};
use crate::diagnose::named::archive;
use crate::grants::remedy::quoted::quoted;
use crate::images::name::ImageName;
use crate::images::store::StoreDir;
use crate::images::{index, program};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Images that people know by their short names.
const KNOWN: [&str; 19] = [
    "almalinux",
    "alpine",
    "amazonlinux",
    "archlinux",
    "busybox",
    "centos",
    "debian",
    "fedora",
    "golang",
    "hello-world",
    "nginx",
    "node",
    "opensuse",
    "oraclelinux",
    "postgres",
    "python",
    "rockylinux",
    "rust",
    "ubuntu",
];

/// The cause for a name that no directory has; `None` if it is neither an image's nor a command's.
pub(crate) fn cause(path: &Path) -> Option<Cause> {
    let name = path.to_str()?;
    if let Some(cause) = stored(name) {
        return Some(cause);
    }
    if is_image(name) {
        return Some(Cause::new(&IMAGE_NAME, &[("name", &name), ("fix", &fix(name))]));
    }
    let is_command = !name.contains('/') && in_path(name).is_some();
    let command = quoted(name.as_bytes()).filter(|_| is_command)?;
    Some(Cause::new(&COMMAND_AS_ROOTFS, &[("name", &command)]))
}

/// The cause for the name of a stored image, or for one similar to it.
fn stored(name: &str) -> Option<Cause> {
    let wanted = ImageName::parse(name.as_ref()).ok()?;
    let names = index::names(&StoreDir::open().ok()??).ok()?;
    if names.iter().any(|known| known == wanted.canonical()) {
        let fix = format!("subroot run {}", wanted.familiar());
        return Some(Cause::new(&IMAGE_STORED, &[("name", &wanted.familiar()), ("fix", &fix)]));
    }
    let near = index::nearest(names.iter().map(String::as_str), &wanted)?;
    Some(Cause::new(&PATH_NEAR, &[("near", &near)]))
}

/// True for a known name with or without a tag, and for a name that has a tag or a registry.
fn is_image(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/:@".contains(letter);
    let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    if !begins || !name.chars().all(is_plain) {
        return false;
    }
    let (repository, tag) = name.split_once([':', '@']).unwrap_or((name, ""));
    let has_registry = name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']));
    KNOWN.contains(&repository) || !tag.is_empty() || has_registry
}

/// A command that pulls the image, or unpacks it if subroot-image is not installed.
fn fix(name: &str) -> String {
    let dir = archive::unused(name.rsplit('/').next().unwrap_or(name).replace([':', '@'], "-").as_ref());
    let dir = dir.display();
    if program::find().is_some() {
        return format!("subroot pull {name}");
    }
    match ["podman", "docker"].into_iter().find(|engine| in_path(engine).is_some()) {
        Some(engine) => format!(
            "mkdir {dir} && {engine} export $({engine} create {name} true) | {} -C {dir}",
            archive::unpacking()
        ),
        None => "unpack the image in a directory with podman, docker or umoci, and name the directory".into(),
    }
}

/// The path of a program in PATH.
fn in_path(name: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH").filter(|path| !path.as_bytes().is_empty())?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::is_image;

    #[test]
    fn names_of_images_are_distinguished_from_directories() {
        for name in ["alpine", "debian:12", "docker.io/library/x", "localhost:5000/x", "x@sha256:0"] {
            assert!(is_image(name), "{name}");
        }
        for name in ["rootfs", "./alpine", "/alpine", "images/rootfs", "Alpine x", "", "-x:1", "x:"] {
            assert!(!is_image(name), "{name}");
        }
    }
}
