//! The instruction sets that a filter tells apart, and the numbers of their system calls.

use std::str::FromStr as _;

/// The first number of the x32 ABI, which shares AUDIT_ARCH_X86_64: __X32_SYSCALL_BIT in asm/unistd.h.
pub const X32_BIT: u32 = 0x4000_0000;
/// Where ARM keeps calls of its own (set_tls, cacheflush…): __ARM_NR_BASE in asm/unistd.h of ARM.
pub const ARM_PRIVATE: u32 = 0x000f_0000;
/// The last number that can be one of those.
pub const ARM_PRIVATE_LAST: u32 = 0x000f_ffff;

/// ARM's own calls, which its table does not list.
const ARM_PRIVATE_CALLS: [(&str, u32); 6] =
    [("breakpoint", 1), ("cacheflush", 2), ("usr26", 3), ("usr32", 4), ("set_tls", 5), ("get_tls", 6)];

/// What a system call's numbers and arguments mean.
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
    /// All that a kernel runs, its own first; by the name that the compiler gives it.
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

    /// The number of a system call; none where there is no such call.
    pub fn number(self, name: &str) -> Option<u32> {
        let number = match self {
            X86_64 => syscalls::x86_64::Sysno::from_str(name).ok()?.id(),
            I386 => syscalls::x86::Sysno::from_str(name).ok()?.id(),
            Aarch64 => syscalls::aarch64::Sysno::from_str(name).ok()?.id(),
            Arm => match ARM_PRIVATE_CALLS.iter().find(|(known, _)| *known == name) {
                Some((_, offset)) => return Some(ARM_PRIVATE + offset),
                None => syscalls::arm::Sysno::from_str(name).ok()?.id(),
            },
        };
        u32::try_from(number).ok()
    }

    /// The highest number that was known when this was built, ARM's own apart.
    pub fn last_number(self) -> u32 {
        let last = match self {
            X86_64 => syscalls::x86_64::Sysno::last().id(),
            I386 => syscalls::x86::Sysno::last().id(),
            Aarch64 => syscalls::aarch64::Sysno::last().id(),
            Arm => syscalls::arm::Sysno::last().id(),
        };
        last.unsigned_abs()
    }
}
