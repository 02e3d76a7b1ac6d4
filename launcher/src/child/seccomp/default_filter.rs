//! The default filter. It denies what reaches outside namespaces, and large kernel interfaces that everyday
//! jobs do not use.
//!
//! Everything else is allowed: the calls of nested sandboxes (mount, unshare, setns, pivot_root, seccomp),
//! debuggers (ptrace, process_vm_readv), Wine (modify_ldt, socketcall), systemd, databases and language
//! runtimes. The kernel checks those against the caller's namespaces.

use super::architecture::Architecture;
use super::program::{ENOSYS, Rule, Rules, compile};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{self, Eq, MaskedEq};
use seccompiler::{BackendError, SeccompAction, SeccompCondition, sock_filter};
use std::collections::BTreeMap;

const EPERM: SeccompAction = SeccompAction::Errno(1);

/// Calls that fail with EPERM, which programs take for a lack of privilege. The kernel itself answers most of
/// them so.
pub const DENIED: &[&str] = &[
    // Replace the running kernel.
    "kexec_load",
    "kexec_file_load",
    // Load code into the kernel.
    "init_module",
    "finit_module",
    "delete_module",
    // A compiler and verifier in the kernel with a long list of vulnerabilities: CVE-2017-16995,
    // CVE-2021-3490, CVE-2023-2163.
    "bpf",
    // Reports processor and kernel events, and so the addresses and timing of other processes: CVE-2013-2094,
    // CVE-2022-1729.
    "perf_event_open",
    // Can stop the kernel indefinitely in a copy from user memory, which most exploits of race conditions
    // rely on.
    "userfaultfd",
    // Opens any inode of a filesystem by number, even outside a bind mount: the "Shocker" escape.
    "open_by_handle_at",
    // Access hardware ports.
    "iopl",
    "ioperm",
    "pciconfig_read",
    "pciconfig_write",
    "pciconfig_iobase",
    // Control swap, power, the kernel log, accounting and quotas of the whole machine.
    "swapon",
    "swapoff",
    "reboot",
    "syslog",
    "acct",
    "quotactl",
    // Set the clock of the whole machine; time namespaces only shift what is read.
    "clock_settime",
    "clock_settime64",
    "settimeofday",
    "stime",
    // Watches other processes' access to files that a bind mount shares with the host.
    "fanotify_init",
    // Maps pages of a process into a pipe, where they stay shared after a copy-on-write: CVE-2008-0600,
    // CVE-2020-29374.
    "vmsplice",
    // Reports on any mounted filesystem by device number, regardless of its mount namespace.
    "ustat",
    // Long obsolete, and hardly tested in kernels that still have them.
    "uselib",
    "vm86",
    "vm86old",
    "sysfs",
];

/// Calls that fail with ENOSYS, as if the kernel did not have them. Programs ask for these, and take another
/// way only if they are absent.
pub const ABSENT: &[&str] = &[
    // Run system calls from rings in memory, bypassing every filter: CVE-2022-29582, CVE-2023-2598,
    // CVE-2024-0582. Event loops fall back to epoll(7).
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    // Keyrings belong to host users, not to a namespace, and give access to the keys of the user's session:
    // CVE-2016-0728. Kernels without CONFIG_KEYS do not have these; container runtimes and cryptsetup then
    // continue without a keyring.
    "add_key",
    "keyctl",
    "request_key",
    // The newer form of quotactl, to which programs fall back.
    "quotactl_fd",
    // Removed from current kernels: Linux 2.6, 3.1, 5.5 and 6.8.
    "create_module",
    "get_kernel_syms",
    "query_module",
    "nfsservctl",
    "_sysctl",
    "lookup_dcookie",
];

/// ioctl requests that insert characters into a terminal's input, which the shell outside then reads:
/// CVE-2017-5226, and CVE-2023-28100 for TIOCLINUX. The kernel uses only the low 32 bits of the request, so
/// only those are compared: CVE-2019-10063.
pub const DENIED_REQUESTS: [u32; 2] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// Address families without a namespace: the kernel's cryptography (AF_ALG: CVE-2026-31431), and the channel
/// between a virtual machine and its host (AF_VSOCK). The argument is an `int`; the kernel uses the low 32
/// bits.
///
/// i386's `socketcall` passes its arguments in memory, which a filter cannot read. It stays allowed although
/// it gives access to both families: Debian's C library for i386 creates every socket through it, and when
/// docker 29.4.2 denied it, every 32-bit program that uses a network broke (moby#52506). `--security-opt
/// seccomp-arch=native` denies all calls of i386.
pub const DENIED_FAMILIES: [u32; 2] = [38 /* AF_ALG */, 40 /* AF_VSOCK */];

/// The bits that personality(2) may set; all others fail with EPERM. READ_IMPLIES_EXEC and MMAP_PAGE_ZERO
/// remove memory protections, and no current program uses the rest. The kernel uses the low 32 bits of the
/// argument.
pub const ALLOWED_PERSONALITY: u32 = 0x0000_0008 // PER_LINUX32: setarch i386
    | 0x0002_0000 // UNAME26
    | 0x0004_0000 // ADDR_NO_RANDOMIZE: gdb, setarch -R, SBCL
    | 0x0020_0000 // ADDR_COMPAT_LAYOUT: Wine, setarch -L
    | 0x0080_0000 // ADDR_LIMIT_32BIT
    | 0x0800_0000; // ADDR_LIMIT_3GB: 32-bit programs that expect it

/// The argument with which personality(2) only returns the current value.
const CURRENT_PERSONALITY: u32 = u32::MAX;

/// The filter for these architectures. A call of any other architecture fails with ENOSYS.
///
/// # Errors
/// The errors of [`compile`]; the tables here cause none.
pub fn filter(architectures: &[Architecture]) -> Result<Vec<sock_filter>, BackendError> {
    let rules: Vec<Rules> = architectures.iter().copied().map(rules).collect::<Result<_, _>>()?;
    compile(&rules, ENOSYS)
}

fn rules(architecture: Architecture) -> Result<Rules, BackendError> {
    let mut calls = BTreeMap::new();
    let all = |names: &'static [&str], action| names.iter().map(move |name| (name, action));
    for (name, action) in all(DENIED, &EPERM).chain(all(ABSENT, &ENOSYS)) {
        if let Some(number) = architecture.number(name) {
            calls.insert(number, vec![Rule { conditions: Vec::new(), action: action.clone() }]);
        }
    }
    for (name, argument, values) in
        [("ioctl", 1, DENIED_REQUESTS), ("socket", 0, DENIED_FAMILIES), ("socketpair", 0, DENIED_FAMILIES)]
    {
        if let Some(number) = architecture.number(name) {
            calls.insert(
                number,
                values.iter().map(|value| rule(argument, Eq, *value, EPERM)).collect::<Result<_, _>>()?,
            );
        }
    }
    if let Some(number) = architecture.number("personality") {
        calls.insert(number, personality()?);
    }
    Ok(Rules { architecture, calls, default: SeccompAction::Allow, unknown: ENOSYS })
}

fn personality() -> Result<Vec<Rule>, BackendError> {
    let other_bits = MaskedEq(u64::from(!ALLOWED_PERSONALITY));
    Ok(vec![
        rule(0, other_bits, 0, SeccompAction::Allow)?,
        rule(0, Eq, CURRENT_PERSONALITY, SeccompAction::Allow)?,
        Rule { conditions: Vec::new(), action: EPERM },
    ])
}

fn rule(
    argument: u8,
    operator: SeccompCmpOp,
    value: u32,
    action: SeccompAction,
) -> Result<Rule, BackendError> {
    let condition = SeccompCondition::new(argument, Dword, operator, u64::from(value))?;
    Ok(Rule { conditions: vec![condition], action })
}
