//! Runs a launch with all its processes traced by root, and makes one system call fail with an error. A
//! program that it executes is not affected.

use crate::outcome::{Outcome, Started};
use crate::start::{Step, as_root_first};
use crate::user::User;
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// One system call of a run. Processes are numbered in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The process: 0 is the program that was started.
    pub process: usize,
    /// Its index among the calls of this process.
    pub at: usize,
    /// Its number.
    pub number: i64,
}

/// The system calls of a run that are not performed.
#[derive(Clone, Copy, Default)]
pub struct Fault<'f> {
    /// Calls that the kernel seems not to have, by number.
    pub absent: &'f [i64],
    /// One call, and the error that it returns.
    pub failing: Option<(Call, Errno)>,
}

/// True if the registers of a traced process are known.
pub const IS_SUPPORTED: bool = cfg!(target_arch = "x86_64");

/// The result of a run.
pub struct Faulted {
    /// Its system calls, for each process up to the execution of another program.
    pub calls: Vec<Call>,
    /// How it ended, and its output.
    pub outcome: Outcome,
    /// Its process group.
    pub group: Pid,
    /// False if the call that should fail was not made.
    pub has_failed: bool,
    /// True if it did not end in time, and was killed.
    pub hung: bool,
}

#[derive(Default)]
struct Traced {
    ordinal: usize,
    calls: usize,
    is_inside_call: bool,
    /// The result for the current call.
    answer: Option<Errno>,
    /// It has stopped for the first time, which is not caused by a signal.
    has_started: bool,
}

struct Tracer<'f> {
    first: Pid,
    fault: Fault<'f>,
    known: HashMap<Pid, Traced>,
    calls: Vec<Call>,
    has_failed: bool,
    status: Option<ExitStatus>,
}

/// Runs a command of this user to its end, at most for this long.
pub fn run(user: &User, command: &mut Command, fault: Fault<'_>, limit: Duration) -> Faulted {
    let path = |name: &str| format!("/tmp/{name}-{:?}", thread::current().id());
    let (out, err) = (path("out"), path("err"));
    let create = |path: &String| Stdio::from(File::create(path).expect("a file for its output"));
    command.process_group(0).stdout(create(&out)).stderr(create(&err));
    let first = Started::with_own_descriptors(as_root_first(command, user, vec![Step::TracedByParent])).pid();
    let (done, watch) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let hung = watch.recv_timeout(limit).is_err();
        if hung {
            let _already_gone = killpg(first, Signal::SIGKILL);
        }
        hung
    });
    let mut tracer =
        Tracer { first, fault, known: HashMap::new(), calls: Vec::new(), has_failed: false, status: None };
    tracer.follow();
    let _watchdog_gone = done.send(());
    let hung = watchdog.join().expect("the watchdog");
    let text = |path: &String| {
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).expect("its output");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let status = tracer.status.expect("an end");
    let outcome = Outcome { status, stdout: text(&out), stderr: text(&err) };
    Faulted { calls: tracer.calls, outcome, group: first, has_failed: tracer.has_failed, hung }
}

impl Tracer<'_> {
    /// Continues until all traced processes have ended.
    fn follow(&mut self) {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(Pid::from_raw(-1), Some(flags)) {
                Err(Errno::ECHILD) => return,
                Err(Errno::EINTR) => {}
                Err(errno) => panic!("waiting for what is traced: {errno}"),
                Ok(status) => self.see(status),
            }
        }
    }

    fn process(&mut self, pid: Pid) -> &mut Traced {
        let ordinal = self.known.len();
        self.known.entry(pid).or_insert_with(|| Traced { ordinal, ..Traced::default() })
    }

    fn see(&mut self, status: WaitStatus) {
        match status {
            WaitStatus::Exited(pid, code) if pid == self.first => {
                self.status = Some(ExitStatus::from_raw(code << 8));
            }
            WaitStatus::Signaled(pid, signal, _) if pid == self.first => {
                self.status = Some(ExitStatus::from_raw(signal as i32));
            }
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {}
            WaitStatus::PtraceSyscall(pid) => {
                self.see_call(pid);
                go_on(pid, None);
            }
            WaitStatus::PtraceEvent(pid, _, event) => self.see_event(pid, event),
            WaitStatus::Stopped(pid, signal) => {
                let is_first_stop = !std::mem::replace(&mut self.process(pid).has_started, true);
                if is_first_stop && pid == self.first {
                    let options = Options::PTRACE_O_TRACESYSGOOD
                        | Options::PTRACE_O_EXITKILL
                        | Options::PTRACE_O_TRACEFORK
                        | Options::PTRACE_O_TRACEVFORK
                        | Options::PTRACE_O_TRACECLONE
                        | Options::PTRACE_O_TRACEEXEC;
                    ptrace::setoptions(pid, options).expect("tracing it");
                }
                go_on(pid, Some(signal).filter(|_| !is_first_stop));
            }
            _ => {}
        }
    }

    fn see_event(&mut self, pid: Pid, event: i32) {
        if event == Event::PTRACE_EVENT_EXEC as i32 {
            // It has executed another program: not the launcher any more.
            let _gone = ptrace::detach(pid, None);
            return;
        }
        if let Ok(child) = ptrace::getevent(pid) {
            self.process(Pid::from_raw(i32::try_from(child).expect("a PID")));
        }
        go_on(pid, None);
    }

    fn see_call(&mut self, pid: Pid) {
        let fault = self.fault;
        let traced = self.process(pid);
        traced.is_inside_call = !traced.is_inside_call;
        if !traced.is_inside_call {
            if let Some(errno) = traced.answer.take() {
                answer(pid, errno);
            }
            return;
        }
        let Some(number) = number(pid) else { return };
        let call = Call { process: traced.ordinal, at: traced.calls, number };
        traced.calls += 1;
        let failing = fault.failing.filter(|(failing, _)| *failing == call);
        let absent = fault.absent.contains(&number).then_some(Errno::ENOSYS);
        traced.answer = failing.map(|(_, errno)| errno).or(absent);
        if traced.answer.is_some() {
            cancel(pid);
        }
        self.has_failed |= failing.is_some();
        self.calls.push(call);
    }
}

/// The process may have been killed in the meantime.
fn go_on(pid: Pid, signal: Option<Signal>) {
    let _gone = ptrace::syscall(pid, signal);
}

/// The number of the system call that a process is entering.
fn number(pid: Pid) -> Option<i64> {
    let line = fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    line.split(' ').next()?.parse().ok()
}

/// Replaces the number of the system call that a process is entering by an invalid one.
#[cfg(target_arch = "x86_64")]
fn cancel(pid: Pid) {
    change_registers(pid, |registers| registers.orig_rax = u64::MAX);
}

#[cfg(target_arch = "x86_64")]
fn answer(pid: Pid, errno: Errno) {
    change_registers(pid, |registers| registers.rax = i64::from(-(errno as i32)) as u64);
}

/// The process may have been killed in the meantime.
#[cfg(target_arch = "x86_64")]
fn change_registers(pid: Pid, change: impl FnOnce(&mut libc::user_regs_struct)) {
    if let Ok(mut registers) = ptrace::getregs(pid) {
        change(&mut registers);
        let _gone = ptrace::setregs(pid, registers);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn cancel(_: Pid) {
    unimplemented!("see IS_SUPPORTED");
}

#[cfg(not(target_arch = "x86_64"))]
fn answer(_: Pid, _: Errno) {
    unimplemented!("see IS_SUPPORTED");
}

/// Calls that cannot fail: they only read or set the process's own attributes, or free something whatever
/// they return.
const NEVER_FAIL: [i64; 12] = [
    // It blocks while there are no random numbers.
    libc::SYS_getrandom,
    libc::SYS_getuid,
    libc::SYS_getgid,
    libc::SYS_geteuid,
    libc::SYS_getegid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_umask,
    libc::SYS_close,
    libc::SYS_exit_group,
    libc::SYS_exit,
];

/// Memory calls of every Rust program, which aborts if they fail.
const FOR_MEMORY: [i64; 6] = [
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mremap,
];

/// The calls of a run that can fail, without those of the language's runtime before main(), which end with
/// the second sigaltstack(2). Of many equal calls in a row, only the first and the last.
pub fn fallible(calls: &[Call]) -> Vec<Call> {
    let mut starts = calls.iter().enumerate().filter(|(_, call)| call.number == libc::SYS_sigaltstack);
    let own = &calls[starts.nth(1).map_or(0, |(at, _)| at + 1)..];
    let can_fail = |call: &&Call| !NEVER_FAIL.contains(&call.number) && !FOR_MEMORY.contains(&call.number);
    let calls: Vec<Call> = own.iter().filter(can_fail).copied().collect();
    let is_same = |one: Option<&Call>, other: &Call| {
        one.is_some_and(|one| (one.process, one.number) == (other.process, other.number))
    };
    let is_inside = |at: usize| {
        is_same(calls.get(at.wrapping_sub(1)), &calls[at]) && is_same(calls.get(at + 1), &calls[at])
    };
    (0..calls.len()).filter(|at| !is_inside(*at)).map(|at| calls[at]).collect()
}
