//! The architectures that a filter distinguishes, and their system call numbers.

use std::str::FromStr as _;

/// The first system call number of the x32 ABI, which shares AUDIT_ARCH_X86_64: __X32_SYSCALL_BIT in
/// asm/unistd.h.
pub const X32_BIT: u32 = 0x4000_0000;
/// The base of ARM's private calls (set_tls, cacheflush…): __ARM_NR_BASE in asm/unistd.h of ARM.
pub const ARM_PRIVATE: u32 = 0x000f_0000;
/// The last possible number of a private call.
pub const ARM_PRIVATE_LAST: u32 = 0x000f_ffff;

/// System calls that are missing from the `syscalls` crate. They have the same number on all architectures:
/// scripts/syscall.tbl in the kernel's source.
const NEWER_CALLS: [(&str, u32); 8] = [
    ("mseal", 462),
    ("setxattrat", 463),
    ("getxattrat", 464),
    ("listxattrat", 465),
    ("removexattrat", 466),
    ("open_tree_attr", 467),
    ("file_getattr", 468),
    ("file_setattr", LAST_NUMBER),
];
/// The highest known number, except for ARM's private calls.
pub const LAST_NUMBER: u32 = 469;

/// The architecture that decides what a call's number and arguments mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86: i386 programs, and `int 0x80` in any program of an x86_64 kernel.
    I386,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM, EABI.
    Arm,
}

use Architecture::{Aarch64, Arm, I386, X86_64};

impl Architecture {
    /// The architectures that a kernel runs, its own first. `name` is the compiler's name for the kernel's
    /// own.
    pub fn of_kernel(name: &str) -> Option<[Architecture; 2]> {
        match name {
            "x86_64" => Some([X86_64, I386]),
            "aarch64" => Some([Aarch64, Arm]),
            _ => None,
        }
    }

    /// AUDIT_ARCH_… in linux/audit.h.
    pub const fn audit(self) -> u32 {
        match self {
            X86_64 => 0xc000_003e,
            I386 => 0x4000_0003,
            Aarch64 => 0xc000_00b7,
            Arm => 0x4000_0028,
        }
    }

    /// The number of a system call; `None` if the architecture does not have it.
    pub fn number(self, name: &str) -> Option<u32> {
        let mut added = NEWER_CALLS.iter().chain(self.own_calls());
        added
            .find(|(known, _)| *known == name)
            .map(|(_, number)| *number)
            .or_else(|| self.listed_number(name))
    }

    /// Calls of only this architecture that the crate does not list, or lists under another name.
    const fn own_calls(self) -> &'static [(&'static str, u32)] {
        match self {
            X86_64 => &[("uretprobe", 335), ("uprobe", 336)],
            I386 => &[],
            Aarch64 => &[("sync_file_range", 84)],
            Arm => &[
                ("breakpoint", ARM_PRIVATE + 1),
                ("cacheflush", ARM_PRIVATE + 2),
                ("usr26", ARM_PRIVATE + 3),
                ("usr32", ARM_PRIVATE + 4),
                ("set_tls", ARM_PRIVATE + 5),
                ("get_tls", ARM_PRIVATE + 6),
            ],
        }
    }

    fn listed_number(self, name: &str) -> Option<u32> {
        let number = match self {
            X86_64 => syscalls::x86_64::Sysno::from_str(name).ok()?.id(),
            I386 => syscalls::x86::Sysno::from_str(name).ok()?.id(),
            Aarch64 => syscalls::aarch64::Sysno::from_str(name).ok()?.id(),
            Arm => syscalls::arm::Sysno::from_str(name).ok()?.id(),
        };
        u32::try_from(number).ok()
    }
}
