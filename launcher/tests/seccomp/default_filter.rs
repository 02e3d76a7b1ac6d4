//! The built-in filter, for x86_64 with i386 and for aarch64 with ARM.

use crate::interpreter::{ALLOW, Call, ENOSYS, EPERM, answer, run};
use seccompiler::sock_filter;
use subroot::seccomp::Filter;
use subroot::seccomp::architecture::{
    Architecture::{self, Aarch64, Arm, I386, X86_64},
    LAST_NUMBER,
};
use subroot::seccomp::default_filter::{ABSENT, ALLOWED_PERSONALITY, DENIED, filter};

const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;
const AF_ALG: u64 = 38;
const AF_VSOCK: u64 = 40;
/// Arbitrary bits for the upper half of a register of which the kernel uses only the lower half.
const HIGH_BITS: u64 = 0xdead_beef_0000_0000;

/// Calls that everyday jobs, debuggers and nested sandboxes use, if the architecture has them.
const NEEDED: &[&str] = &[
    "arch_prctl",
    "brk",
    "capset",
    "chroot",
    "clone",
    "clone3",
    "close_range",
    "execve",
    "exit_group",
    "fsconfig",
    "fsmount",
    "fsopen",
    "futex",
    "getcpu",
    "ioctl",
    "ipc",
    "kcmp",
    "landlock_restrict_self",
    "mbind",
    "memfd_create",
    "mknodat",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_tree",
    "openat2",
    "personality",
    "pidfd_getfd",
    "pidfd_open",
    "pivot_root",
    "prctl",
    "process_vm_readv",
    "ptrace",
    "read",
    "restart_syscall",
    "rseq",
    "seccomp",
    "set_mempolicy",
    "set_tls",
    "setdomainname",
    "sethostname",
    "setns",
    "setresuid",
    "socket",
    "socketcall",
    "socketpair",
    "statmount",
    "umount2",
    "unshare",
    "uretprobe",
    "vhangup",
    "write",
];

fn kernels() -> [([Architecture; 2], Vec<sock_filter>); 2] {
    ["x86_64", "aarch64"].map(|name| {
        let architectures = Architecture::of_kernel(name).unwrap();
        (architectures, filter(&architectures).unwrap())
    })
}

/// Every architecture, with the program of its kernel.
fn everywhere() -> impl Iterator<Item = (Architecture, Vec<sock_filter>)> {
    kernels().into_iter().flat_map(|(all, program)| all.map(|architecture| (architecture, program.clone())))
}

/// This call on every architecture that has it.
pub(crate) fn each(name: &str) -> impl Iterator<Item = (Vec<sock_filter>, Call)> {
    everywhere().filter_map(move |(architecture, program)| {
        Some((program, Call::new(architecture, architecture.number(name)?)))
    })
}

#[test]
fn every_denied_call_fails_with_eperm_and_every_absent_one_with_enosys() {
    for (names, expected) in [(DENIED, EPERM), (ABSENT, ENOSYS)] {
        for name in names {
            assert!(each(name).count() > 0, "no architecture has {name}");
            for (program, call) in each(name) {
                assert_eq!(answer(&program, call), expected, "{name}: {call:?}");
            }
        }
    }
}

#[test]
fn every_other_known_call_is_allowed() {
    for (architecture, program) in everywhere() {
        let denied: Vec<u32> =
            DENIED.iter().chain(ABSENT).filter_map(|name| architecture.number(name)).collect();
        for number in (0..=LAST_NUMBER).filter(|number| !denied.contains(number)) {
            assert_eq!(answer(&program, Call::new(architecture, number)), ALLOW, "{architecture:?} {number}");
        }
    }
}

#[test]
fn what_everyday_jobs_need_is_allowed() {
    for name in NEEDED {
        assert!(each(name).count() > 0, "no architecture has {name}");
        for (program, call) in each(name) {
            assert_eq!(answer(&program, call), ALLOW, "{name}: {call:?}");
        }
    }
}

#[test]
fn terminal_input_cannot_be_forged_whatever_the_high_bits_say() {
    for (program, call) in each("ioctl") {
        for request in [TIOCSTI, TIOCLINUX, TIOCSTI | HIGH_BITS, TIOCLINUX | HIGH_BITS, TIOCSTI | 1 << 32] {
            assert_eq!(answer(&program, call.with(1, request)), EPERM, "{request:#x}: {call:?}");
        }
        // TCGETS, TIOCGWINSZ, a neighbour of TIOCSTI, and TIOCSTI as the descriptor and as the value.
        for request in [0x5401, 0x5413, 0x5411] {
            assert_eq!(answer(&program, call.with(1, request)), ALLOW, "{request:#x}: {call:?}");
        }
        assert_eq!(answer(&program, call.with(0, TIOCSTI).with(2, TIOCSTI)), ALLOW);
    }
}

#[test]
fn address_families_without_a_namespace_are_denied() {
    for name in ["socket", "socketpair"] {
        for (program, call) in each(name) {
            for family in [AF_ALG, AF_VSOCK, AF_ALG | HIGH_BITS, AF_VSOCK | HIGH_BITS] {
                assert_eq!(answer(&program, call.with(0, family)), EPERM, "{family:#x}: {call:?}");
            }
            for family in [1, 2, 10, 16, 17, 37, 39, 41] {
                assert_eq!(answer(&program, call.with(0, family)), ALLOW, "{family}: {call:?}");
            }
        }
    }
}

#[test]
fn of_personalities_only_those_that_remove_no_protection_are_allowed() {
    for (program, call) in each("personality") {
        // PER_LINUX32, UNAME26 and both, ADDR_NO_RANDOMIZE, the values that Wine and setarch i386 -R3 set,
        // and the query.
        for value in [0, 0x8, 0x2_0000, 0x2_0008, 0x4_0000, 0x20_0000, 0x804_0008, 0xffff_ffff] {
            for value in [value, value | HIGH_BITS] {
                assert_eq!(answer(&program, call.with(0, value)), ALLOW, "{value:#x}: {call:?}");
            }
        }
        // MMAP_PAGE_ZERO, READ_IMPLIES_EXEC alone and with others, a personality other than Linux's, and all
        // bits but one.
        for value in [0x10_0000, 0x40_0000, 0x44_0000, 0x40_0008, 0x1, 0xffff_fffe, 0x7fff_ffff] {
            for value in [value, value | HIGH_BITS] {
                assert_eq!(answer(&program, call.with(0, value)), EPERM, "{value:#x}: {call:?}");
            }
        }
        for bit in (0..32).map(|bit| 1_u32 << bit) {
            let expected = if ALLOWED_PERSONALITY & bit == 0 { EPERM } else { ALLOW };
            assert_eq!(answer(&program, call.with(0, bit.into())), expected, "{bit:#x}: {call:?}");
        }
    }
}

#[test]
fn a_number_above_the_highest_known_is_not_implemented() {
    for (architecture, program) in everywhere() {
        for number in [LAST_NUMBER + 1, 512, 547, 1000, 0x000e_ffff, 0x0010_0000, u32::MAX - 1] {
            let call = Call::new(architecture, number);
            assert_eq!(answer(&program, call), ENOSYS, "{call:?}");
        }
    }
}

#[test]
fn a_call_of_x32_is_not_implemented() {
    let [(_, program), _] = kernels();
    let programs = [program, filter(&[X86_64]).unwrap()];
    for (program, number) in
        programs.iter().flat_map(|program| x32_numbers().map(move |number| (program, number)))
    {
        assert_eq!(answer(program, Call::new(X86_64, 0x4000_0000 | number)), ENOSYS, "{number}");
    }
}

fn x32_numbers() -> impl Iterator<Item = u32> {
    (0..600).chain(DENIED.iter().chain(ABSENT).filter_map(|name| X86_64.number(name)))
}

#[test]
fn the_native_filter_answers_its_own_calls_alike_and_all_others_with_enosys() {
    for (architectures, program) in kernels() {
        let [own, other] = architectures;
        let native = filter(&[own]).unwrap();
        for number in 0..=LAST_NUMBER + 1 {
            // An ioctl, a socket and a personality that are denied, and some that are allowed.
            for argument in [0, 0x5412, 40, 0x40_0000] {
                let call = Call::new(own, number).with(0, argument).with(1, argument);
                assert_eq!(answer(&native, call), answer(&program, call), "{call:?}");
            }
        }
        for number in 0..=LAST_NUMBER {
            assert_eq!(answer(&native, Call::new(other, number)), ENOSYS, "{other:?} {number}");
        }
    }
}

#[test]
fn a_call_of_a_foreign_architecture_is_not_implemented() {
    for (architectures, program) in kernels() {
        for audit in [X86_64, I386, Aarch64, Arm].map(Architecture::audit).into_iter().chain([0, 0xc000_00f3])
        {
            if architectures.iter().all(|known| known.audit() != audit) {
                assert_eq!(
                    answer(&program, Call { audit, number: 0, arguments: [0; 6] }),
                    ENOSYS,
                    "{audit:#x}"
                );
            }
        }
    }
}

#[test]
fn a_call_that_a_tracer_skips_keeps_the_tracers_result() {
    for (architecture, program) in everywhere() {
        assert_eq!(answer(&program, Call::new(architecture, u32::MAX)), ALLOW, "{architecture:?}");
    }
}

#[test]
fn arms_own_calls_are_allowed() {
    for (program, call) in each("set_tls") {
        for number in [0x000f_0001, 0x000f_0002, 0x000f_0005, 0x000f_ffff] {
            assert_eq!(answer(&program, Call { number, ..call }), ALLOW, "{number:#x}");
        }
    }
}

#[test]
fn numbers_are_those_of_the_kernels_tables() {
    // asm/unistd_64.h, asm/unistd_32.h, asm-generic/unistd.h, and arm/tools/syscall.tbl.
    for (name, numbers) in [
        ("keyctl", [Some(250), Some(288), Some(219), Some(311)]),
        ("ioctl", [Some(16), Some(54), Some(29), Some(54)]),
        ("socket", [Some(41), Some(359), Some(198), Some(281)]),
        ("stime", [None, Some(25), None, None]),
        ("clock_settime", [Some(227), Some(264), Some(112), Some(262)]),
        ("io_uring_setup", [Some(425); 4]),
        ("mseal", [Some(462); 4]),
        ("open_tree_attr", [Some(467); 4]),
        ("file_setattr", [Some(LAST_NUMBER); 4]),
        ("uretprobe", [Some(335), None, None, None]),
        ("sync_file_range", [Some(277), Some(314), Some(84), None]),
        ("set_tls", [None, None, None, Some(0x000f_0005)]),
    ] {
        assert_eq!([X86_64, I386, Aarch64, Arm].map(|all| all.number(name)), numbers, "{name}");
    }
}

#[test]
fn no_number_takes_more_than_a_dozen_instructions() {
    for (architecture, program) in everywhere() {
        for number in 0..=LAST_NUMBER + 1 {
            let (_, steps) = run(&program, Call::new(architecture, number).with(1, 0x5401));
            let is_compared =
                ["ioctl", "socket", "socketpair", "personality"].map(|name| architecture.number(name));
            let most = if is_compared.contains(&Some(number)) { 20 } else { 12 };
            assert!(steps <= most, "{architecture:?} {number}: {steps}");
        }
    }
}

#[test]
fn the_program_in_this_build_is_made_of_the_same_tables() {
    let architectures = Architecture::of_kernel(std::env::consts::ARCH).unwrap();
    assert_eq!(*Filter::DEFAULT.program, *filter(&architectures).unwrap());
    assert_eq!(*Filter::NATIVE.program, *filter(&architectures[..1]).unwrap());
}
