//! How the child tells its parent what went wrong: one record through a pipe.

use nix::errno::Errno;
use std::fmt;
use std::os::fd::AsFd;

/// The longest record: PIPE_BUF in linux/limits.h.
pub const MAX_RECORD: usize = 4096;

/// What the child does, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Becoming ID 0 of the new user namespace.
    BecomeRoot = 1,
    /// Opening the folder that becomes the root.
    OpenRoot,
    /// Binding the rootfs over itself.
    BindRoot,
    /// Layering memory over the host's own system.
    LayerHost,
    /// Making a mount point in the rootfs or in its covering layer.
    MountPoint,
    /// Mounting below the new root.
    Mount,
    /// pivot_root.
    Pivot,
    /// Detaching the old root.
    Detach,
    /// Making the process that becomes the command.
    Fork,
    /// Giving up capabilities.
    LimitCapabilities,
    /// Changing to the working directory.
    Workdir,
    /// Looking for the command.
    FindCommand,
    /// Executing the command.
    RunCommand,
    /// Executing a script whose interpreter is not there.
    RunInterpreter,
    /// Executing a program whose ELF loader is not there.
    RunLoader,
}

impl Step {
    const ALL: [Step; 15] = [
        Step::BecomeRoot,
        Step::OpenRoot,
        Step::BindRoot,
        Step::LayerHost,
        Step::MountPoint,
        Step::Mount,
        Step::Pivot,
        Step::Detach,
        Step::Fork,
        Step::LimitCapabilities,
        Step::Workdir,
        Step::FindCommand,
        Step::RunCommand,
        Step::RunInterpreter,
        Step::RunLoader,
    ];

    const fn doing(self) -> &'static str {
        match self {
            Step::BecomeRoot => "becoming root in the new user namespace",
            Step::OpenRoot => "opening rootfs",
            Step::BindRoot => "binding the rootfs over itself",
            Step::LayerHost => "layering memory over the host's system",
            Step::MountPoint => "making mount point",
            Step::Mount => "mounting",
            Step::Pivot => "changing the root with pivot_root",
            Step::Detach => "detaching the old root",
            Step::Fork => "creating the command's process",
            Step::LimitCapabilities => "giving up capabilities",
            Step::Workdir => "changing to working directory",
            Step::FindCommand | Step::RunCommand | Step::RunInterpreter | Step::RunLoader => "running",
        }
    }
}

/// A step that failed, on which object, and the kernel's reason.
pub struct Failure {
    /// The step.
    pub step: Step,
    /// The kernel's reason.
    pub errno: Errno,
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
    pub fn new(step: Step, object: &[u8], errno: Errno) -> Failure {
        Failure { step, errno, object: object.to_vec() }
    }

    /// For `map_err`: a failure on an object.
    pub fn on(step: Step, object: &[u8]) -> impl FnOnce(Errno) -> Failure + '_ {
        move |errno| Failure::new(step, object, errno)
    }

    /// The same, with the missing thing that is the reason.
    #[must_use]
    pub fn for_want_of(mut self, missing: &[u8]) -> Failure {
        self.object.push(0);
        self.object.extend_from_slice(missing);
        self
    }

    /// Writes the record, with as much of the object as goes through a pipe in one piece: pipe(7). There is nobody to tell when
    /// that fails.
    pub fn send(&self, pipe: impl AsFd) {
        let mut record = vec![self.step as u8];
        record.extend((self.errno as i32).to_le_bytes());
        record.extend(&self.object);
        record.truncate(MAX_RECORD);
        let _ = nix::unistd::write(pipe, &record);
    }

    /// Reads a record back.
    pub fn receive(record: &[u8]) -> Option<Failure> {
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
            Step::RunInterpreter => write!(f, "its interpreter {missing} is not there"),
            Step::RunLoader => write!(f, "its ELF loader {missing} is not there"),
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
pub fn reason(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}
