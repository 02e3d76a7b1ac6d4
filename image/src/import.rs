//! `subroot import SOURCE DIR`: opens the archive or the image, has it unpacked, and gives the complete tree its
//! name.

use crate::apply::Whiteouts;
use crate::apply::applier::Summary;
use crate::apply::layer::Expected;
use crate::commands::import::Request;
use crate::commands::pull::{self, RemoteImage};
use crate::error::Error;
use crate::input::{Archive, Input};
use crate::output;
use crate::signals::Signals;
use crate::source::image::{Image, Layer};
use crate::spool;
use crate::target::{Target, Unfinished};
use crate::task::{Job, Report, Task};
use crate::unpacker::Unpacker;
use std::fs::File;
use std::io::Seek as _;
use std::path::Path;
use subroot::images::source::TransportKind;

/// What was imported.
pub(crate) struct Imported {
    pub(crate) summary: Summary,
    /// The number of layers; `None` if the archive was a whole tree.
    pub(crate) layers: Option<usize>,
}

/// Imports an archive or an image to a directory. After an error or a signal, nothing of it remains.
///
/// # Errors
/// What stopped it.
pub(crate) fn import_dir(request: &Request, dir: &Path) -> Result<Imported, Error> {
    let opened = match pull::source(request)? {
        Some(remote) => Opened::Remote(Box::new(remote)),
        None => Opened::Input(Input::open(&request.source)?),
    };
    let target = Target::new(dir)?;
    let signals = Signals::block()?;
    let unpacker = Unpacker::new(&request.ids, request.is_quiet, &signals);
    target.remove_leftovers().iter().for_each(|line| output::line(line));
    let unfinished = target.begin()?;
    let importing = Importing { request, unfinished: &unfinished, unpacker, above: target.above() };
    let imported = match opened {
        Opened::Remote(remote) => importing.remote(&remote),
        Opened::Input(input) => importing.input(input),
    };
    match imported.and_then(|imported| target.finish(&unfinished).map(|()| imported)) {
        Ok(imported) => Ok(imported),
        Err(error) => {
            unfinished.discard_after_error();
            Err(error)
        }
    }
}

/// What an import reads.
enum Opened {
    Remote(Box<RemoteImage>),
    Input(Input),
}

/// An import to a directory that has no name yet.
struct Importing<'a> {
    request: &'a Request,
    unfinished: &'a Unfinished,
    unpacker: Unpacker<'a>,
    /// The directory above the target.
    above: &'a Path,
}

impl Importing<'_> {
    fn input(&self, input: Input) -> Result<Imported, Error> {
        match input {
            Input::Image(image) => self.image(&image),
            Input::File(archive) if archive.is_plain => self.plain(archive),
            Input::File(archive) => self.unknown(archive),
        }
    }

    /// The layers of a registry's image, each downloaded before it is unpacked. The process that unpacks verifies it.
    fn remote(&self, remote: &RemoteImage) -> Result<Imported, Error> {
        let layers = remote.image.layers.iter().map(|layer| {
            let file = spool::make(self.above)?;
            pull::download(&remote.repository, layer, &file)?;
            Ok((layer, file))
        });
        self.layers(layers)
    }

    /// A file that needs no copy.
    fn plain(&self, archive: Archive) -> Result<Imported, Error> {
        match archive.image()? {
            Some(image) => self.image(&image),
            None => self.tree(archive.file),
        }
    }

    /// What is compressed, or comes through a pipe.
    fn unknown(&self, archive: Archive) -> Result<Imported, Error> {
        let spool = spool::make(self.above)?;
        let job = if archive.kind == TransportKind::Archive { Job::TreeOrImage } else { Job::Image };
        let Archive { file, kind, reference, .. } = archive;
        match self.run(job, 0, file, Some(&spool))? {
            Report::Tree(summary, _) => Ok(Imported { summary, layers: None }),
            Report::Image => self.plain(Archive { file: spool, kind, reference, is_plain: true }),
        }
    }

    fn tree(&self, mut file: File) -> Result<Imported, Error> {
        file.rewind().map_err(|error| Error::Read { error })?;
        let summary = self.run(Job::Tree, 0, file, None)?.summary();
        Ok(Imported { summary, layers: None })
    }

    /// The layers of an image, one after the other into the same tree.
    fn image(&self, image: &Image) -> Result<Imported, Error> {
        let open = |layer: &Layer| layer.open()?.file().map_err(|error| Error::Read { error });
        self.layers(image.layers.iter().map(|layer| open(layer).map(|file| (layer, file))))
    }

    fn layers<'l>(
        &self,
        layers: impl Iterator<Item = Result<(&'l Layer, File), Error>>,
    ) -> Result<Imported, Error> {
        let (mut all, mut count) = (Summary::default(), 0);
        for opened in layers {
            let (layer, file) = opened?;
            let job = Job::Layer(Expected {
                blob: layer.blob,
                size: layer.size,
                diff_id: Some(layer.diff_id),
                whiteouts: Whiteouts::Flat,
                has_lower: count > 0,
            });
            all.add(&self.run(job, all.bytes, file, None)?.summary());
            count += 1;
        }
        Ok(Imported { summary: all, layers: Some(count) })
    }

    /// Performs a job, of which so many bytes are done.
    fn run(&self, job: Job, done: u64, archive: File, spool: Option<&File>) -> Result<Report, Error> {
        let task = Task {
            target: self.unfinished.identity,
            squashes: self.request.squashes,
            max_size: self.request.max_size.saturating_sub(done),
            map: None,
            job,
        };
        self.unpacker.run(&self.unfinished.path, &task, archive, spool)
    }
}
