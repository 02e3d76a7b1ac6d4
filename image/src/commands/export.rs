//! `subroot export IMAGE|DIR FILE|-`.

use crate::commands::import::{Request, with_store};
use crate::error::Error;
use crate::export::format::Format;
use crate::export::layout::{Content, Layout};
use crate::export::output::Output;
use crate::export::squashfs;
use crate::export::tree::Tree;
use crate::output::{self, counted, size};
use crate::pack::task::{Form, Packed};
use crate::signals::Signals;
use crate::source::documents::{self, Descriptor, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use crate::store::Store;
use crate::store::reference::Found;
use crate::store::unpacking::Unpacking;
use crate::unpacker::Unpacker;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use subroot::images::source::{exists, is_path};

/// What a layer has as its time, so that the same tree gives the same archive.
const CREATED: &str = "1970-01-01T00:00:00Z";
const CREATED_BY: &str = "subroot export";

/// What is exported, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Export {
    pub(crate) request: Request,
    /// The file; `-` is standard output.
    pub(crate) target: PathBuf,
    /// As it was typed; by default, the name of the file decides.
    pub(crate) format: Option<String>,
}

/// Exports. After an error, the file is unchanged.
///
/// # Errors
/// What stopped it.
pub(crate) fn export(export: &Export) -> Result<(), Error> {
    let source = &export.request.source;
    let format = Format::of(export)?;
    let output = Output::open(&export.target)?;
    let done = if is_path(source.as_os_str().as_bytes()) || exists(source) {
        export_dir(export, format, &output)
    } else {
        export_image(export, format, &output)
    };
    let summary = done.map_err(|error| error.in_tree("exporting", source))?;
    output.finish()?;
    if !export.request.is_quiet {
        output::line(&format!("exported {} {summary}", to(export)));
    }
    Ok(())
}

fn to(export: &Export) -> String {
    let target = if export.target == Path::new("-") { Path::new("standard output") } else { &export.target };
    format!("{} to {}:", export.request.source.display(), target.display())
}

fn export_dir(export: &Export, format: Format, output: &Output) -> Result<String, Error> {
    let signals = Signals::block()?;
    let unpacker = Unpacker::new(&export.request.ids, export.request.is_quiet, &signals);
    let tree = Tree::of_dir(&unpacker, &export.request.source)?;
    let packed = match format {
        Format::Tar => tree.pack(Form::Tree, output.descriptor()?)?,
        Format::Squashfs => squashfs::write(&tree.refusing_lists(), Form::Tree, output)?,
        Format::OciArchive => write_layer(&tree, output)?,
    };
    Ok(output::packed(&packed.counts))
}

/// Writes an image with the tree as its only layer.
fn write_layer(tree: &Tree<'_>, output: &Output) -> Result<Packed, Error> {
    let (spool, packed) = tree.spool(Form::TreeAsLayer, &output.dir())?;
    let config = documents::config(packed.digest, CREATED, CREATED_BY).into_bytes();
    let layer = Descriptor::new(OCI_LAYER.into(), packed.digest, packed.size);
    let described = Descriptor::of(OCI_CONFIG, &config);
    let manifest = documents::manifest(&described, &[layer]).into_bytes();
    let mut layout = Layout {
        blobs: BTreeMap::from([(packed.digest, (packed.size, Content::File(spool)))]),
        manifest: Descriptor::of(OCI_MANIFEST, &manifest),
        name: None,
    };
    layout.add_text(config);
    layout.add_text(manifest);
    layout.write(output).map(|()| packed)
}

fn export_image(export: &Export, format: Format, output: &Output) -> Result<String, Error> {
    let source = export.request.source.as_os_str();
    let missing = || Error::Images {
        doing: "exporting",
        name: source.to_string_lossy().into_owned(),
        why: "there is no image store yet, and no directory of this name".into(),
        fix: None,
    };
    let store = Store::open()?.ok_or_else(missing)?;
    let found = store.find("exporting", &store.index()?, source)?;
    if format == Format::OciArchive {
        return write_image(&store, &found, output);
    }
    with_store(&export.request, |unpacking| {
        // It may have been removed until this process has locked the store.
        let found = unpacking.store.find("exporting", &unpacking.store.index()?, source)?;
        write_tree(format, &found, unpacking, output)
    })
}

fn write_tree(
    format: Format,
    found: &Found,
    unpacking: &Unpacking<'_>,
    output: &Output,
) -> Result<String, Error> {
    if found.image.layers.is_empty() {
        return Err(Error::archive("the image has no layers, and so no files"));
    }
    let tree = unpacking.tree(&found.image)?;
    let packed = match format {
        Format::Squashfs => squashfs::write(&tree.refusing_lists(), Form::Layers, output)?,
        _ => tree.pack(Form::Layers, output.descriptor()?)?,
    };
    Ok(output::packed(&packed.counts))
}

/// Writes an image with its blobs unchanged.
fn write_image(store: &Store, found: &Found, output: &Output) -> Result<String, Error> {
    let signals = Signals::block()?;
    let _shared = store.begin(&signals)?;
    let Found { entries, image } = found;
    let mut blobs = BTreeMap::new();
    for blob in image.blobs() {
        blobs.insert(blob.digest, (blob.size, Content::File(store.blobs.open(&blob.digest)?)));
    }
    let entry = entries.first().ok_or_else(|| Error::archive("the image has no entry"))?;
    let layout = Layout {
        blobs,
        manifest: entry.manifest.described(entry.media_type.clone()),
        name: entry.name.clone(),
    };
    layout.write(output)?;
    Ok(format!("{}, {}", counted(image.layers.len() as u64, "layer", "layers"), size(image.size())))
}
