//! The start of a child: what it does between fork and exec. The only file of the harness with unsafe code.
#![allow(unsafe_code)] // pre_exec, and calls that nix does not offer on bare descriptor numbers

use crate::user::User;
use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{Gid, Pid, Uid, execve, setgroups, setresgid, setresuid, setsid};
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A step that a child performs after becoming its user and before executing its program.
pub enum Step {
    /// Calls `unshare` with these flags.
    Unshare(CloneFlags),
    /// Joins a user namespace with `setns`.
    Enter(OwnedFd),
    /// Changes all three user and group IDs to these.
    Become(u32, u32),
    /// Sets the supplementary groups, as root.
    Groups(Vec<u32>),
    /// Maps the child's own outside uid and gid to 0, which every user may do in their own user namespace.
    MapOwnIds(u32, u32),
    /// Sets no_new_privs.
    NoNewPrivs,
    /// Removes a capability from the bounding set.
    DropFromBoundingSet(u8),
    /// Sets both limits of a resource.
    Limit(Resource, u64),
    /// Closes a descriptor.
    Close(RawFd),
    /// Passes this file to the program as this descriptor.
    Pass(OwnedFd, RawFd),
    /// Calls `setsid`.
    LeadSession,
    /// Joins a new session keyring, with a key of this name that no one else can see.
    HoldKey(CString),
    /// The same, and then keys until the user's quota is used up.
    FillKeyQuota(CString),
    /// Blocks every signal.
    BlockAllSignals,
    /// Ignores every signal.
    IgnoreAllSignals,
    /// Makes the child die when the thread that started it ends.
    DieWithParent,
    /// Makes the thread that started the child trace it, and stops it after it has executed its program.
    TracedByParent,
    /// Makes one system call fail with this errno, if it is made by a program at a low address. Only the
    /// mapper is at one.
    FailCall(libc::c_long, i32),
    /// Makes one system call fail with this errno, in every program.
    FailCallOfAll(libc::c_long, i32),
    /// Starts a timer of setitimer(2) that fires repeatedly after this many microseconds.
    Timer(i32, i64),
    /// Executes this program without any arguments, not even its name.
    ExecuteWithoutArguments(CString),
}

/// Adds steps that a command performs in this order before it executes its program.
pub fn start_with(command: &mut Command, steps: Vec<Step>) -> &mut Command {
    let take_all = move || steps.iter().try_for_each(Step::take);
    // SAFETY: the child has one thread. Steps only make system calls and small allocations, which glibc keeps
    // usable after fork, and use no lock that another thread of the parent could have held.
    unsafe { command.pre_exec(take_all) }
}

/// Adds steps that root performs before it becomes the user.
pub fn as_root_first<'c>(command: &'c mut Command, user: &User, mut steps: Vec<Step>) -> &'c mut Command {
    steps.push(Step::Become(user.uid, user.gid));
    start_with(command.uid(0).gid(0), steps)
}

impl Step {
    fn take(&self) -> io::Result<()> {
        match self {
            Step::Unshare(flags) => unshare(*flags)?,
            Step::Enter(namespace) => setns(namespace, CloneFlags::CLONE_NEWUSER)?,
            Step::Become(uid, gid) => become_user(Uid::from_raw(*uid), Gid::from_raw(*gid))?,
            Step::Groups(gids) => setgroups(&gids.iter().map(|gid| Gid::from_raw(*gid)).collect::<Vec<_>>())?,
            Step::MapOwnIds(uid, gid) => map_own_ids(*uid, *gid)?,
            Step::NoNewPrivs => set_no_new_privs()?,
            Step::DropFromBoundingSet(capability) => drop_from_bounding_set(*capability)?,
            Step::Limit(resource, limit) => setrlimit(*resource, *limit, *limit)?,
            Step::Close(number) => close(*number),
            Step::Pass(file, number) => duplicate(file, *number)?,
            Step::LeadSession => setsid().map(drop)?,
            Step::HoldKey(name) => hold_key(name)?,
            Step::FillKeyQuota(name) => fill_key_quota(name)?,
            Step::BlockAllSignals => sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?,
            Step::IgnoreAllSignals => ignore_all_signals(),
            Step::DieWithParent => set_pdeathsig(Signal::SIGKILL)?,
            Step::TracedByParent => nix::sys::ptrace::traceme()?,
            Step::FailCall(number, errno) => fail_call(*number, *errno, true)?,
            Step::FailCallOfAll(number, errno) => fail_call(*number, *errno, false)?,
            Step::Timer(timer, micros) => set_timer(*timer, *micros)?,
            Step::ExecuteWithoutArguments(path) => {
                execve::<CString, CString>(path, &[], &[])?;
            }
        }
        Ok(())
    }
}

fn become_user(uid: Uid, gid: Gid) -> nix::Result<()> {
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

fn map_own_ids(uid: u32, gid: u32) -> io::Result<()> {
    // Becoming its user made the child non-dumpable, which makes its files in /proc owned by root.
    set_dumpable(true)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))
}

fn drop_from_bounding_set(capability: u8) -> nix::Result<()> {
    // SAFETY: PR_CAPBSET_DROP takes one number and no pointer.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0) };
    nix::errno::Errno::result(result).map(|_| ())
}

fn close(number: RawFd) {
    // SAFETY: the child is about to execute another program, and nothing here uses the descriptor again.
    let _not_open = unsafe { libc::close(number) };
}

fn duplicate(file: &OwnedFd, number: RawFd) -> nix::Result<()> {
    let inheritable = nix::fcntl::FdFlag::empty();
    if file.as_raw_fd() == number {
        return nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_SETFD(inheritable)).map(|_| ());
    }
    // SAFETY: dup2 takes two numbers. Closing the old `number` is intended.
    let result = unsafe { libc::dup2(file.as_raw_fd(), number) };
    nix::errno::Errno::result(result).map(|_| ())
}

/// Restores the default action of SIGHUP, which nohup(1) makes ignored, so that started programs receive it.
pub(crate) fn hear_hangups() {
    let default = nix::sys::signal::SigHandler::SigDfl;
    // SAFETY: the default action runs no code of this process.
    let _before = unsafe { nix::sys::signal::signal(Signal::SIGHUP, default) };
}

/// Uses the system call directly: glibc's functions refuse the two signals that it uses itself.
fn ignore_all_signals() {
    let ignore: [usize; 4] = [libc::SIG_IGN, 0, 0, 0];
    for number in 1..=64_i32 {
        // SAFETY: the kernel reads the four words of a sigaction, and SIG_IGN runs no code of this process.
        // KILL and STOP are refused.
        let _refused = unsafe {
            libc::syscall(libc::SYS_rt_sigaction, number, ignore.as_ptr(), std::ptr::null::<usize>(), 8_usize)
        };
    }
}

/// Installs a seccomp(2) filter as root. Other users need no_new_privs for that, which would disable the
/// mapper's privilege.
fn fail_call(number: libc::c_long, errno: i32, is_of_the_mapper: bool) -> nix::Result<()> {
    // Offsets in struct seccomp_data: the call's number, and the upper half of the instruction pointer.
    const NUMBER: u32 = 0;
    const POINTER: u32 = 12;
    let load = |offset| (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset);
    let skip_unless = |value, count| (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, count, value);
    let answer = |value| (libc::BPF_RET | libc::BPF_K, 0, value);
    let (number, errno) = (number.unsigned_abs() as u32, errno.unsigned_abs());
    let program = [
        load(POINTER),
        if is_of_the_mapper { skip_unless(0, 3) } else { load(NUMBER) },
        load(NUMBER),
        skip_unless(number, 1),
        answer(libc::SECCOMP_RET_ERRNO | errno),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let mut filter = program.map(|(code, jf, k)| libc::sock_filter { code: code as u16, jt: 0, jf, k });
    let program = libc::sock_fprog { len: 6, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel reads the program's six instructions, which outlive the call.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    nix::errno::Errno::result(result).map(|_| ())
}

/// The numbers are from linux/keyctl.h.
fn hold_key(name: &CStr) -> nix::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_long = 1;
    const SETPERM: libc::c_long = 5;
    const POSSESSOR_ALL: libc::c_long = 0x3f00_0000;
    // SAFETY: without a name, the call takes no pointer: keyctl_join_session_keyring(3).
    nix::errno::Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0_usize) })?;
    let key = add_key(name)?;
    // SAFETY: the call takes only numbers: keyctl_setperm(3).
    let result = unsafe { libc::syscall(libc::SYS_keyctl, SETPERM, key, POSSESSOR_ALL) };
    nix::errno::Errno::result(result).map(drop)
}

/// Adds a key to the session keyring.
fn add_key(name: &CStr) -> nix::Result<libc::c_long> {
    const SESSION_KEYRING: libc::c_long = -3;
    let (kind, name) = (c"user".as_ptr(), name.as_ptr());
    // SAFETY: add_key reads two texts that end in NUL, and one byte for the key, which is the first text's.
    let key = unsafe { libc::syscall(libc::SYS_add_key, kind, name, kind, 1_usize, SESSION_KEYRING) };
    nix::errno::Errno::result(key)
}

fn fill_key_quota(name: &CStr) -> nix::Result<()> {
    // Keys of a process that has just ended still count for a moment. The quota is used up when it has been
    // so for some time.
    const TIMES: u32 = 20;
    let is_full = |added: &nix::Result<()>| *added == Err(nix::errno::Errno::EDQUOT);
    let pause = || std::thread::sleep(std::time::Duration::from_millis(20));
    while is_full(&hold_key(name).inspect_err(|_| pause())) {}
    let (mut full, mut number) = (0, 0_u32);
    while full < TIMES {
        number += 1;
        let name = CString::new(format!("filling-{number}")).expect("no NUL");
        let added = add_key(&name).map(drop);
        match is_full(&added) {
            true => {
                full += 1;
                pause();
            }
            false => (full, _) = (0, added?),
        }
    }
    Ok(())
}

fn set_timer(timer: i32, micros: i64) -> nix::Result<()> {
    let time = libc::timeval { tv_sec: 0, tv_usec: micros };
    let value = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: setitimer reads one itimerval and does not return the old one. It is called by number because
    // the type of `timer` varies.
    let result =
        unsafe { libc::syscall(libc::SYS_setitimer, timer, &raw const value, std::ptr::null::<u8>()) };
    nix::errno::Errno::result(result).map(|_| ())
}

/// A pidfd of a process: pidfd_open(2).
pub(crate) fn pidfd(pid: Pid) -> OwnedFd {
    // SAFETY: pidfd_open takes two numbers, and returns a new close-on-exec descriptor or -1.
    unsafe {
        let number = libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0);
        assert!(number >= 0, "pidfd_open: {}", io::Error::last_os_error());
        OwnedFd::from_raw_fd(i32::try_from(number).expect("a descriptor"))
    }
}
