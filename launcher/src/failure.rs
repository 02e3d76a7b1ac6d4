//! The packets that the child sends to its parent through a pipe: steps, warnings, and at most one failure.

use crate::sys;
use nix::errno::Errno;
use std::ffi::OsStr;
use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The pipe of this process, if it is a child that builds a sandbox.
static REPORT: OnceLock<&OwnedFd> = OnceLock::new();

/// Makes this process report to this pipe from now on.
pub(crate) fn report_to(pipe: &'static OwnedFd) {
    // Error ignored: the pipe is set only once in a process.
    let _ = REPORT.set(pipe);
}

/// Writes one packet.
fn report(packet: &[u8]) {
    if let Some(pipe) = REPORT.get() {
        // Error ignored: the launcher has ended, so no one reads the report.
        let _ = nix::unistd::write(pipe, packet);
    }
}

/// The exit status for a failure of subroot itself.
pub(crate) const OWN_FAILURE: u8 = 125;

/// The maximum length of a record: PIPE_BUF in linux/limits.h.
pub(crate) const MAX_RECORD: usize = 4096;

/// Defines the steps and their texts from one list, so that neither can be incomplete.
macro_rules! steps {
    ($($name:ident: $doing:literal,)*) => {
        /// The steps of the child, in order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Step {
            $(#[doc = $doing] $name,)*
        }

        impl Step {
            /// Every step, at the index equal to its number.
            const ALL: &[Step] = &[$(Step::$name),*];

            const fn doing(self) -> &'static str {
                match self {
                    $(Step::$name => $doing,)*
                }
            }
        }
    };
}

steps! {
    Streams: "taking over the standard streams",
    CloseInherited: "closing inherited descriptors",
    BecomeRoot: "becoming root in the new user namespace",
    Hostname: "setting host name",
    Loopback: "bringing up network interface",
    Clocks: "setting the clocks of the time namespace",
    OpenRoot: "opening rootfs",
    BindRoot: "binding the rootfs over itself",
    LayerOnDisk: "removing a directory through an overlay in",
    LayerRoot: "layering changes over the rootfs",
    LayerKept: "keeping the changes to the rootfs in",
    LayerBind: "layering changes over",
    LayerHost: "layering memory over the host's system",
    MakeReadOnly: "making the rootfs read-only",
    MountPoint: "making mount point",
    MakeDirectory: "making directory",
    MakeSymlink: "making symbolic link",
    Bind: "binding",
    MapOwners: "mapping the owners of",
    Mount: "mounting",
    Unmount: "detaching a mount that could not be given its attributes",
    Pivot: "changing the root with pivot_root",
    Detach: "detaching the old root",
    Join: "joining the namespaces of",
    DeathSignal: "setting the death signal",
    Fork: "creating the command's process",
    Init: "starting the sandbox's init",
    Group: "leaving the launcher's process group",
    Terminal: "opening a terminal",
    PassDescriptors: "passing descriptors to the command",
    Limit: "setting limit",
    Keyring: "leaving the caller's session keyring",
    LimitCapabilities: "giving up capabilities",
    Landlock: "enforcing landlock",
    Seccomp: "installing the seccomp filter",
    FindUser: "looking up user",
    FindGroup: "looking up group",
    SetGroups: "adding groups",
    BecomeUser: "becoming user",
    Workdir: "changing to working directory",
    Signals: "resetting signals",
    FindCommand: "running",
    RunShim: "protecting subroot's own program file while running",
    RunCommand: "running",
    RunInterpreter: "running",
    RunLoader: "running",
    RunForeign: "running",
    RunNoexec: "running",
}

/// The step of the new process that failed, the object it failed on, and the kernel's reason.
pub struct Failure {
    /// The step.
    pub(crate) step: Step,
    /// The kernel's reason.
    pub(crate) errno: Errno,
    /// The object. If something that it needs is missing, a NUL and the name of that follow.
    object: Vec<u8>,
    /// The rootfs that the caller has named. Only the parent knows it.
    rootfs: Option<(PathBuf, bool)>,
}

/// The rootfs of a launch that failed.
pub(crate) struct FailedRootfs<'f> {
    /// Its directory, as the caller has named it.
    pub(crate) path: &'f Path,
    /// True if the command was to run as a user whom the caller has named.
    pub(crate) is_for_other_user: bool,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Failure {
    /// A failure on an object given by its bytes, such as a path; they may be empty.
    pub(crate) fn new(step: Step, object: &[u8], errno: Errno) -> Failure {
        Failure { step, errno, object: object.to_vec(), rootfs: None }
    }

    /// The object of the failure, such as a path; empty if it is the whole sandbox.
    pub fn object(&self) -> &OsStr {
        OsStr::from_bytes(self.object.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// The name of the missing file or machine that is the reason; empty if there is none.
    pub(crate) fn missing(&self) -> &[u8] {
        self.object.splitn(2, |byte| *byte == 0).nth(1).unwrap_or_default()
    }

    /// Adds the rootfs, and whether the command was to run as a user whom the caller has named.
    #[must_use]
    pub(crate) fn in_rootfs(mut self, path: &Path, is_for_other_user: bool) -> Failure {
        self.rootfs = Some((path.to_owned(), is_for_other_user));
        self
    }

    /// The rootfs, if the caller has named one.
    pub(crate) fn rootfs(&self) -> Option<FailedRootfs<'_>> {
        let (path, is_for_other_user) = self.rootfs.as_ref()?;
        Some(FailedRootfs { path, is_for_other_user: *is_for_other_user })
    }

    /// The number of the kernel's reason: errno(3).
    pub fn raw_os_error(&self) -> i32 {
        self.errno as i32
    }

    /// For `map_err`: makes a failure on an object from an errno.
    pub(crate) fn on(step: Step, object: &[u8]) -> impl FnOnce(Errno) -> Failure + '_ {
        move |errno| Failure::new(step, object, errno)
    }

    /// Adds the name of the missing file or machine that is the reason.
    #[must_use]
    pub(crate) fn with_missing(mut self, missing: &[u8]) -> Failure {
        self.object.push(0);
        self.object.extend_from_slice(missing);
        self
    }

    /// Reports the failure and ends this process. The object is cut so that the record fits in one atomic
    /// write to a pipe (pipe(7)).
    pub(crate) fn end(&self) -> ! {
        report(&self.record());
        sys::process::exit(OWN_FAILURE)
    }

    /// The record: the step, four bytes of errno, the object.
    pub(crate) fn record(&self) -> Vec<u8> {
        let errno = (self.errno as i32).to_le_bytes();
        let mut record = [&[self.step as u8], errno.as_slice(), &self.object].concat();
        record.truncate(MAX_RECORD);
        record
    }

    /// Reads a record; `None` if it is invalid.
    pub(crate) fn receive(record: &[u8]) -> Option<Failure> {
        let (&step, rest) = record.split_first()?;
        let (errno, object) = rest.split_first_chunk::<4>()?;
        let step = Step::ALL.get(usize::from(step))?;
        Some(Failure::new(*step, object, Errno::from_raw(i32::from_le_bytes(*errno))))
    }
}

/// The first byte of a warning packet. In a failure, the first byte is the number of the step.
const WARNING: u8 = u8::MAX;

/// The first byte of the packet that announces the execution of the command.
const EXECUTING: u8 = u8::MAX - 1;

/// The first byte of a packet that reports a step of the plan.
const STEP: u8 = u8::MAX - 2;

/// The first byte of a detail packet.
const DETAIL: u8 = u8::MAX - 3;

/// Announces that the command is executed next. If the pipe then closes without a failure, the command has
/// started. If it closes without this packet, the child was killed earlier.
pub(crate) fn announce_execution() {
    report(&[EXECUTING]);
}

/// True for the packet of [`announce_execution`].
pub(crate) fn announces_execution(packet: &[u8]) -> bool {
    packet == [EXECUTING]
}

/// Reports a warning. The launcher prints it, because a child of a launch prints nothing itself.
pub(crate) fn warn(text: &str) {
    report(&text_packet(WARNING, text));
}

/// Reports a detail, which the launcher prints with `-vv`. Otherwise `text` is not called.
pub(crate) fn detail(text: impl FnOnce() -> String) {
    if log::log_enabled!(log::Level::Debug) {
        report(&text_packet(DETAIL, &text()));
    }
}

fn text_packet(kind: u8, text: &str) -> Vec<u8> {
    let mut packet = [&[kind], text.as_bytes()].concat();
    packet.truncate(MAX_RECORD);
    packet
}

/// The text of a warning packet; `None` for any other packet.
pub(crate) fn warning(packet: &[u8]) -> Option<String> {
    text_of(WARNING, packet)
}

/// The text of a detail packet; `None` for any other packet.
pub(crate) fn reported_detail(packet: &[u8]) -> Option<String> {
    text_of(DETAIL, packet)
}

fn text_of(kind: u8, packet: &[u8]) -> Option<String> {
    let text = packet.strip_prefix(&[kind])?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Reports the start of a step of the plan: its index and the time. False if this process has no report pipe.
pub(crate) fn report_step(at: usize, microseconds: u64) -> bool {
    let packet = [&[STEP], at.to_le_bytes().as_slice(), &microseconds.to_le_bytes()].concat();
    report(&packet);
    REPORT.get().is_some()
}

/// The index and the time in a step packet; `None` for any other packet.
pub(crate) fn reported_step(packet: &[u8]) -> Option<(usize, u64)> {
    let (at, time) = packet.strip_prefix(&[STEP])?.split_first_chunk()?;
    Some((usize::from_le_bytes(*at), u64::from_le_bytes(time.try_into().ok()?)))
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
            Step::Join if self.errno == Errno::ENOMEM => {
                write!(f, "it has just ended, or the system is out of memory")
            }
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
            Step::LayerKept if self.errno == Errno::EOPNOTSUPP => {
                write!(f, "its filesystem has no user.* attributes, which replacing a directory requires")
            }
            Step::MapOwners if self.errno == Errno::EPERM => {
                write!(f, "the kernel allows this only to the filesystem's owner, which is the host")
            }
            Step::MakeSymlink if self.errno == Errno::EEXIST => {
                write!(f, "something else than a link to {missing} is there (File exists)")
            }
            Step::RunInterpreter => write!(f, "its interpreter {missing} does not exist"),
            Step::RunLoader => write!(f, "its ELF loader {missing} does not exist"),
            Step::RunForeign => {
                write!(f, "it is a program for {missing}, not for this machine (Exec format error)")
            }
            Step::RunNoexec => write!(f, "it is on a noexec mount (Permission denied)"),
            Step::RunCommand if self.errno == Errno::EACCES => {
                write!(f, "not executable (Permission denied)")
            }
            Step::RunCommand if self.errno == Errno::ENOEXEC => {
                write!(
                    f,
                    "neither a program for this machine nor a script with a #! line (Exec format error)"
                )
            }
            _ => write!(f, "{}", reason(self.errno)),
        }
    }
}

/// The C library's text for an errno, which users search for: strerror(3).
pub(crate) fn reason(errno: Errno) -> String {
    reason_of(&std::io::Error::from(errno))
}

/// The same for an error of the standard library.
pub(crate) fn reason_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Failure, Step};
    use crate::error::Error;
    use nix::errno::Errno;

    #[test]
    fn each_step_goes_through_the_pipe() {
        for (number, step) in (0..).zip(Step::ALL) {
            let record = Failure::new(*step, b"/object", Errno::EIO).record();
            assert_eq!(record.first(), Some(&number), "{step:?}");
            let failure =
                Failure::receive(&record).map(|failure| (failure.step, failure.errno, failure.object));
            assert_eq!(failure, Some((*step, Errno::EIO, b"/object".to_vec())));
        }
    }

    #[test]
    fn a_warning_is_not_read_as_a_failure() {
        let packet = super::text_packet(super::WARNING, "memory is low");
        assert_eq!(super::warning(&packet).as_deref(), Some("memory is low"));
        assert!(Failure::receive(&packet).is_none());
        assert_eq!(super::warning(&Failure::new(Step::Init, b"", Errno::EIO).record()), None);
    }

    #[test]
    fn an_invalid_record_is_an_error_with_a_message() {
        for record in [&[][..], &[0], &[0, 1, 0, 0], &[255, 1, 0, 0, 0, b'/']] {
            let error = Error::reported(record);
            assert_eq!(
                (error.to_string().as_str(), error.status()),
                ("reading the new process's report: Bad message", 125)
            );
        }
    }
}
