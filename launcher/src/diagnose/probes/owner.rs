//! Reports a rootfs that does not belong to the caller's own ID.
//!
//! Errors ignored: what cannot be examined gives no cause, and only the text of a warning depends on it.

use crate::causes::{Cause, ROOTFS_NOT_ROOTS, ROOTFS_OF_OTHERS};
use crate::grants::accounts;
use crate::grants::site::{Grant, Site};
use crate::plan::id_plan::IdPlan;
use crate::plan::root_owner::Ownership;
use nix::unistd::getuid;
use std::path::Path;
use subroot_idmap::{CONFIG_FILE, IdKind};

/// The notice that IDs are mapped as with `--userns subids`, and why; `None` if they are not.
pub(crate) fn chosen(plan: &IdPlan, rootfs: &Path) -> Option<String> {
    let [uid, _] = plan.root_owner_if(Ownership::Chosen)?;
    let path = rootfs.display();
    Some(format!("{path} is owned by your subordinate ID {uid}: running with --userns subids"))
}

/// The problem with the owner; `None` if there is none.
pub(crate) fn cause(plan: &IdPlan, rootfs: &Path) -> Option<Cause> {
    let path = rootfs.display();
    if let Some([uid, _]) = plan.root_owner_if(Ownership::NotRoot) {
        return Some(Cause::new(&ROOTFS_NOT_ROOTS, &[("path", &path), ("uid", &uid)]));
    }
    let [uid, _] = plan.root_owner_if(Ownership::Foreign)?;
    let again = "create it again as this user";
    let (whose, fix) = match holder(uid)? {
        Some((location, user)) => {
            (format!("{location} grants it to {user}"), format!("run it as {user}, or {again}"))
        }
        None => ("no account and no grant has it".into(), again.into()),
    };
    let values: [(_, &dyn std::fmt::Display); 4] =
        [("path", &path), ("uid", &uid), ("whose", &whose), ("fix", &fix)];
    Some(Cause::new(&ROOTFS_OF_OTHERS, &values))
}

/// The location of the line that grants an ID, and its user; `Some(None)` if no account and no grant has the
/// ID. `None` if it is an account's own ID, or if a line of the caller's holds it: another cause then reports
/// why that line does not count.
fn holder(uid: u32) -> Option<Option<(String, String)>> {
    let mut site = Site::read_local().ok()?;
    let is_holding = |grant: &&Grant| grant.kind == IdKind::Uid && grant.range.contains(uid);
    if let Some(grant) = site.grants.iter().find(is_holding) {
        let owner = site.owner(grant);
        return (owner.uid != Some(getuid().as_raw())).then(|| Some((grant.location(), owner.text.clone())));
    }
    if let Some((user, line, _)) = site.computed_holder(uid) {
        let user = String::from_utf8_lossy(&user.name).into_owned();
        return Some(Some((format!("{CONFIG_FILE}:{line}"), user)));
    }
    accounts::by_uid(uid).is_none().then_some(None)
}
