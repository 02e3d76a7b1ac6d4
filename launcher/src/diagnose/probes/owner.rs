//! A rootfs that belongs to other IDs than the caller's own.
//!
//! Errors ignored: what cannot be looked at gives no cause, and only the text of a warning depends on that.

use crate::causes::{Cause, ROOTFS_NOT_ROOTS, ROOTFS_OF_OTHERS};
use crate::grants::accounts;
use crate::grants::site::{Grant, Site};
use crate::plan::id_plan::IdPlan;
use crate::plan::root_owner::Ownership;
use nix::unistd::getuid;
use std::path::Path;
use subroot_idmap::{CONFIG_FILE, IdKind};

/// That IDs are mapped as by `--userns subids`, and why.
pub(crate) fn chosen(plan: &IdPlan, rootfs: &Path) -> Option<String> {
    let [uid, _] = plan.root_owner_if(Ownership::Chosen)?;
    let path = rootfs.display();
    Some(format!("{path} is owned by your subordinate ID {uid}: running with --userns subids"))
}

/// What is wrong with the owner.
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

/// The line that grants an ID, and the user it grants it to; the outer `None` for what is an account's own, or what a line of the
/// caller's would grant: why it does not is another cause.
fn holder(uid: u32) -> Option<Option<(String, String)>> {
    let mut site = Site::read_local().ok()?;
    let is_holding = |grant: &&Grant| grant.kind == IdKind::Uid && grant.range.contains(uid);
    if let Some(grant) = site.grants.iter().find(is_holding) {
        let owner = site.owner(grant);
        let location = format!("{}:{}", grant.kind.grant_file(), grant.line);
        return (owner.uid != Some(getuid().as_raw())).then(|| Some((location, owner.text.clone())));
    }
    if let Some((user, line, _)) = site.computed_holder(uid) {
        let user = String::from_utf8_lossy(&user.name).into_owned();
        return Some(Some((format!("{CONFIG_FILE}:{line}"), user)));
    }
    accounts::by_uid(uid).is_none().then_some(None)
}
