//! Whether AppArmor confines this process, so that it may be what refuses a step.

use super::setting;
use crate::causes::{APPARMOR_PROFILE, Cause};

/// The label of this process: proc_pid_attr(5). The second file is also that of other security modules.
const LABELS: [&str; 2] = ["/proc/self/attr/apparmor/current", "/proc/self/attr/current"];
/// What a mapper prints if it may not look at the new process or write its maps.
const DENIALS: [&str; 3] = ["no process of yours", "Permission denied", "Operation not permitted"];

/// The profile that AppArmor enforces on this process.
pub(crate) fn profile() -> Option<String> {
    let label = LABELS.into_iter().find_map(setting)?;
    label.strip_suffix(" (enforce)").map(str::to_owned)
}

/// That profile as the cause of a denial. Only root can read what AppArmor denied.
pub(crate) fn enforced() -> Option<Cause> {
    profile().map(|profile| Cause::new(&APPARMOR_PROFILE, &[("profile", &profile)]))
}

/// The same, if a mapper printed what it prints when it was denied something.
pub(crate) fn denied(said: &str) -> Option<Cause> {
    DENIALS.iter().any(|denial| said.contains(denial)).then(enforced).flatten()
}
