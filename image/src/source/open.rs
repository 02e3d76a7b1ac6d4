//! Opens the image of a transport.

use crate::error::Error;
use crate::source::docker_archive;
use crate::source::files::Files;
use crate::source::image::Image;
use crate::source::layout::{self, MANIFEST, MARK};
use crate::source::members::Members;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use subroot::images::source::TransportKind;

/// How many bytes [`is_image_archive`] needs.
pub(crate) const START: usize = 4096;
const HEADER: usize = 512;
const NAME: usize = 100;
/// What an archive of an image has at its top; the oldest of docker have directories named by 64 digits.
const TOP: [&[u8]; 5] = [b"oci-layout", b"index.json", MANIFEST.as_bytes(), b"repositories", b"blobs"];
const ID: usize = 64;

/// The image in a directory: of `oci:`, or of `dir:`, which has no reference.
///
/// # Errors
/// It is malformed, or there is no such image.
pub fn image_in_directory(kind: TransportKind, path: &Path, reference: Option<&str>) -> Result<Image, Error> {
    let files = Arc::new(Files::in_dir(path)?);
    if kind == TransportKind::Oci {
        return layout::image_of_layout(files, reference);
    }
    if files.find(MANIFEST)?.is_none() {
        return Err(Error::Directory { path: path.into(), holds: None });
    }
    layout::image_of_dir(files)
}

/// The image in an uncompressed archive. `None` if the archive can be of any kind and has no image: it is then a
/// tree.
///
/// # Errors
/// It is malformed, or there is no such image.
pub fn image_in_archive(
    kind: TransportKind,
    archive: File,
    reference: Option<&str>,
) -> Result<Option<Image>, Error> {
    let files = Arc::new(Files::Archive(Members::of(archive)?));
    match kind {
        TransportKind::OciArchive => layout::image_of_layout(files, reference).map(Some),
        TransportKind::DockerArchive => docker_archive::image(files, reference).map(Some),
        // That of a newer docker save is both.
        _ if files.find(MANIFEST)?.is_some() => docker_archive::image(files, reference).map(Some),
        _ if files.find(MARK)?.is_some() => layout::image_of_layout(files, reference).map(Some),
        _ => Ok(None),
    }
}

/// What a directory holds that was named without a transport: the word of its transport.
pub(crate) fn transport_of(dir: &Path) -> Result<Option<&'static str>, Error> {
    let files = Files::in_dir(dir)?;
    let has = |name: &str| files.find(name).map(|found| found.is_some());
    Ok(if has(MARK)? {
        Some(TransportKind::Oci.word())
    } else if has(MANIFEST)? && has("version")? {
        Some(TransportKind::Dir.word())
    } else {
        None
    })
}

/// The first bytes of a file, without a change of its offset.
///
/// # Errors
/// Errors of pread(2).
pub(crate) fn start_of(file: &File) -> Result<Vec<u8>, Error> {
    let mut start = vec![0; START];
    let mut length = 0;
    while let Some(space) = start.get_mut(length..).filter(|space| !space.is_empty()) {
        match file.read_at(space, length as u64).map_err(|error| Error::Read { error })? {
            0 => break,
            count => length += count,
        }
    }
    start.truncate(length);
    Ok(start)
}

/// True if an archive that begins with these bytes may be that of an image: its first entry, the root directory and
/// extended headers apart, has a name that only those have.
pub(crate) fn is_image_archive(start: &[u8]) -> bool {
    let mut rest = start;
    while let Some((header, content)) = rest.split_at_checked(HEADER) {
        let name = header.get(..NAME).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = name.strip_prefix(b"./").unwrap_or(name);
        let is_extension = matches!(header.get(156), Some(b'x' | b'g' | b'L'));
        if !is_extension && !name.is_empty() && name != b"." {
            return is_of_image(name);
        }
        let size = header.get(124..135).and_then(|digits| std::str::from_utf8(digits).ok());
        let size = size.and_then(|digits| usize::from_str_radix(digits, 8).ok()).unwrap_or(0);
        let Some(next) = content.get(size.next_multiple_of(HEADER)..) else { return false };
        rest = next;
    }
    false
}

fn is_of_image(name: &[u8]) -> bool {
    let first = name.split(|byte| *byte == b'/').next().unwrap_or_default();
    let id = first.strip_suffix(b".json").or_else(|| first.strip_suffix(b".tar")).unwrap_or(first);
    TOP.contains(&first) || id.len() == ID && id.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::is_image_archive;

    fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        header[156] = kind;
        header
    }

    #[test]
    fn an_archive_of_an_image_is_known_by_its_first_name() {
        let id = "0a".repeat(32);
        let [dir, json, tar] = ["/", ".json", ".tar"].map(|end| format!("{id}{end}"));
        for name in
            ["oci-layout", "./index.json", "blobs/", "blobs/sha256/x", "manifest.json", &dir, &json, &tar]
        {
            assert!(is_image_archive(&header(name, b'0', 0)), "{name}");
            let root = [header("./", b'5', 0), header("pax", b'x', 12), vec![0; 512], header(name, b'0', 0)];
            assert!(is_image_archive(&root.concat()), "{name}");
        }
        for name in ["etc/", "bin", "./blob", "index.html", "etc/oci-layout"] {
            assert!(!is_image_archive(&header(name, b'5', 0)), "{name}");
        }
        assert!(!is_image_archive(&header("pax", b'x', 1 << 30)) && !is_image_archive(b"short"));
    }
}
