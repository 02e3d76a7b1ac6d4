//! Writes an image as an OCI layout in a tar: `oci-archive:`. Nothing in it depends on the time or the user.

use crate::digest::{Digest, Hasher};
use crate::error::Error;
use crate::export::output::Output;
use crate::source::documents::{Descriptor, OCI_INDEX};
use crate::store::{LAYOUT, LAYOUT_VERSION};
use crate::tar::member::{Kind, Member, Time};
use crate::tar::write::Writer;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use subroot::images::index::ANNOTATION;

const BUFFER: usize = 1 << 20;

/// Where a blob is read.
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// From its start.
    File(File),
}

/// An image that is written.
pub(crate) struct Layout {
    /// The size and content of each blob.
    pub(crate) blobs: BTreeMap<Digest, (u64, Content)>,
    pub(crate) manifest: Descriptor,
    /// The name that other tools give it.
    pub(crate) name: Option<String>,
}

impl Layout {
    /// Adds a document.
    pub(crate) fn add_text(&mut self, content: Vec<u8>) {
        let size = content.len() as u64;
        self.blobs.insert(Digest::of(&content), (size, Content::Bytes(content)));
    }

    /// Writes the archive. The digest of every blob is compared.
    ///
    /// # Errors
    /// A blob cannot be read or is damaged, or the output cannot be written.
    pub(crate) fn write(self, output: &Output) -> Result<(), Error> {
        let writing = || output.failed();
        let index = self.index();
        let mut writer = Writer::new(BufWriter::with_capacity(BUFFER, output.file()));
        for dir in ["blobs/", "blobs/sha256/"] {
            writer.begin(&member(dir, Kind::Directory, 0)).map_err(writing())?;
        }
        for (digest, (size, content)) in self.blobs {
            let name = format!("blobs/sha256/{}", digest.hex());
            writer.begin(&member(&name, Kind::File, size)).map_err(writing())?;
            match content {
                Content::Bytes(bytes) => writer.write(&bytes).map_err(writing())?,
                Content::File(file) => copy(file, size, digest, &mut writer, output)?,
            }
            writer.pad(size).map_err(writing())?;
        }
        for (name, content) in [("index.json", index.as_bytes()), (LAYOUT, LAYOUT_VERSION)] {
            let size = content.len() as u64;
            let written = writer.begin(&member(name, Kind::File, size));
            written.and_then(|()| writer.write(content)).and_then(|()| writer.pad(size)).map_err(writing())?;
        }
        writer.finish().map(drop).map_err(writing())
    }

    fn index(&self) -> String {
        let mut manifest = self.manifest.to_json();
        if let Some(name) = &self.name {
            manifest["annotations"] = json!({ ANNOTATION: name });
        }
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [manifest]}).to_string()
    }
}

fn copy(
    file: File,
    size: u64,
    digest: Digest,
    writer: &mut Writer<impl Write>,
    output: &Output,
) -> Result<(), Error> {
    let (mut hasher, mut left, mut buffer) = (Hasher::default(), size, vec![0; BUFFER]);
    let mut content = file.take(size);
    loop {
        let count = match content.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count.map_err(|error| Error::Read { error })?,
        };
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        hasher.update(piece);
        left -= count as u64;
        writer.write(piece).map_err(output.failed())?;
    }
    let found = hasher.finish();
    if left > 0 || found != digest {
        return Err(Error::Digest { what: "a blob", found, wanted: digest });
    }
    Ok(())
}

fn member(name: &str, kind: Kind, stored: u64) -> Member {
    let mode = if kind == Kind::Directory { 0o755 } else { 0o644 };
    let (mtime, attributes) = (Time::default(), Vec::new());
    let name = name.as_bytes().to_vec();
    Member { name, kind, mode, uid: 0, gid: 0, mtime, attributes, lost_attributes: 0, stored }
}
