//! What a launch adds so that the inside looks like the outside without being requested: files for names and
//! accounts, the host name, and the label of a shell's prompt.

use crate::error::Error;
use crate::plan::accounts::Accounts;
use crate::plan::id_plan::Candidate;
use crate::plan::name_files::Names;
use crate::plan::network::Connector;
use crate::plan::root_files::{RootFiles, unreadable};
use crate::request::mount::{Content, Mount};
use crate::request::names::check_hostname;
use crate::request::namespaces::Namespace;
use crate::request::root::Root;
use crate::request::sandbox::Sandbox;
use nix::errno::Errno;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What it depends on.
pub(crate) struct Additions<'p> {
    pub(crate) sandbox: &'p Sandbox,
    /// The maps that are tried first.
    pub(crate) candidate: &'p Candidate,
    pub(crate) hostname: Option<&'p str>,
    pub(crate) connector: Option<Connector>,
    /// The requested mounts.
    pub(crate) mounts: &'p [Mount],
}

/// What is added.
#[derive(Default)]
pub(crate) struct Added {
    pub(crate) mounts: Vec<Mount>,
    /// The home of a command that does not run as root.
    pub(crate) home: Option<OsString>,
    /// True if the root has no account for the command's user.
    pub(crate) is_unknown: bool,
    /// What could not be examined.
    pub(crate) warnings: Vec<String>,
}

impl Additions<'_> {
    /// Examines the root.
    ///
    /// # Errors
    /// A file of the root cannot be read, for a reason other than its content.
    pub(crate) fn find(&self) -> Result<Added, Error> {
        let mut added = Added::default();
        let files = match RootFiles::open(self.sandbox, self.mounts) {
            // Only subordinate IDs may be able to search the directory. Nothing is added then.
            Err(Errno::EACCES) if !self.needs_names() => return Ok(added),
            files => files.map_err(|errno| unreadable("the root", errno))?,
        };
        let is_host_root = self.sandbox.root == Root::Host;
        let names = Names {
            network: self.sandbox.namespaces.network,
            connector: self.connector,
            connection: &self.sandbox.connection,
            hostname: self.hostname,
            is_host_root,
        };
        // An empty root gets only what was requested, and an account, without which the user has no name.
        if self.sandbox.root != Root::Empty {
            added.mounts = names.mounts(&files, &mut added.warnings)?;
        }
        let accounts = Accounts {
            files: &files,
            candidate: self.candidate,
            user: self.sandbox.process.user.as_ref(),
            home: home_inside(self.mounts, is_host_root).map(Into::into),
            adds: self.sandbox.adds_account,
        };
        let known = accounts.find(&mut added.warnings)?;
        added.mounts.extend(known.mounts);
        added.home = known.home;
        added.is_unknown = known.is_unknown;
        Ok(added)
    }
}

impl Additions<'_> {
    /// True if files for names were requested, or the host's would not do.
    fn needs_names(&self) -> bool {
        let connection = &self.sandbox.connection;
        self.connector.is_some() || !connection.dns.is_empty() || !connection.hosts.is_empty()
    }
}

/// Where the caller's home is in the sandbox, if it is bound there.
fn home_inside(mounts: &[Mount], is_host_root: bool) -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let shown = |mount: &Mount| {
        let (Content::Bind(_) | Content::Layered(_)) = &mount.content else { return None };
        let below = home.strip_prefix(mount.source()?).ok()?;
        Some(mount.target.components().chain(below.components()).collect::<PathBuf>())
    };
    let bound = mounts.iter().rev().find_map(shown);
    bound.or(is_host_root.then_some(home)).filter(|home| home.is_absolute())
}

/// The host name: the requested one, else the sandbox's name if that is a host name, else the host's.
pub(crate) fn hostname(sandbox: &Sandbox) -> Option<&str> {
    let is_private = sandbox.namespaces.uts == Namespace::Private;
    // Error ignored: a name that is too long for a host name is none.
    let from_name = || sandbox.name.as_deref().filter(|name| is_private && check_hostname(name).is_ok());
    sandbox.hostname.as_deref().or_else(from_name)
}

/// The value of debian_chroot, which Debian's shells show in their prompt: the sandbox's name, or that of its
/// directory. None if the variable is already set.
pub(crate) fn prompt_label(sandbox: &Sandbox) -> Option<OsString> {
    let is_set = sandbox.process.environment.iter().any(|(name, _)| name == "debian_chroot");
    if is_set || !sandbox.labels_prompt {
        return None;
    }
    match (&sandbox.name, &sandbox.root) {
        (_, Root::Unchanged | Root::Empty) => None,
        (Some(name), _) => Some(name.into()),
        (None, Root::Host) => Some("subroot".into()),
        (None, Root::Image(image)) => Some(without_control_characters(image.shown.as_ref())),
        (None, Root::Dir(dir)) => dir_name(dir).map(|name| without_control_characters(&name)),
    }
}

fn dir_name(dir: &Path) -> Option<OsString> {
    let name = |dir: &Path| dir.file_name().map(OsStr::to_owned);
    // Error ignored: the prompt then shows no name.
    name(dir).or_else(|| name(&std::fs::canonicalize(dir).ok()?))
}

/// A prompt must not change the terminal.
fn without_control_characters(name: &OsStr) -> OsString {
    let name = name.to_string_lossy();
    name.chars().map(|c| if c.is_control() { '_' } else { c }).collect::<String>().into()
}
