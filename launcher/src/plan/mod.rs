//! Turns a request into a plan. Every invalid combination is refused here, before anything is created.

pub(crate) mod accounts;
mod added_files;
pub(crate) mod host_root;
pub(crate) mod id_layout;
pub(crate) mod id_plan;
pub(crate) mod image;
mod name_files;
pub(crate) mod network;
pub(crate) mod outline;
pub(crate) mod progress;
pub(crate) mod root;
mod root_files;
pub(crate) mod root_owner;
pub(crate) mod steps;
mod validation;

use crate::cdi;
use crate::error::{Error, OsError};
use crate::failure::{reason, reason_of};
use crate::plan::added_files::{Added, Additions, hostname, prompt_label};
use crate::plan::host_root::HostRoot;
use crate::plan::id_plan::IdPlan;
use crate::plan::network::NetworkPlan;
use crate::plan::root::{Base, Ground, PlannedMount, RootPlan, Sys};
use crate::request::limits::Limit;
use crate::request::mount::{Content, Mount, NODEV, NOSUID, inside_path};
use crate::request::namespaces::{ClockOffsets, Namespace, Network};
use crate::request::passed::Passed;
use crate::request::process::{Process, Seccomp};
use crate::request::root::{Dev, Overlay, Proc, Root};
use crate::request::sandbox::Sandbox;
use crate::request::{capabilities, environment};
use crate::sys;
use crate::sys::errno_of;
use crate::sys::files::file_kind;
use crate::sys::lookup::{look_in, open_top};
use nix::errno::Errno;
use nix::libc::c_int;
use nix::sys::stat::SFlag;
use std::collections::HashMap;
use std::ffi::{CString, OsString};
use std::fs::FileType;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One launch, complete.
pub(crate) struct Plan {
    /// The namespaces to create, as flags of clone(2).
    pub(crate) namespaces: c_int,
    /// The new root; none if the host's root is kept.
    pub(crate) root: Option<RootPlan>,
    /// The process that is PID 1; none without a pid namespace.
    pub(crate) first: Option<FirstProcess>,
    /// The process to run.
    pub(crate) process: Process,
    /// The sources of IDs.
    pub(crate) ids: IdPlan,
    /// What connects the sandbox's own network.
    pub(crate) network: Option<NetworkPlan>,
    /// The hostname.
    pub(crate) hostname: Option<String>,
    /// The offsets of the clocks.
    pub(crate) clocks: Option<ClockOffsets>,
    /// True if the launch continues after the process that started it has ended.
    pub(crate) outlives_parent: bool,
    /// The sandbox's name.
    pub(crate) name: Option<String>,
    /// Where the start and the end are reported.
    pub(crate) status_streams: Vec<Arc<OwnedFd>>,
    /// The descriptors that the command gets in addition to its standard streams.
    pub(crate) passed: Passed,
    /// True if the root has no account for the command's user, who is not root.
    pub(crate) is_unknown_user: bool,
    /// What could not be done by default, and what is not as a device specification says.
    pub(crate) warnings: Vec<String>,
}

/// Which process is PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstProcess {
    /// subroot's own init.
    Init,
    /// The command itself.
    Command,
}

impl Plan {
    /// Makes a plan.
    ///
    /// # Errors
    /// An invalid request, or a rootfs or source that does not exist.
    pub(crate) fn new(sandbox: &Sandbox) -> Result<Plan, Error> {
        Plan::with(sandbox, None)
    }

    /// The same with these IDs, if they are known.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn with(sandbox: &Sandbox, ids: Option<IdPlan>) -> Result<Plan, Error> {
        validation::check(sandbox)?;
        let devices = cdi::resolve(&sandbox.cdi_devices)?;
        let mounts = mounts(devices.mounts.iter().chain(&sandbox.mounts))?;
        let base = base(sandbox, &mounts)?;
        let owner = base.as_ref().and_then(Ground::root_owner);
        let mut ids = ids.map_or_else(|| IdPlan::new(&sandbox.ids, owner), Ok)?;
        if let Root::Image(image) = &sandbox.root {
            image::keep_only(&mut ids, &image.map)?;
        }
        let private_pids = sandbox.namespaces.pid == Namespace::Private;
        let mut process = process(sandbox, &mounts)?;
        for (name, value) in devices.environment {
            environment::set(&mut process.environment, name, value);
        }
        let hostname = hostname(sandbox);
        let network = NetworkPlan::new(sandbox)?;
        let connector = network.as_ref().map(|network| network.connector);
        let added = match (&sandbox.root, ids.candidates.first()) {
            (Root::Dir(_) | Root::Image(_) | Root::Host | Root::Empty, Some(candidate)) => {
                Additions { sandbox, candidate, hostname, connector, mounts: &mounts }.find()?
            }
            _ => Added::default(),
        };
        process.home = added.home;
        let root = base.map(|base| root(sandbox, base.base, mounts, added.mounts)).transpose()?;
        process.terminal |= sandbox.prefers_terminal && root.as_ref().is_some_and(RootPlan::has_terminals);
        let first = if sandbox.as_pid_1 { FirstProcess::Command } else { FirstProcess::Init };
        Ok(Plan {
            namespaces: sandbox.namespaces.flags(),
            process,
            first: private_pids.then_some(first),
            ids,
            root,
            network,
            hostname: hostname.map(str::to_owned),
            clocks: sandbox.namespaces.time,
            outlives_parent: sandbox.outlives_parent,
            name: sandbox.name.clone(),
            status_streams: sandbox.status_stream.iter().cloned().collect(),
            passed: sandbox.passed.clone(),
            is_unknown_user: added.is_unknown,
            warnings: [devices.warnings, added.warnings].concat(),
        })
    }
}

/// The process to run. Landlock allows writes below requested mounts that are not read-only.
fn process(sandbox: &Sandbox, mounts: &[Mount]) -> Result<Process, Error> {
    let mut process = sandbox.process.clone();
    process.limits.iter().try_for_each(check_limit)?;
    process.command = sandbox.command.clone().unwrap_or_default();
    if let Some(label) = prompt_label(sandbox) {
        process.environment.push(("debian_chroot".into(), label));
    }
    let writable = mounts.iter().filter(|mount| mount.is_writable());
    process.writable = writable.map(|mount| mount.target.clone()).collect();
    let (added, dropped) = (&sandbox.added_capabilities, &sandbox.dropped_capabilities);
    if !added.is_empty() || !dropped.is_empty() {
        let all = process.capabilities.unwrap_or(capabilities::ALL);
        let kept = capabilities::changed(all, added, dropped);
        process.capabilities =
            Some(kept.map_err(|why| Error::Usage { what: "--cap-add and --cap-drop", why })?);
    }
    if let Seccomp::Profile(path) = &mut process.seccomp {
        *path = absolute("--security-opt", path)?;
    }
    Ok(process)
}

/// Only a process with CAP_SYS_RESOURCE in the host's user namespace could raise a hard limit: setrlimit(2).
fn check_limit(limit: &Limit) -> Result<(), Error> {
    let unreadable = |errno| Error::Parent { doing: "reading the resource limits", errno: OsError(errno) };
    let hard = sys::process::hard_limit(limit.resource as u32).map_err(unreadable)?;
    if limit.hard <= hard {
        return Ok(());
    }
    Err(Error::Usage { what: "--ulimit", why: format!("{limit} exceeds your hard limit, which is {hard}") })
}

/// The requested mounts, with absolute paths.
fn mounts<'m>(asked: impl Iterator<Item = &'m Mount>) -> Result<Vec<Mount>, Error> {
    let mut mounts: Vec<Mount> = asked.cloned().collect();
    for mount in &mut mounts {
        mount.target = inside("the target of a mount", &mount.target)?;
        for path in mount.host_paths() {
            *path = absolute("the source of a mount", path)?;
        }
    }
    Ok(mounts)
}

fn inside(what: &'static str, path: &Path) -> Result<PathBuf, Error> {
    inside_path(path.as_os_str()).map_err(|why| Error::Usage { what, why })
}

/// A host path made absolute, because the child has another working directory when it uses the path.
fn absolute(what: &'static str, path: &Path) -> Result<PathBuf, Error> {
    if path.as_os_str().is_empty() {
        return Err(Error::Usage { what, why: "a path is empty".into() });
    }
    std::path::absolute(path)
        .map_err(|error| Error::Usage { what, why: format!("{}: {}", path.display(), reason_of(&error)) })
}

fn base(sandbox: &Sandbox, mounts: &[Mount]) -> Result<Option<Ground>, Error> {
    Ok(match &sandbox.root {
        Root::Dir(dir) => {
            let (path, owner) = check_rootfs(dir)?;
            Some(Ground { base: Base::Dir(path), owner })
        }
        Root::Image(image) => Some(Ground { base: Base::Layers(Arc::clone(image)), owner: None }),
        Root::Empty => Some(Ground { base: Base::Empty, owner: None }),
        Root::Host => Some(Ground { base: Base::Host(HostRoot::find(mounts)?), owner: None }),
        Root::Unchanged => None,
    })
}

fn root(sandbox: &Sandbox, base: Base, mut mounts: Vec<Mount>, added: Vec<Mount>) -> Result<RootPlan, Error> {
    for path in &sandbox.writable_tmpfs {
        let path = inside("--read-only-tmpfs", path)?;
        let is_there = makes_dir(&mounts, &path) || has_dir(&sandbox.root, &path)?;
        mounts.extend(is_there.then(|| writable_tmpfs(&path)));
    }
    mounts.extend(added);
    // A mount may be on another one that was requested later, so sort by depth.
    mounts.sort_by_cached_key(|mount| mount.target.iter().count());
    let mounts = planned(mounts)?;
    let replaced = |path: &str| mounts.iter().any(|planned| planned.mount.replaces(path));
    let sys = match sandbox.namespaces.network {
        _ if replaced("/sys") => Sys::None,
        Network::Host => Sys::Bind,
        _ => Sys::New,
    };
    Ok(RootPlan {
        base,
        overlay: overlay(sandbox)?,
        read_only: sandbox.read_only,
        proc: if replaced("/proc") { Proc::None } else { proc(sandbox) },
        dev: if replaced("/dev") { Dev::None } else { sandbox.dev },
        sys,
        disk: None,
        mounts,
        masked: all_inside(&sandbox.masked)?,
        read_only_paths: all_inside(&sandbox.read_only_paths)?,
    })
}

fn overlay(sandbox: &Sandbox) -> Result<Option<Overlay>, Error> {
    let Some(Overlay::Kept(dir)) = &sandbox.overlay else { return Ok(sandbox.overlay.clone()) };
    let dir = absolute("--overlay", dir)?;
    Ok(Some(Overlay::Kept(dir)))
}

fn all_inside(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    paths.iter().map(|path| inside("--security-opt", path)).collect()
}

/// A path, an argument or `NAME=VALUE` as a C string.
///
/// # Errors
/// It contains a NUL byte.
pub(crate) fn c_string(what: &'static str, text: impl Into<OsString>) -> Result<CString, Error> {
    CString::new(text.into().into_vec())
        .map_err(|_| Error::Usage { what, why: "it contains a NUL byte".into() })
}

/// The same for several strings.
///
/// # Errors
/// One of them contains a NUL byte.
pub(crate) fn c_strings(
    what: &'static str,
    texts: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Vec<CString>, Error> {
    texts.into_iter().map(|text| c_string(what, text)).collect()
}

/// The path, and the uid and gid of the directory. What only subordinate IDs can search is looked at later, by the child.
///
/// # Errors
/// The directory does not exist, is not a directory, or cannot be examined by any user.
pub(crate) fn check_rootfs(dir: &Path) -> Result<(CString, Option<[u32; 2]>), Error> {
    match std::fs::metadata(dir) {
        Ok(found) if !found.is_dir() => {
            Err(Error::Rootfs { path: dir.to_owned(), errno: OsError(Errno::ENOTDIR) })
        }
        Err(error) if is_final(&error) => {
            Err(Error::Rootfs { path: dir.to_owned(), errno: OsError(errno_of(&error)) })
        }
        found => {
            // Error ignored: its owner is not known.
            let owner = found.ok().map(|found| [found.uid(), found.gid()]);
            c_string("ROOTFS", dir).map(|path| (path, owner))
        }
    }
}

/// A sandbox without its own pid namespace cannot have its own proc.
fn proc(sandbox: &Sandbox) -> Proc {
    match (sandbox.proc, sandbox.namespaces.pid) {
        (Proc::Auto, Namespace::Host) => Proc::Bind,
        (proc, _) => proc,
    }
}

/// A tmpfs in a read-only root. Execution is allowed, because builds run programs in /tmp.
fn writable_tmpfs(path: &Path) -> Mount {
    let mut mount = Mount::tmpfs(path);
    mount.attributes.set = NOSUID | NODEV;
    mount
}

/// True if this directory is made on request.
fn makes_dir(mounts: &[Mount], path: &Path) -> bool {
    mounts.iter().any(|mount| mount.target == path && matches!(mount.content, Content::Directory(_)))
}

/// True if the root has this directory. One that only subordinate IDs can search counts as missing.
fn has_dir(root: &Root, path: &Path) -> Result<bool, Error> {
    let tops: Vec<&Path> = match root {
        Root::Dir(dir) => vec![dir],
        Root::Image(image) => image.layers.iter().map(|layer| layer.path.as_path()).collect(),
        Root::Empty => Vec::new(),
        Root::Host | Root::Unchanged => vec![Path::new("/")],
    };
    for top in tops {
        match open_top(top).and_then(|top| look_in(&top, path)) {
            Ok(found) => return Ok(file_kind(&found) == SFlag::S_IFDIR),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES) => {}
            Err(errno) => {
                let file = [top, path.strip_prefix("/").ok().unwrap_or(path)].iter().collect();
                return Err(Error::Unreadable { file, why: reason(errno) });
            }
        }
    }
    Ok(false)
}

/// Examines the sources of mounts, and finds for each mount the one that it is on: the nearest above it.
fn planned(mounts: Vec<Mount>) -> Result<Vec<PlannedMount>, Error> {
    let mut indexes = HashMap::new();
    let mut planned = Vec::new();
    for (at, mount) in mounts.into_iter().enumerate() {
        let on = mount.target.ancestors().skip(1).find_map(|dir| indexes.get(dir).copied());
        // A directory is made only if it is missing, so a mount below it may still need a mount point.
        if !matches!(mount.content, Content::Directory(_)) {
            indexes.insert(mount.target.clone(), at);
        }
        let source = source_kind(&mount)?;
        let is_device = source.is_some_and(|kind| kind.is_char_device() || kind.is_block_device());
        planned.push(PlannedMount { is_dir: is_dir(&mount, source), is_device, on, mount });
    }
    Ok(planned)
}

/// True if a mount is a directory; none if only subordinate IDs can examine its source, and for a symbolic
/// link, which needs no mount point.
fn is_dir(mount: &Mount, source: Option<FileType>) -> Option<bool> {
    match &mount.content {
        Content::Symlink(_) => None,
        Content::File { .. } => Some(false),
        _ if mount.source().is_none() => Some(true),
        _ => source.map(|kind| kind.is_dir()),
    }
}

/// The kind of a mount's source; none if there is no source, or if only subordinate IDs can examine it.
fn source_kind(mount: &Mount) -> Result<Option<FileType>, Error> {
    if let Content::Symlink(text) = &mount.content {
        c_string("a symbolic link", text)?;
    }
    let Some(source) = mount.source() else { return Ok(None) };
    c_string("a mount's source", source)?;
    match std::fs::metadata(source) {
        Err(error) if is_final(&error) => {
            Err(Error::Source { path: source.to_owned(), errno: OsError(errno_of(&error)) })
        }
        // Error ignored: the child checks again.
        found => Ok(found.ok().map(|found| found.file_type())),
    }
}

fn is_final(error: &std::io::Error) -> bool {
    error.kind() != std::io::ErrorKind::PermissionDenied
}
