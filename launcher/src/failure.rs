//! What the child tells its parent through a pipe of packets: steps and warnings, and one failure.

use crate::sys;
use nix::errno::Errno;
use std::ffi::OsStr;
use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;

/// The pipe of this process, if it is a child that builds a sandbox.
static REPORT: OnceLock<&OwnedFd> = OnceLock::new();

/// Has this process report to this pipe, from its first step on.
pub(crate) fn report_to(pipe: &'static OwnedFd) {
    // Error ignored: a process has one pipe.
    let _ = REPORT.set(pipe);
}

/// Writes one packet.
fn report(packet: &[u8]) {
    if let Some(pipe) = REPORT.get() {
        // Error ignored: the launcher has ended, and there is nobody to report to.
        let _ = nix::unistd::write(pipe, packet);
    }
}

/// The exit status when subroot itself failed.
pub(crate) const OWN_FAILURE: u8 = 125;

/// The longest record: PIPE_BUF in linux/limits.h.
pub(crate) const MAX_RECORD: usize = 4096;

/// Makes the steps and what is read from them out of one list, so that none can be left out of one of them.
macro_rules! steps {
    ($($name:ident: $doing:literal,)*) => {
        /// What the child does, in order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Step {
            $(#[doc = $doing] $name,)*
        }

        impl Step {
            /// Each at the index that is its number.
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
    CloseInherited: "closing inherited descriptors",
    BecomeRoot: "becoming root in the new user namespace",
    Hostname: "setting host name",
    Loopback: "bringing up network interface",
    Clocks: "setting the clocks of the time namespace",
    OpenRoot: "opening rootfs",
    BindRoot: "binding the rootfs over itself",
    LayerOnDisk: "removing a directory through an overlay in",
    LayerRoot: "layering changes over the rootfs",
    LayerHost: "layering memory over the host's system",
    MakeReadOnly: "making the rootfs read-only",
    MountPoint: "making mount point",
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
    Terminal: "opening a terminal",
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

/// A step of the new process that failed, on which object, and the kernel's reason.
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

    /// What it was on, such as a path; empty if that is the whole sandbox.
    pub fn object(&self) -> &OsStr {
        OsStr::from_bytes(self.object.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// The number of the kernel's reason: errno(3).
    pub fn raw_os_error(&self) -> i32 {
        self.errno as i32
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

    /// Reports it, with as much of the object as goes through a pipe in one piece (pipe(7)), and ends this process.
    pub(crate) fn end(&self) -> ! {
        report(&self.record());
        sys::process::exit(OWN_FAILURE)
    }

    /// The record: the step, four bytes of the errno, the object.
    pub(crate) fn record(&self) -> Vec<u8> {
        let errno = (self.errno as i32).to_le_bytes();
        let mut record = [&[self.step as u8], errno.as_slice(), &self.object].concat();
        record.truncate(MAX_RECORD);
        record
    }

    /// Reads a record back; `None` for what is no record.
    pub(crate) fn receive(record: &[u8]) -> Option<Failure> {
        let (&step, rest) = record.split_first()?;
        let (errno, object) = rest.split_first_chunk::<4>()?;
        let step = Step::ALL.get(usize::from(step))?;
        Some(Failure::new(*step, object, Errno::from_raw(i32::from_le_bytes(*errno))))
    }
}

/// The first byte of a packet that is a warning; of a failure it is the number of its step.
const WARNING: u8 = u8::MAX;

/// The first byte of a packet that says that the command is about to be executed.
const EXECUTING: u8 = u8::MAX - 1;

/// The first byte of a packet that reports a step of the plan.
const STEP: u8 = u8::MAX - 2;

/// The first byte of a packet that is a detail.
const DETAIL: u8 = u8::MAX - 3;

/// Says that the command is executed next: the end of the pipe without a failure is then its start. Without this, it is the end of a
/// process that was killed before.
pub(crate) fn announce_execution() {
    report(&[EXECUTING]);
}

/// True for a packet that says so.
pub(crate) fn announces_execution(packet: &[u8]) -> bool {
    packet == [EXECUTING]
}

/// Reports a warning, which the launcher prints: a child of a launch prints nothing itself.
pub(crate) fn warn(text: &str) {
    report(&text_packet(WARNING, text));
}

/// Reports a detail, which the launcher prints for `-vv`; no text is made of it otherwise.
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

/// The text of a packet that is a warning.
pub(crate) fn warning(packet: &[u8]) -> Option<String> {
    text_of(WARNING, packet)
}

/// The text of a packet that is a detail.
pub(crate) fn reported_detail(packet: &[u8]) -> Option<String> {
    text_of(DETAIL, packet)
}

fn text_of(kind: u8, packet: &[u8]) -> Option<String> {
    let text = packet.strip_prefix(&[kind])?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Reports a step of the plan that begins, by its index and its time; false in a process that reports to no launcher.
pub(crate) fn report_step(at: usize, microseconds: u64) -> bool {
    let packet = [&[STEP], at.to_le_bytes().as_slice(), &microseconds.to_le_bytes()].concat();
    report(&packet);
    REPORT.get().is_some()
}

/// The index and the time of a packet that reports a step.
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
    fn a_warning_is_no_failure() {
        let packet = super::text_packet(super::WARNING, "memory is short");
        assert_eq!(super::warning(&packet).as_deref(), Some("memory is short"));
        assert!(Failure::receive(&packet).is_none());
        assert_eq!(super::warning(&Failure::new(Step::Init, b"", Errno::EIO).record()), None);
    }

    #[test]
    fn what_is_no_record_is_an_error_with_words() {
        for record in [&[][..], &[0], &[0, 1, 0, 0], &[255, 1, 0, 0, 0, b'/']] {
            let error = Error::reported(record);
            assert_eq!(
                (error.to_string().as_str(), error.status()),
                ("reading the new process's report: Bad message", 125)
            );
        }
    }
}
