//! Whether AppArmor confines this process, and so may have refused a step.

use crate::causes::{APPARMOR, APPARMOR_CAPABILITIES, APPARMOR_PROFILE, Cause};
use crate::diagnose::probes::setting;
use crate::request::capabilities;

/// The label of this process: proc_pid_attr(5). Other security modules may also use the second file.
const LABELS: [&str; 2] = ["/proc/self/attr/apparmor/current", "/proc/self/attr/current"];
/// What a mapper prints if it may not examine the new process or write its maps.
const DENIALS: [&str; 3] = ["no process of yours", "Permission denied", "Operation not permitted"];

/// The profile of the packaged launcher, and the site's additions to the profile for its commands.
const OWN_PROFILE: &str = "subroot";
const SITE_RULES: &str = "/etc/apparmor.d/local/subroot_command";

/// This process's label: `unconfined`, or a profile with its mode in parentheses.
fn label() -> Option<String> {
    LABELS.into_iter().find_map(setting)
}

/// The profile that AppArmor enforces on this process, if any.
pub(crate) fn profile() -> Option<String> {
    label()?.strip_suffix(" (enforce)").map(str::to_owned)
}

/// True if the packaged launcher's profile is in force for this process, in any mode.
pub(crate) fn is_own() -> bool {
    label().is_some_and(|label| label.split(' ').next() == Some(OWN_PROFILE))
}

/// The profile as text for the user. For the packaged profile, also where the site can add rules.
pub(crate) fn told() -> Option<String> {
    let profile = profile()?;
    let site = format!("; capabilities and mounts beyond the usual ones need rules in {SITE_RULES}");
    Some(format!("the profile {profile} is enforced{}", if profile == OWN_PROFILE { &site } else { "" }))
}

/// The profile as a cause. Only root can read what AppArmor actually denied.
pub(crate) fn enforced() -> Option<Cause> {
    profile().map(|profile| Cause::new(&APPARMOR_PROFILE, &[("profile", &profile)]))
}

/// Ubuntu's restriction of programs without a profile: they cannot create a user namespace (23.10), or get no
/// capabilities in it (24.04).
pub(crate) fn restricted() -> Option<Cause> {
    let is_on = setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1");
    let is_meant = || label().is_none_or(|label| label == "unconfined");
    (is_on && is_meant()).then(|| Cause::new(&APPARMOR, &[]))
}

/// The enforced profile as a cause, if a mapper's message is one that a denial produces.
pub(crate) fn denied(said: &str) -> Option<Cause> {
    DENIALS.iter().any(|denial| said.contains(denial)).then(enforced).flatten()
}

/// The capabilities of a command (a bit set) that the packaged profile does not let it use: those that are
/// not in the default set and not in the site's rules. The rules loaded in the kernel cannot be read.
pub(crate) fn useless(capabilities: u64) -> Option<Cause> {
    let added = capabilities & !capabilities::default();
    if added == 0 || profile().as_deref() != Some(OWN_PROFILE) {
        return None;
    }
    let allowed = allowed(&setting(SITE_RULES).unwrap_or_default());
    let names: Vec<_> = capabilities::names(added & !allowed).collect();
    if names.is_empty() {
        return None;
    }
    let mut rules: Vec<_> = names.iter().map(|name| rule(name)).collect();
    if names.iter().any(|name| name == "CAP_SYS_ADMIN") {
        rules.push("mount, remount, umount, pivot_root,".into());
    }
    Some(Cause::new(&APPARMOR_CAPABILITIES, &[("names", &names.join(", ")), ("rules", &rules.join(" "))]))
}

/// The rule that allows a capability: apparmor.d(5).
fn rule(name: &str) -> String {
    format!("capability {},", name.trim_start_matches("CAP_").to_lowercase())
}

/// The capabilities that these rules allow. Only rules for one capability, or for all at once, are
/// understood.
fn allowed(rules: &str) -> u64 {
    let rules: Vec<_> = rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let has = |rule: &str| rules.iter().any(|line| line.contains(rule));
    let every = if has("capability,") { u64::MAX } else { 0 };
    (0..u64::BITS)
        .map(|at| 1 << at)
        .filter(|bit| capabilities::names(*bit).any(|name| has(&rule(&name))))
        .fold(every, |set, bit| set | bit)
}

#[cfg(test)]
mod tests {
    use super::allowed;
    use crate::request::capabilities::bit;

    #[test]
    fn the_sites_rules_are_read_as_far_as_they_allow_capabilities() {
        let two = allowed("capability sys_admin, mount,\n  capability bpf,");
        assert_eq!(Some(two), bit("SYS_ADMIN").zip(bit("BPF")).map(|(admin, bpf)| admin | bpf));
        assert_eq!(allowed("# capability sys_admin,\ncapability sys_admin_of_mine,"), 0);
        assert_eq!(allowed("  capability,\n"), u64::MAX);
    }
}
