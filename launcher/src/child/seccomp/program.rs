//! Compiles rules into one classic BPF program: a binary search by number, with seccompiler's argument
//! comparisons in the leaves.
//!
//! There is one program for all actions, because the cost grows with the number of programs. The kernel runs
//! every program at each call that is not cached as allowed, and evaluates each program once for every call
//! number when it is loaded (`seccomp_cache_prepare`).

use super::architecture::{ARM_PRIVATE, ARM_PRIVATE_LAST, Architecture, LAST_NUMBER, X32_BIT};
use seccompiler::{BpfProgram, SeccompAction, SeccompCondition, SeccompRule, sock_filter};
use std::collections::BTreeMap;

/// ENOSYS: programs take it to mean that the kernel is too old for the call, and fall back to another one.
pub const ENOSYS: SeccompAction = SeccompAction::Errno(38);
/// The kernel's limit on a program's length: BPF_MAXINSNS in linux/bpf_common.h.
pub const MAX_INSTRUCTIONS: usize = 4096;

/// The number that a tracer such as strace or proot sets to skip a call. The kernel then makes no call, and
/// an error from the filter would replace the result that the tracer sets.
const SKIPPED: u32 = u32::MAX;

// Offsets in struct seccomp_data, and instructions: linux/seccomp.h, linux/bpf_common.h.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;

/// The action for a call whose arguments meet all conditions. Without conditions it applies to every such
/// call.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Conditions on the arguments.
    pub conditions: Vec<SeccompCondition>,
    /// The action.
    pub action: SeccompAction,
}

/// The rules for one architecture.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The architecture of the call numbers.
    pub architecture: Architecture,
    /// The rules by call number. The first rule that applies decides.
    pub calls: BTreeMap<u32, Vec<Rule>>,
    /// The action if no rule applies.
    pub default: SeccompAction,
    /// The action for a number above all known ones.
    pub unknown: SeccompAction,
}

/// Compiles one program for several architectures. `foreign` is the action for calls of any other.
///
/// # Errors
/// The errors of seccompiler, for an invalid rule.
pub fn compile(all: &[Rules], foreign: SeccompAction) -> Result<Vec<sock_filter>, seccompiler::BackendError> {
    let mut program = vec![statement(LOAD, ARCHITECTURE)];
    for rules in all {
        let mut block = vec![statement(LOAD, NUMBER)];
        block.extend(search(&rules.leaves()?));
        program.extend(unless_equal_skip(rules.architecture.audit(), block));
    }
    program.push(answer(foreign));
    Ok(program)
}

impl Rules {
    /// The code to run for call numbers, as a list of starts: each entry applies up to the next one's number.
    fn leaves(&self) -> Result<Vec<(u32, BpfProgram)>, seccompiler::BackendError> {
        let unlisted = self.unlisted();
        let otherwise =
            |number| unlisted.range(..=number).next_back().map_or(&self.default, |(_, action)| action);
        let mut starts: BTreeMap<u32, BpfProgram> =
            unlisted.iter().map(|(number, action)| (*number, vec![answer(action.clone())])).collect();
        for (&number, rules) in &self.calls {
            starts.insert(number, body(rules, otherwise(number))?);
            let next = number.saturating_add(1);
            starts.entry(next).or_insert_with(|| vec![answer(otherwise(next).clone())]);
        }
        let mut leaves: Vec<_> = starts.into_iter().collect();
        leaves.dedup_by(|(_, later), (_, earlier)| later == earlier);
        Ok(leaves)
    }

    /// The same for numbers without a rule.
    fn unlisted(&self) -> BTreeMap<u32, SeccompAction> {
        let mut starts = BTreeMap::from([(0, self.default.clone()), (SKIPPED, SeccompAction::Allow)]);
        starts.insert(LAST_NUMBER + 1, self.unknown.clone());
        match self.architecture {
            Architecture::X86_64 => {
                starts.insert(X32_BIT, ENOSYS);
            }
            Architecture::Arm => {
                starts.insert(ARM_PRIVATE, self.default.clone());
                starts.insert(ARM_PRIVATE_LAST + 1, self.unknown.clone());
            }
            Architecture::I386 | Architecture::Aarch64 => {}
        }
        starts
    }
}

/// The code for the rules of one call. `otherwise` is the action if none of them applies.
fn body(rules: &[Rule], otherwise: &SeccompAction) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut program = BpfProgram::new();
    for rule in rules {
        if rule.conditions.is_empty() {
            program.push(answer(rule.action.clone()));
            return Ok(program);
        }
        // SeccompRule is designed to be followed by exactly one instruction, which it skips if the rule does
        // not apply.
        program.extend(BpfProgram::from(SeccompRule::new(rule.conditions.clone())?));
        program.push(answer(rule.action.clone()));
    }
    program.push(answer(otherwise.clone()));
    Ok(program)
}

/// A binary search: divides the leaves in halves, so that a lookup takes a logarithmic number of
/// instructions.
fn search(leaves: &[(u32, BpfProgram)]) -> BpfProgram {
    match leaves {
        [] => BpfProgram::new(),
        [(_, body)] => body.clone(),
        _ => {
            let (lower, upper) = leaves.split_at(leaves.len() / 2);
            let first = upper.first().map_or(0, |(number, _)| *number);
            let (lower, upper) = (search(lower), search(upper));
            let mut program = match u8::try_from(lower.len()) {
                Ok(distance) => vec![branch(JUMP_GREATER_OR_EQUAL, first, distance, 0)],
                // Error ignored: the distance is too large for a conditional jump.
                Err(_) => vec![branch(JUMP_GREATER_OR_EQUAL, first, 0, 1), statement(JUMP, length(&lower))],
            };
            program.extend(lower);
            program.extend(upper);
            program
        }
    }
}

/// A conditional jump reaches only 255 instructions.
fn unless_equal_skip(value: u32, block: BpfProgram) -> BpfProgram {
    let mut program = match u8::try_from(block.len()) {
        Ok(distance) => vec![branch(JUMP_EQUAL, value, 0, distance)],
        // Error ignored: the distance is too large for a conditional jump.
        Err(_) => vec![branch(JUMP_EQUAL, value, 1, 0), statement(JUMP, length(&block))],
    };
    program.extend(block);
    program
}

fn length(program: &[sock_filter]) -> u32 {
    u32::try_from(program.len()).ok().unwrap_or(u32::MAX)
}

fn answer(action: SeccompAction) -> sock_filter {
    statement(RETURN, u32::from(action))
}

fn statement(code: u16, k: u32) -> sock_filter {
    branch(code, k, 0, 0)
}

fn branch(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}
