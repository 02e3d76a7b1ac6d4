//! `subroot commit --image IMAGE DIR NAME`.

use crate::commands::import::{Request, with_store};
use crate::error::{Error, reason};
use crate::export::tree::Tree;
use crate::output;
use crate::pack::task::{Form, Packed};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::Mode;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use subroot::images::name::ImageName;

const DOING: &str = "committing";
/// What the directory of `--overlay=DIR` has changes in.
const UPPER: &str = "upper";

/// What becomes an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its source is the directory of `--overlay=DIR`.
    pub(crate) request: Request,
    /// The image that the sandbox had.
    pub(crate) image: OsString,
    pub(crate) name: OsString,
}

/// Makes an image whose last layer is what a sandbox has changed.
///
/// # Errors
/// A sandbox uses the directory, there is no such image, or what stopped it. The name is unchanged then.
pub(crate) fn commit(commit: &Commit) -> Result<(), Error> {
    let Commit { request, image, name } = commit;
    let dir = request.source.as_path();
    let name = ImageName::parse(name).map_err(|why| Error::Images {
        doing: "committing as",
        name: name.to_string_lossy().into_owned(),
        why: format!("it is not the name of an image: {why}"),
        fix: None,
    })?;
    let _locked = lock(dir)?;
    let packed = with_store(request, |unpacking| {
        let found = unpacking.store.find(DOING, &unpacking.store.index()?, image)?;
        let tree = Tree::of_dir(&unpacking.unpacker, &dir.join(UPPER))?;
        let spooled = tree.spool(Form::Upper, &unpacking.store.tmp.path);
        let (spool, packed) = spooled.map_err(|error| error.in_tree(DOING, dir))?;
        unpacking.add_layer(&found, spool, &packed, name.canonical()).map(|()| packed)
    })?;
    if !request.is_quiet {
        output::line(&summary(dir, &name, &packed));
    }
    Ok(())
}

/// Locks the directory as a sandbox does that uses it.
fn lock(dir: &Path) -> Result<Flock<OwnedFd>, Error> {
    let failed = |why: String| Error::Target { doing: DOING, path: dir.into(), why };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let opened = open(dir, flags, Mode::empty()).map_err(|errno| failed(errno.desc().into()))?;
    let upper = dir.join(UPPER);
    if !upper.try_exists().map_err(|error| failed(reason(&error)))? {
        return Err(failed("it has no changes: it is not a directory of subroot run --overlay=DIR".into()));
    }
    Flock::lock(opened, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => failed("a running sandbox uses it".into()),
        errno => failed(errno.desc().into()),
    })
}

fn summary(dir: &Path, name: &ImageName, packed: &Packed) -> String {
    let layer = output::packed(&packed.counts);
    format!("committed {} as {}: a layer of {layer}", dir.display(), name.familiar())
}
