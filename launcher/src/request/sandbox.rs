//! The request for a sandbox, as built by users of the library and by the program's command line.

mod confinement;
mod ids;
mod namespaces;
mod network;
mod process;
mod root;
mod streams;

use crate::request::environment::{self, Environment, set};
use crate::request::ids::IdWishes;
use crate::request::mount::Mount;
use crate::request::namespaces::{Namespace, Namespaces, Network};
use crate::request::network::Connection;
use crate::request::passed::Passed;
use crate::request::process::{Process, Seccomp, Workdir};
use crate::request::root::{Dev, Overlay, Proc, Root};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

const PATH_INSIDE: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command in its own root filesystem: described here, and then started.
///
/// ```
/// use std::io::Read as _;
/// use std::os::unix::net::UnixStream;
/// use subroot::Sandbox;
///
/// let (mut reader, writer) = UnixStream::pair()?;
/// let mut running = Sandbox::host()
///     .bind("/etc/passwd", "/tmp/accounts")
///     .workdir("/tmp")
///     .env("COLOUR", "red")
///     .command(["sh", "-c", "id -u; test -s accounts && echo $COLOUR"])
///     .stdout(writer)
///     .spawn()?;
/// assert!(running.wait()?.success());
/// drop(running);
/// let mut printed = String::new();
/// reader.read_to_string(&mut printed)?;
/// assert_eq!(printed, "0\nred\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With [`Sandbox::new`], a directory becomes the root instead:
///
/// ```no_run
/// # use subroot::Sandbox;
/// let status = Sandbox::new("./rootfs").bind(".", "/src").workdir("/src").command(["make", "-j4"]).spawn()?.wait()?;
/// # Ok::<(), subroot::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(crate) root: Root,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) read_only: bool,
    /// Directories of a read-only root, if it has them, on which a writable tmpfs is mounted.
    pub(crate) writable_tmpfs: Vec<PathBuf>,
    pub(crate) proc: Proc,
    pub(crate) dev: Dev,
    pub(crate) mounts: Vec<Mount>,
    /// Names of devices of the Container Device Interface.
    pub(crate) cdi_devices: Vec<String>,
    pub(crate) masked: Vec<PathBuf>,
    pub(crate) read_only_paths: Vec<PathBuf>,
    /// The command; none for a shell.
    pub(crate) command: Option<Vec<OsString>>,
    pub(crate) process: Process,
    /// True if the command gets a terminal of its own, unless its /dev has none.
    pub(crate) prefers_terminal: bool,
    pub(crate) added_capabilities: Vec<String>,
    pub(crate) dropped_capabilities: Vec<String>,
    /// True if the command's user gets an account if the root has none.
    pub(crate) adds_account: bool,
    /// True if a shell's prompt shows the sandbox: debian_chroot.
    pub(crate) labels_prompt: bool,
    pub(crate) ids: IdWishes,
    pub(crate) namespaces: Namespaces,
    pub(crate) connection: Connection,
    pub(crate) hostname: Option<String>,
    pub(crate) as_pid_1: bool,
    pub(crate) outlives_parent: bool,
    pub(crate) name: Option<String>,
    pub(crate) streams: [Option<Arc<OwnedFd>>; 3],
    pub(crate) status_stream: Option<Arc<OwnedFd>>,
    pub(crate) passed: Passed,
}

impl Sandbox {
    /// A shell in this directory, as root, with all IDs that the caller may map.
    pub fn new(rootfs: impl Into<PathBuf>) -> Sandbox {
        let terminal = std::env::var_os("TERM").unwrap_or_else(|| "xterm".into());
        let environment = vec![("PATH".into(), PATH_INSIDE.into()), ("TERM".into(), terminal)];
        Sandbox::of(Root::Dir(rootfs.into()), environment).workdir_of_image()
    }

    /// A shell in an empty root in memory, which has only what [`Sandbox::mount`] and its kin add.
    pub fn empty() -> Sandbox {
        Sandbox { root: Root::Empty, ..Sandbox::new("") }
    }

    /// A shell in the host's own system, with all changes in memory.
    pub fn host() -> Sandbox {
        let environment = environment::of_caller().filter(|(name, _)| name != "debian_chroot").collect();
        let mut sandbox = Sandbox::of(Root::Host, environment);
        // Error ignored: a removed directory cannot be the working directory.
        sandbox.process.workdir = Workdir::Callers(std::env::current_dir().ok().unwrap_or_default());
        sandbox
    }

    /// A shell in the host's own system, unchanged except for mapped IDs.
    pub fn unshare() -> Sandbox {
        let mut sandbox = Sandbox::of(Root::Unchanged, environment::of_caller().collect());
        sandbox.process.environment.retain(|(name, _)| name != "container");
        sandbox.process.capabilities = None;
        sandbox.process.seccomp = Seccomp::Unconfined;
        sandbox.process.workdir = Workdir::Unchanged;
        let host = Namespace::Host;
        sandbox.namespaces =
            Namespaces { pid: host, ipc: host, uts: host, cgroup: host, network: Network::Host, time: None };
        sandbox
    }

    fn of(root: Root, mut environment: Environment) -> Sandbox {
        set(&mut environment, "container".into(), "subroot".into());
        Sandbox {
            root,
            overlay: None,
            read_only: false,
            writable_tmpfs: Vec::new(),
            proc: Proc::default(),
            dev: Dev::default(),
            mounts: Vec::new(),
            cdi_devices: Vec::new(),
            masked: Vec::new(),
            read_only_paths: Vec::new(),
            command: None,
            process: Process::new(environment),
            prefers_terminal: false,
            added_capabilities: Vec::new(),
            dropped_capabilities: Vec::new(),
            adds_account: true,
            labels_prompt: true,
            ids: IdWishes::default(),
            namespaces: Namespaces::default(),
            connection: Connection::default(),
            hostname: None,
            as_pid_1: false,
            outlives_parent: false,
            name: None,
            streams: [const { None }; 3],
            status_stream: None,
            passed: Passed::default(),
        }
    }

    fn workdir_of_image(mut self) -> Sandbox {
        self.process.workdir = Workdir::Asked("/".into());
        self
    }

    /// Runs this command instead of a shell.
    #[must_use]
    pub fn command(mut self, command: impl IntoIterator<Item = impl Into<OsString>>) -> Sandbox {
        self.command = Some(command.into_iter().map(Into::into).collect());
        self
    }

    /// Bind-mounts a file or directory of the host, with all mounts below it.
    #[must_use]
    pub fn bind(self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::bind(source, target))
    }

    /// The same, read-only.
    #[must_use]
    pub fn bind_read_only(self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::bind(source, target).read_only())
    }

    /// Adds a mount.
    #[must_use]
    pub fn mount(mut self, mount: Mount) -> Sandbox {
        self.mounts.push(mount);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Sandbox {
        set(&mut self.process.environment, name.into(), value.into());
        self
    }

    /// Removes all environment variables, including those that every sandbox has: PATH, TERM, container and
    /// debian_chroot.
    #[must_use]
    pub fn env_clear(mut self) -> Sandbox {
        self.labels_prompt = false;
        self.process.environment.clear();
        self
    }

    /// Passes on the caller's whole environment.
    #[must_use]
    pub fn env_host(mut self) -> Sandbox {
        let own = environment::of_caller().filter(|(name, _)| name != "container" && name != "debian_chroot");
        own.for_each(|(name, value)| set(&mut self.process.environment, name, value));
        self
    }

    /// Starts in this directory of the sandbox.
    #[must_use]
    pub fn workdir(mut self, dir: impl Into<PathBuf>) -> Sandbox {
        self.process.workdir = Workdir::Asked(dir.into());
        self
    }

    /// Sets the name, for `subroot exec`, `ps` and `kill`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Sandbox {
        self.name = Some(name.into());
        self
    }

    /// Continues when the process that started the sandbox ends. Dropping a [`Running`](crate::Running) still
    /// ends it.
    #[must_use]
    pub fn outlive_parent(mut self) -> Sandbox {
        self.outlives_parent = true;
        self
    }
}
