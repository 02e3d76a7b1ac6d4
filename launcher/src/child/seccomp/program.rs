//! Turns rules into one program of classic BPF: a binary search by number, with seccompiler's comparisons of arguments in it.
//!
//! One program, and not one for each action: the kernel runs every program at every call that it has not cached as allowed, and
//! each of them once for every number when it is loaded (`seccomp_cache_prepare`), so that length is paid for at each launch.

use super::architecture::{ARM_PRIVATE, ARM_PRIVATE_LAST, Architecture, LAST_NUMBER, X32_BIT};
use seccompiler::{BpfProgram, SeccompAction, SeccompCondition, SeccompRule, sock_filter};
use std::collections::BTreeMap;

/// ENOSYS: what programs take as "this kernel is older than the call", and fall back.
pub const ENOSYS: SeccompAction = SeccompAction::Errno(38);
/// The longest program that the kernel takes: BPF_MAXINSNS in linux/bpf_common.h.
pub const MAX_INSTRUCTIONS: usize = 4096;

/// The call number that a tracer gives a call that is to be skipped, as strace and proot do: the kernel makes no call of it, and
/// a filter's error would take the place of the tracer's own result.
const SKIPPED: u32 = u32::MAX;

// Offsets in struct seccomp_data, and instructions: linux/seccomp.h, linux/bpf_common.h.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;

/// What becomes of a call whose arguments meet all conditions: of any such call where there are none.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Conditions on the arguments.
    pub conditions: Vec<SeccompCondition>,
    /// What the kernel does then.
    pub action: SeccompAction,
}

/// The rules for one architecture.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whose numbers they are.
    pub architecture: Architecture,
    /// The rules of each call, by its number; the first that applies decides.
    pub calls: BTreeMap<u32, Vec<Rule>>,
    /// Where none applies.
    pub default: SeccompAction,
    /// For a number above all that are known.
    pub unknown: SeccompAction,
}

/// Compiles one program for several architectures; `foreign` is what becomes of a call of any other.
///
/// # Errors
/// Those of seccompiler: a rule that is none.
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
    /// What to do from each of these numbers up to the next one.
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

/// The rules of one call, and what to do where none of them applies.
fn body(rules: &[Rule], otherwise: &SeccompAction) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut program = BpfProgram::new();
    for rule in rules {
        if rule.conditions.is_empty() {
            program.push(answer(rule.action.clone()));
            return Ok(program);
        }
        // Made to be followed by exactly one instruction, which is skipped where the rule does not apply.
        program.extend(BpfProgram::from(SeccompRule::new(rule.conditions.clone())?));
        program.push(answer(rule.action.clone()));
    }
    program.push(answer(otherwise.clone()));
    Ok(program)
}

/// Halves the leaves until one is left: each number meets as few instructions as there are doublings.
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
                // Error ignored: it is too far for a conditional jump.
                Err(_) => vec![branch(JUMP_GREATER_OR_EQUAL, first, 0, 1), statement(JUMP, length(&lower))],
            };
            program.extend(lower);
            program.extend(upper);
            program
        }
    }
}

/// A conditional jump reaches 255 instructions only.
fn unless_equal_skip(value: u32, block: BpfProgram) -> BpfProgram {
    let mut program = match u8::try_from(block.len()) {
        Ok(distance) => vec![branch(JUMP_EQUAL, value, 0, distance)],
        // Error ignored: it is too far for a conditional jump.
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
