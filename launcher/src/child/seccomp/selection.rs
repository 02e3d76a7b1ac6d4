//! Selects what applies from a profile and turns it into rules: architectures, actions, conditions, and
//! docker's includes and excludes.

use super::architecture::Architecture;
use super::profile::{Argument, Circumstances, Entry, Profile};
use super::program::{ENOSYS, Rule, Rules};
use crate::request::capabilities;
use nix::errno::Errno;
use seccompiler::{SeccompAction, SeccompCmpArgLen::Qword, SeccompCmpOp, SeccompCondition};
use std::collections::BTreeMap;

/// The host properties that the selection depends on.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The architectures that the kernel runs, its own first.
    pub architectures: [Architecture; 2],
    /// The kernel's release, as in uname(2).
    pub release: &'a str,
    /// The command's capabilities, as a bit set.
    pub capabilities: u64,
    /// True if calls of the other architecture fail even if the profile allows them.
    pub native_only: bool,
}

/// All architectures that libseccomp knows. Rules for architectures that this kernel does not run are
/// ignored.
const ARCHITECTURES: [&str; 22] = [
    "X86",
    "X86_64",
    "X32",
    "ARM",
    "AARCH64",
    "LOONGARCH64",
    "M68K",
    "MIPS",
    "MIPS64",
    "MIPS64N32",
    "MIPSEL",
    "MIPSEL64",
    "MIPSEL64N32",
    "PARISC",
    "PARISC64",
    "PPC",
    "PPC64",
    "PPC64LE",
    "RISCV64",
    "S390",
    "S390X",
    "SHEB",
];

/// Selects the rules of a profile that apply on this host.
///
/// # Errors
/// What cannot be expressed, with its entry.
pub fn select(profile: &Profile, host: Host<'_>) -> Result<Vec<Rules>, String> {
    let default = action(&profile.default_action, &profile.default_errno, profile.default_errno_ret)
        .map_err(|why| format!("defaultAction: {why}"))?;
    // As in runc: programs fall back to an older call only if the newer one fails with ENOSYS.
    let unknown = if let SeccompAction::Errno(_) = default { ENOSYS } else { default.clone() };
    let mut selected = Vec::new();
    for architecture in architectures(profile, host)? {
        let mut calls = BTreeMap::<u32, Vec<Rule>>::new();
        for (at, entry) in profile.syscalls.iter().enumerate() {
            let location = |why| format!("syscalls[{at}]{}: {why}", first_name(entry));
            let rules = rules(entry).map_err(location)?;
            if !counts(entry, host).map_err(location)? {
                continue;
            }
            for number in names(entry).filter_map(|name| architecture.number(name)) {
                calls.entry(number).or_default().extend(rules.iter().cloned());
            }
        }
        let (default, unknown) = (default.clone(), unknown.clone());
        selected.push(Rules { architecture, calls, default, unknown });
    }
    Ok(selected)
}

fn names(entry: &Entry) -> impl Iterator<Item = &str> {
    entry.names.iter().chain(Some(&entry.name).filter(|name| !name.is_empty())).map(String::as_str)
}

fn first_name(entry: &Entry) -> String {
    names(entry).next().map_or_else(String::new, |name| format!(" ({name})"))
}

/// The kernel's own architecture, and the other one if the profile covers it and the host allows it.
fn architectures(profile: &Profile, host: Host<'_>) -> Result<Vec<Architecture>, String> {
    let [own, other] = host.architectures;
    let of_own = profile.arch_map.iter().filter(|entry| scmp_architecture(own) == entry.architecture);
    let listed: Vec<&String> =
        profile.architectures.iter().chain(of_own.flat_map(|entry| &entry.sub_architectures)).collect();
    for name in &listed {
        if !name.strip_prefix("SCMP_ARCH_").is_some_and(|name| ARCHITECTURES.contains(&name)) {
            return Err(format!("architectures: unknown architecture {name}"));
        }
    }
    let has_other = !host.native_only && listed.iter().any(|name| *name == scmp_architecture(other));
    Ok([own].into_iter().chain(has_other.then_some(other)).collect())
}

fn scmp_architecture(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "SCMP_ARCH_X86_64",
        Architecture::I386 => "SCMP_ARCH_X86",
        Architecture::Aarch64 => "SCMP_ARCH_AARCH64",
        Architecture::Arm => "SCMP_ARCH_ARM",
    }
}

fn rules(entry: &Entry) -> Result<Vec<Rule>, String> {
    if names(entry).next().is_none() {
        return Err("it names no system call".into());
    }
    let action = action(&entry.action, &entry.errno, entry.errno_ret)?;
    let conditions: Vec<SeccompCondition> = entry.args.iter().map(condition).collect::<Result<_, _>>()?;
    let mut indexes: Vec<u8> = entry.args.iter().map(|argument| argument.index).collect();
    indexes.sort_unstable();
    // As in runc and podman, conditions on the same argument are alternatives.
    if indexes.windows(2).any(|pair| pair.first() == pair.last()) {
        return Ok(conditions
            .into_iter()
            .map(|condition| Rule { conditions: vec![condition], action: action.clone() })
            .collect());
    }
    Ok(vec![Rule { conditions, action }])
}

fn action(name: &str, errno: &str, errno_ret: Option<u32>) -> Result<SeccompAction, String> {
    let value = match errno_number(errno)? {
        Some(number) if errno_ret.is_some_and(|other| other != number) => {
            return Err(format!("errno {errno} and errnoRet differ"));
        }
        Some(number) => number,
        None => errno_ret.unwrap_or(Errno::EPERM as u32),
    };
    match name {
        "SCMP_ACT_ALLOW" => Ok(SeccompAction::Allow),
        "SCMP_ACT_ERRNO" if value > MAX_ERRNO => Err(format!("invalid errnoRet {value}")),
        "SCMP_ACT_ERRNO" => Ok(SeccompAction::Errno(value)),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Ok(SeccompAction::KillThread),
        "SCMP_ACT_KILL_PROCESS" => Ok(SeccompAction::KillProcess),
        "SCMP_ACT_TRAP" => Ok(SeccompAction::Trap),
        "SCMP_ACT_TRACE" if value > u32::from(u16::MAX) => Err(format!("errnoRet {value} is above 65535")),
        "SCMP_ACT_TRACE" => Ok(SeccompAction::Trace(value)),
        "SCMP_ACT_LOG" => Ok(SeccompAction::Log),
        "SCMP_ACT_NOTIFY" => Err("SCMP_ACT_NOTIFY needs a listening agent, and subroot has none".into()),
        _ => Err(format!("unknown action {name}")),
    }
}

/// MAX_ERRNO in linux/err.h. The kernel would reduce a larger one to it.
const MAX_ERRNO: u32 = 4095;

fn errno_number(name: &str) -> Result<Option<u32>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let named = |number: &i32| format!("{:?}", Errno::from_raw(*number)) == name;
    let number = (1..LAST_ERRNO).find(named).ok_or_else(|| format!("unknown errno {name}"))?;
    Ok(Some(number.unsigned_abs()))
}

/// One more than EHWPOISON, the last one in asm-generic/errno.h.
const LAST_ERRNO: i32 = 134;

fn condition(argument: &Argument) -> Result<SeccompCondition, String> {
    let (operator, value) = match argument.op.as_str() {
        "SCMP_CMP_NE" => (SeccompCmpOp::Ne, argument.value),
        "SCMP_CMP_LT" => (SeccompCmpOp::Lt, argument.value),
        "SCMP_CMP_LE" => (SeccompCmpOp::Le, argument.value),
        "SCMP_CMP_EQ" => (SeccompCmpOp::Eq, argument.value),
        "SCMP_CMP_GE" => (SeccompCmpOp::Ge, argument.value),
        "SCMP_CMP_GT" => (SeccompCmpOp::Gt, argument.value),
        "SCMP_CMP_MASKED_EQ" => (SeccompCmpOp::MaskedEq(argument.value), argument.value_two),
        other => return Err(format!("unknown comparison {other}")),
    };
    SeccompCondition::new(argument.index, Qword, operator, value)
        .map_err(|_| format!("a system call has no argument {}", argument.index))
}

/// docker's rule: every condition in `includes` must hold, and none in `excludes`.
fn counts(entry: &Entry, host: Host<'_>) -> Result<bool, String> {
    let Circumstances { arches, caps, min_kernel } = &entry.includes;
    let included = (arches.is_empty() || arches.iter().any(|name| name == docker_architecture(host)))
        && held(caps, host)?.iter().all(|held| *held)
        && (min_kernel.is_empty() || is_at_least(host.release, min_kernel)?);
    let Circumstances { arches, caps, min_kernel } = &entry.excludes;
    let excluded = arches.iter().any(|name| name == docker_architecture(host))
        || held(caps, host)?.iter().any(|held| *held)
        || (!min_kernel.is_empty() && is_at_least(host.release, min_kernel)?);
    Ok(included && !excluded)
}

fn docker_architecture(host: Host<'_>) -> &'static str {
    match host.architectures {
        [Architecture::Aarch64, _] => "arm64",
        _ => "amd64",
    }
}

fn held(names: &[String], host: Host<'_>) -> Result<Vec<bool>, String> {
    let is_held = |number: usize| host.capabilities & (1 << number) != 0;
    let held =
        |name: &String| capabilities::number(name).map(is_held).ok_or(format!("unknown capability {name}"));
    names.iter().map(held).collect()
}

fn is_at_least(release: &str, wanted: &str) -> Result<bool, String> {
    let numbers = |text: &str| -> Option<(u32, u32)> {
        let (major, rest) = text.split_once('.')?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let wanted =
        numbers(wanted).ok_or_else(|| format!("invalid minKernel {wanted}: it must be MAJOR.MINOR"))?;
    Ok(numbers(release).is_some_and(|release| release >= wanted))
}
