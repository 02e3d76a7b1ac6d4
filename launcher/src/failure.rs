//! How the child tells its parent what went wrong: one record through a pipe.

use nix::errno::Errno;
use std::ffi::OsStr;
use std::fmt;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;

/// The longest record: PIPE_BUF in linux/limits.h.
pub(crate) const MAX_RECORD: usize = 4096;

/// What the child does, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// Closing the descriptors that were inherited.
    CloseInherited = 1,
    /// Becoming ID 0 of the new user namespace.
    BecomeRoot,
    /// Setting the host name.
    Hostname,
    /// Bringing the network interface lo up.
    Loopback,
    /// Setting the clocks of a new time namespace.
    Clocks,
    /// Opening the folder that becomes the root.
    OpenRoot,
    /// Binding the rootfs over itself.
    BindRoot,
    /// Trying an overlay out whose changes go to disk.
    LayerOnDisk,
    /// Layering an overlay over the rootfs.
    LayerRoot,
    /// Layering memory over the host's own system.
    LayerHost,
    /// Making the rootfs read-only.
    MakeReadOnly,
    /// Making a mount point in the rootfs or in its covering layer.
    MountPoint,
    /// Opening what is to be bound.
    Bind,
    /// Mapping the owners of a bind mount.
    MapOwners,
    /// Mounting below the new root.
    Mount,
    /// Detaching a mount that could not be given its attributes.
    Unmount,
    /// pivot_root.
    Pivot,
    /// Detaching the old root.
    Detach,
    /// Joining the namespaces of a running sandbox.
    Join,
    /// Asking for the signal that the kernel sends when the launcher ends.
    DeathSignal,
    /// Making the process that becomes the command.
    Fork,
    /// Becoming the init of the sandbox.
    Init,
    /// Giving the command a terminal of its own.
    Terminal,
    /// Setting a resource limit.
    Limit,
    /// Leaving the caller's session keyring.
    Keyring,
    /// Giving up capabilities.
    LimitCapabilities,
    /// Enforcing Landlock.
    Landlock,
    /// Installing the filter of system calls.
    Seccomp,
    /// Looking the user up in the rootfs.
    FindUser,
    /// Looking a group up in the rootfs.
    FindGroup,
    /// Taking on groups besides the user's own.
    SetGroups,
    /// Becoming the user.
    BecomeUser,
    /// Changing to the working directory.
    Workdir,
    /// Giving the signals their default dispositions.
    Signals,
    /// Looking for the command.
    FindCommand,
    /// Executing the shim that executes the command.
    RunShim,
    /// Executing the command.
    RunCommand,
    /// Executing a script whose interpreter is not there.
    RunInterpreter,
    /// Executing a program whose ELF loader is not there.
    RunLoader,
    /// Executing a program of another processor's.
    RunForeign,
    /// Executing a program on a mount that forbids it.
    RunNoexec,
}

impl Step {
    const ALL: [Step; 41] = [
        Step::CloseInherited,
        Step::BecomeRoot,
        Step::Hostname,
        Step::Loopback,
        Step::Clocks,
        Step::OpenRoot,
        Step::BindRoot,
        Step::LayerOnDisk,
        Step::LayerRoot,
        Step::LayerHost,
        Step::MakeReadOnly,
        Step::MountPoint,
        Step::Bind,
        Step::MapOwners,
        Step::Mount,
        Step::Unmount,
        Step::Pivot,
        Step::Detach,
        Step::Join,
        Step::DeathSignal,
        Step::Fork,
        Step::Init,
        Step::Terminal,
        Step::Limit,
        Step::Keyring,
        Step::LimitCapabilities,
        Step::Landlock,
        Step::Seccomp,
        Step::FindUser,
        Step::FindGroup,
        Step::SetGroups,
        Step::BecomeUser,
        Step::Workdir,
        Step::Signals,
        Step::FindCommand,
        Step::RunShim,
        Step::RunCommand,
        Step::RunInterpreter,
        Step::RunLoader,
        Step::RunForeign,
        Step::RunNoexec,
    ];

    const fn doing(self) -> &'static str {
        match self {
            Step::CloseInherited => "closing inherited descriptors",
            Step::BecomeRoot => "becoming root in the new user namespace",
            Step::Hostname => "setting host name",
            Step::Loopback => "bringing up network interface",
            Step::Clocks => "setting the clocks of the time namespace",
            Step::OpenRoot => "opening rootfs",
            Step::BindRoot => "binding the rootfs over itself",
            Step::LayerOnDisk => "removing a directory through an overlay in",
            Step::LayerRoot => "layering changes over the rootfs",
            Step::LayerHost => "layering memory over the host's system",
            Step::MakeReadOnly => "making the rootfs read-only",
            Step::MountPoint => "making mount point",
            Step::Bind => "binding",
            Step::MapOwners => "mapping the owners of",
            Step::Mount => "mounting",
            Step::Unmount => "detaching a mount that could not be given its attributes",
            Step::Pivot => "changing the root with pivot_root",
            Step::Detach => "detaching the old root",
            Step::Join => "joining the namespaces of",
            Step::DeathSignal => "setting the death signal",
            Step::Fork => "creating the command's process",
            Step::Init => "starting the sandbox's init",
            Step::Terminal => "opening a terminal",
            Step::Limit => "setting limit",
            Step::Keyring => "leaving the caller's session keyring",
            Step::LimitCapabilities => "giving up capabilities",
            Step::Landlock => "enforcing landlock",
            Step::Seccomp => "installing the seccomp filter",
            Step::FindUser => "looking up user",
            Step::FindGroup => "looking up group",
            Step::SetGroups => "adding groups",
            Step::BecomeUser => "becoming user",
            Step::Workdir => "changing to working directory",
            Step::Signals => "resetting signals",
            Step::RunShim => "protecting subroot's own program file while running",
            Step::FindCommand
            | Step::RunCommand
            | Step::RunInterpreter
            | Step::RunLoader
            | Step::RunForeign
            | Step::RunNoexec => "running",
        }
    }
}

/// A step that failed, on which object, and the kernel's reason.
pub struct Failure {
    /// The step.
    pub(crate) step: Step,
    /// The kernel's reason.
    pub(crate) errno: Errno,
    /// The object, and after a NUL what it needs that is not there.
    object: Vec<u8>,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Failure {
    /// A failure on an object that is named by its bytes: a path, or nothing.
    pub(crate) fn new(step: Step, object: &[u8], errno: Errno) -> Failure {
        Failure { step, errno, object: object.to_vec() }
    }

    /// What it was on, without what was missing.
    pub(crate) fn object(&self) -> &OsStr {
        OsStr::from_bytes(self.object.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// For `map_err`: a failure on an object.
    pub(crate) fn on(step: Step, object: &[u8]) -> impl FnOnce(Errno) -> Failure + '_ {
        move |errno| Failure::new(step, object, errno)
    }

    /// The same, with the missing thing that is the reason.
    #[must_use]
    pub(crate) fn for_want_of(mut self, missing: &[u8]) -> Failure {
        self.object.push(0);
        self.object.extend_from_slice(missing);
        self
    }

    /// Writes the record, with as much of the object as goes through a pipe in one piece: pipe(7).
    pub(crate) fn send(&self, pipe: impl AsFd) {
        // Error ignored: the launcher has ended, and there is nobody to report to.
        let _ = nix::unistd::write(pipe, &self.record());
    }

    /// The record: the step, four bytes of the errno, the object.
    pub(crate) fn record(&self) -> Vec<u8> {
        let errno = (self.errno as i32).to_le_bytes();
        let mut record = [&[self.step as u8], errno.as_slice(), &self.object].concat();
        record.truncate(MAX_RECORD);
        record
    }

    /// Reads a record back.
    pub(crate) fn receive(record: &[u8]) -> Option<Failure> {
        let (&step, rest) = record.split_first()?;
        let (errno, object) = rest.split_first_chunk::<4>()?;
        let step = Step::ALL.into_iter().find(|known| *known as u8 == step)?;
        Some(Failure::new(step, object, Errno::from_raw(i32::from_le_bytes(*errno))))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = String::from_utf8_lossy(&self.object);
        let (object, missing) = object.split_once('\0').unwrap_or((&object, ""));
        write!(f, "{}{}{object}: ", self.step.doing(), if object.is_empty() { "" } else { " " })?;
        match self.step {
            Step::FindCommand => write!(f, "command not found"),
            Step::FindUser if self.errno == Errno::ENOENT => {
                write!(f, "/etc/passwd of the rootfs has no such user")
            }
            Step::FindUser => write!(f, "/etc/passwd of the rootfs cannot be read: {}", reason(self.errno)),
            Step::FindGroup if self.errno == Errno::ENOENT => {
                write!(f, "/etc/group of the rootfs has no such group")
            }
            Step::FindGroup => write!(f, "/etc/group of the rootfs cannot be read: {}", reason(self.errno)),
            Step::Join if self.errno == Errno::ESRCH => write!(f, "it has just ended"),
            Step::Join if self.errno == Errno::ENOMEM => write!(f, "it has just ended, or memory is short"),
            Step::BecomeUser if self.errno == Errno::EINVAL => {
                write!(f, "its ID, or that of a group, is not mapped here (see subroot idmap)")
            }
            Step::BecomeUser | Step::SetGroups if self.errno == Errno::EPERM => {
                write!(f, "setgroups is denied here, as no group ID is granted (see subroot idmap)")
            }
            Step::SetGroups if self.errno == Errno::EINVAL => {
                write!(f, "the ID of one of them is not mapped here (see subroot idmap)")
            }
            Step::Terminal if self.errno == Errno::ENOTTY => {
                write!(f, "/dev/ptmx of the rootfs is not the pseudoterminal device")
            }
            Step::Terminal if self.errno == Errno::ENOENT => {
                write!(f, "/dev/ptmx is not there, as with --dev none (No such file or directory)")
            }
            Step::LayerRoot if self.errno == Errno::EOPNOTSUPP => {
                write!(
                    f,
                    "its file system has no user.* attributes, without which no directory can be replaced"
                )
            }
            Step::MapOwners if self.errno == Errno::EPERM => {
                write!(f, "the kernel lets only the owner of the file system do that, which here is the host")
            }
            Step::RunInterpreter => write!(f, "its interpreter {missing} is not there"),
            Step::RunLoader => write!(f, "its ELF loader {missing} is not there"),
            Step::RunForeign => {
                write!(f, "a program for {missing}, which this machine is not (Exec format error)")
            }
            Step::RunNoexec => write!(f, "it is on a noexec mount (Permission denied)"),
            Step::RunCommand if self.errno == Errno::EACCES => {
                write!(f, "not executable (Permission denied)")
            }
            Step::RunCommand if self.errno == Errno::ENOEXEC => {
                write!(
                    f,
                    "no program for this machine, and no script that names its interpreter (Exec format error)"
                )
            }
            _ => write!(f, "{}", reason(self.errno)),
        }
    }
}

/// The C library's words for an errno, which people search for: strerror(3).
pub(crate) fn reason(errno: Errno) -> String {
    reason_of(&std::io::Error::from(errno))
}

/// The same for an error of the standard library.
pub(crate) fn reason_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}
