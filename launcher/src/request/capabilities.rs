//! Capability names: capabilities(7).

/// The names in capabilities(7), each at the index equal to its number.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The default set of docker and podman.
const DEFAULT: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SYS_CHROOT",
    "MKNOD",
    "AUDIT_WRITE",
    "SETFCAP",
];

/// Every capability, as a bit set.
pub(crate) const ALL: u64 = (1 << NAMES.len()) - 1;

/// The capabilities that a command has by default.
pub(crate) fn default() -> u64 {
    DEFAULT.iter().filter_map(|name| bit(name)).fold(0, |set, bit| set | bit)
}

/// The names in a set, spelled as in capabilities(7).
pub(crate) fn names(set: u64) -> impl Iterator<Item = String> {
    NAMES.iter().enumerate().filter(move |(at, _)| set >> at & 1 == 1).map(|(_, name)| format!("CAP_{name}"))
}

/// The number of a capability spelled `CAP_NAME`.
pub(crate) fn number(name: &str) -> Option<usize> {
    let name = name.strip_prefix("CAP_")?;
    NAMES.iter().position(|known| *known == name)
}

/// The bit of a capability. The name may lack `CAP_` and may be in lower case.
pub(crate) fn bit(name: &str) -> Option<u64> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    number(&format!("CAP_{name}")).map(|at| 1 << at)
}

/// The set after additions and removals. Each is a name, several names separated by commas, or ALL.
///
/// # Errors
/// An unknown name.
pub(crate) fn changed(set: u64, added: &[String], dropped: &[String]) -> Result<u64, String> {
    let (added, dropped) = (bits(added)?, bits(dropped)?);
    let kept = if dropped == ALL { 0 } else { set & !dropped };
    Ok(if added == ALL { ALL & !(if dropped == ALL { 0 } else { dropped }) } else { kept | added })
}

fn bits(names: &[String]) -> Result<u64, String> {
    let mut set = 0;
    for name in names.iter().flat_map(|name| name.split(',')) {
        set |= match name {
            name if name.eq_ignore_ascii_case("all") => ALL,
            name => bit(name).ok_or_else(|| format!("unknown capability {name}"))?,
        };
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::{ALL, changed, default, names};

    #[test]
    fn names_are_accepted_in_every_spelling() {
        let one = changed(default(), &["sys_ptrace".into()], &[]).ok();
        assert_eq!(one, Some(default() | 1 << 19));
        assert_eq!(changed(default(), &["CAP_SYS_PTRACE".into()], &[]).ok(), one);
        assert_eq!(changed(default(), &["ptrace".into()], &[]), Err("unknown capability ptrace".into()));
    }

    #[test]
    fn single_capabilities_apply_after_all_are_dropped_or_added() {
        assert_eq!(changed(default(), &[], &["ALL".into()]), Ok(0));
        assert_eq!(changed(default(), &["CHOWN".into()], &["all".into()]), Ok(1));
        assert_eq!(changed(default(), &["all".into()], &["CHOWN".into()]), Ok(ALL & !1));
        assert_eq!(changed(default(), &[], &["CHOWN,KILL".into()]), Ok(default() & !0b10_0001));
        assert_eq!(names(0b10_0001).collect::<Vec<_>>(), ["CAP_CHOWN", "CAP_KILL"]);
    }
}
