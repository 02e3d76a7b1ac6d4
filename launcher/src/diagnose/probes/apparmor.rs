//! Whether AppArmor confines this process, so that it may be what refuses a step.

use crate::causes::{APPARMOR, APPARMOR_CAPABILITIES, APPARMOR_PROFILE, Cause};
use crate::diagnose::probes::setting;
use crate::request::capabilities;

/// The label of this process: proc_pid_attr(5). The second file is also that of other security modules.
const LABELS: [&str; 2] = ["/proc/self/attr/apparmor/current", "/proc/self/attr/current"];
/// What a mapper prints if it may not look at the new process or write its maps.
const DENIALS: [&str; 3] = ["no process of yours", "Permission denied", "Operation not permitted"];

/// The profile of the packaged launcher, that of the commands which it starts, and what a site adds to the latter.
const OWN_PROFILE: &str = "subroot";
const SITE_RULES: &str = "/etc/apparmor.d/local/subroot_command";

/// What confines this process, and how: `unconfined`, or a profile with its mode in brackets.
fn label() -> Option<String> {
    LABELS.into_iter().find_map(setting)
}

/// The profile that AppArmor enforces on this process.
pub(crate) fn profile() -> Option<String> {
    label()?.strip_suffix(" (enforce)").map(str::to_owned)
}

/// The same for a person; with the packaged profile, what it leaves to the site.
pub(crate) fn told() -> Option<String> {
    let profile = profile()?;
    let site =
        format!("; capabilities and mounts for commands, besides the usual ones, take rules in {SITE_RULES}");
    Some(format!("the profile {profile} is enforced{}", if profile == OWN_PROFILE { &site } else { "" }))
}

/// That profile as the cause of a denial. Only root can read what AppArmor denied.
pub(crate) fn enforced() -> Option<Cause> {
    profile().map(|profile| Cause::new(&APPARMOR_PROFILE, &[("profile", &profile)]))
}

/// Ubuntu's restriction of programs without a profile: it makes them no user namespace (23.10), or one without any capability (24.04).
pub(crate) fn restricted() -> Option<Cause> {
    let is_on = setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1");
    let is_meant = || label().is_none_or(|label| label == "unconfined");
    (is_on && is_meant()).then(|| Cause::new(&APPARMOR, &[]))
}

/// The enforced profile, if a mapper printed what it prints when it was denied something.
pub(crate) fn denied(said: &str) -> Option<Cause> {
    DENIALS.iter().any(|denial| said.contains(denial)).then(enforced).flatten()
}

/// The capabilities of a command, as a bit set, that the packaged profile does not let it use: those that are not there by default, and
/// that the site's own rules do not name either. What is compiled into the kernel cannot be asked.
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

/// The capabilities that these rules allow, as far as they are written one a rule, or all at once.
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
