//! Reasons found by looking, for failures whose errno says too little.

use crate::failure::Step;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// PT_INTERP in elf(5).
const PT_INTERP: u32 = 3;
/// As much of a `#!` line as the kernel reads: BINPRM_BUF_SIZE in linux/binfmts.h.
const SCRIPT_LINE: usize = 256;

/// The interpreter of a script or the loader of an ELF program, where it is not there.
pub(crate) fn missing_loader(program: &Path) -> Option<(Step, Vec<u8>)> {
    let mut file = File::open(program).ok()?;
    let mut start = [0; SCRIPT_LINE];
    let length = file.read(&mut start).ok()?;
    let start = start.get(..length)?;
    let (step, loader) = match start.strip_prefix(b"#!") {
        Some(line) => (Step::RunInterpreter, script_interpreter(line)?.to_vec()),
        None => (Step::RunLoader, elf_loader(&file, start)?),
    };
    (!Path::new(std::str::from_utf8(&loader).ok()?).exists()).then_some((step, loader))
}

/// A CR is part of the name to the kernel, which is what keeps scripts with DOS line ends from running.
fn script_interpreter(line: &[u8]) -> Option<&[u8]> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    line.split(|byte| matches!(byte, b' ' | b'\t')).find(|word| !word.is_empty())
}

/// The string of the PT_INTERP segment of a 64-bit little-endian program.
fn elf_loader(file: &File, header: &[u8]) -> Option<Vec<u8>> {
    header.strip_prefix(b"\x7fELF\x02\x01")?;
    let table = number::<8>(header, 32)?;
    let (size, count) = (number::<2>(header, 54)?, number::<2>(header, 56)?);
    for at in 0..count {
        let mut segment = [0; 56];
        file.read_exact_at(&mut segment, table.checked_add(at.checked_mul(size)?)?).ok()?;
        if number::<4>(&segment, 0)? == u64::from(PT_INTERP) {
            let length = usize::try_from(number::<8>(&segment, 32)?).ok().filter(|length| *length <= 4096)?;
            let mut path = vec![0; length];
            file.read_exact_at(&mut path, number::<8>(&segment, 8)?).ok()?;
            path.retain(|byte| *byte != 0);
            return Some(path);
        }
    }
    None
}

fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(BYTES)?)?;
    Some(field.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

/// What forbids namespaces here, and who can change it.
pub(crate) fn namespaces(errno: Errno) -> Option<String> {
    let setting = |path: &str| std::fs::read_to_string(path).ok().map(|value| value.trim().to_owned());
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    match errno {
        Errno::EPERM if is("/proc/sys/kernel/unprivileged_userns_clone", "0") => {
            Some("as root: sysctl kernel.unprivileged_userns_clone=1".into())
        }
        Errno::EPERM if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") => {
            Some("as root: install subroot's AppArmor profile, or sysctl kernel.apparmor_restrict_unprivileged_userns=0".into())
        }
        Errno::EPERM => Some("a chroot, a seccomp filter or a security module forbids user namespaces to this process".into()),
        Errno::ENOSPC | Errno::EUSERS => {
            let limit = setting("/proc/sys/user/max_user_namespaces").unwrap_or_default();
            Some(format!("a limit of namespaces is used up (user.max_user_namespaces is {limit}); as root: raise it with sysctl"))
        }
        Errno::EAGAIN => {
            let limit = getrlimit(Resource::RLIMIT_NPROC).map_or(0, |(soft, _)| soft);
            Some(format!("no more processes are allowed (RLIMIT_NPROC is {limit}): raise it with ulimit -u, or end some"))
        }
        _ => None,
    }
}
