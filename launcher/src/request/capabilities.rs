//! Capabilities by their names: capabilities(7).

/// The names of capabilities(7), each at its number.
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

/// docker's and podman's default set.
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

/// The set that a command has unless told otherwise.
pub(crate) fn default() -> u64 {
    DEFAULT.iter().filter_map(|name| bit(name)).fold(0, |set, bit| set | bit)
}

/// The names of a set, as capabilities(7) writes them.
pub(crate) fn names(set: u64) -> impl Iterator<Item = String> {
    NAMES.iter().enumerate().filter(move |(at, _)| set >> at & 1 == 1).map(|(_, name)| format!("CAP_{name}"))
}

/// The number of a capability that is written `CAP_NAME`.
pub(crate) fn number(name: &str) -> Option<usize> {
    let name = name.strip_prefix("CAP_")?;
    NAMES.iter().position(|known| *known == name)
}

/// The bit of a capability, written with or without `CAP_`, in upper or lower case.
pub(crate) fn bit(name: &str) -> Option<u64> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    number(&format!("CAP_{name}")).map(|at| 1 << at)
}

/// The set that is left of this one after additions and removals, each a name, several of them with commas between, or ALL.
///
/// # Errors
/// A name that is none.
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
            name => bit(name).ok_or_else(|| format!("{name} is no capability"))?,
        };
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::{ALL, changed, default, names};

    #[test]
    fn names_are_taken_in_every_spelling() {
        let one = changed(default(), &["sys_ptrace".into()], &[]).ok();
        assert_eq!(one, Some(default() | 1 << 19));
        assert_eq!(changed(default(), &["CAP_SYS_PTRACE".into()], &[]).ok(), one);
        assert_eq!(changed(default(), &["ptrace".into()], &[]), Err("ptrace is no capability".into()));
    }

    #[test]
    fn all_may_be_dropped_or_added_and_single_ones_come_on_top() {
        assert_eq!(changed(default(), &[], &["ALL".into()]), Ok(0));
        assert_eq!(changed(default(), &["CHOWN".into()], &["all".into()]), Ok(1));
        assert_eq!(changed(default(), &["all".into()], &["CHOWN".into()]), Ok(ALL & !1));
        assert_eq!(changed(default(), &[], &["CHOWN,KILL".into()]), Ok(default() & !0b10_0001));
        assert_eq!(names(0b10_0001).collect::<Vec<_>>(), ["CAP_CHOWN", "CAP_KILL"]);
    }
}
