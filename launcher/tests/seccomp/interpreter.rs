//! Runs classic BPF as the kernel does for a system call: linux/bpf_common.h, linux/seccomp.h.

use seccompiler::sock_filter;
use subroot::seccomp::architecture::Architecture;

pub(crate) const ALLOW: u32 = 0x7fff_0000;
pub(crate) const KILL_THREAD: u32 = 0;
pub(crate) const KILL_PROCESS: u32 = 0x8000_0000;
pub(crate) const TRAP: u32 = 0x0003_0000;
pub(crate) const TRACE: u32 = 0x7ff0_0000;
pub(crate) const LOG: u32 = 0x7ffc_0000;
pub(crate) const EPERM: u32 = errno(1);
pub(crate) const ENOSYS: u32 = errno(38);

/// SECCOMP_RET_ERRNO.
pub(crate) const fn errno(number: u32) -> u32 {
    0x0005_0000 | number
}

/// One system call: struct seccomp_data without the instruction pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) audit: u32,
    pub(crate) number: u32,
    pub(crate) arguments: [u64; 6],
}

impl Call {
    pub(crate) fn new(architecture: Architecture, number: u32) -> Call {
        Call { audit: architecture.audit(), number, arguments: [0; 6] }
    }

    /// The call with this value as one of its arguments.
    pub(crate) fn with(mut self, argument: usize, value: u64) -> Call {
        self.arguments[argument] = value;
        self
    }

    fn word(&self, offset: usize) -> u32 {
        assert_eq!(offset % 4, 0, "the kernel accepts only aligned words");
        let halves = self.arguments.iter().flat_map(|value| [*value, *value >> 32]);
        let words: Vec<u64> =
            [u64::from(self.number), u64::from(self.audit), 0, 0].into_iter().chain(halves).collect();
        u32::try_from(words[offset / 4] & u64::from(u32::MAX)).unwrap()
    }
}

/// The result of a program, and the number of instructions it ran.
pub(crate) fn run(program: &[sock_filter], call: Call) -> (u32, usize) {
    let (mut at, mut accumulator, mut steps) = (0, 0_u32, 0);
    loop {
        let instruction = &program[at];
        let k = instruction.k;
        at += 1;
        steps += 1;
        let condition = match instruction.code {
            0x20 => {
                accumulator = call.word(usize::try_from(k).unwrap());
                continue;
            }
            0x54 => {
                accumulator &= k;
                continue;
            }
            0x05 => {
                at += usize::try_from(k).unwrap();
                continue;
            }
            0x06 => return (k, steps),
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            other => unreachable!("instruction {other:#x}"),
        };
        at += usize::from(if condition { instruction.jt } else { instruction.jf });
    }
}

/// The result of a program.
pub(crate) fn answer(program: &[sock_filter], call: Call) -> u32 {
    run(program, call).0
}
