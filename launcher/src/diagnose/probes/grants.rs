//! Why the caller has no subordinate IDs, or fewer than he needs.
//!
//! Errors ignored: what cannot be looked at gives no cause, and only the words of a failure depend on that.

use crate::causes::{
    BAD_CONFIG, BAD_GRANT_LINE, Cause, DIRECTORY_ACCOUNT, GRANT_OVERLAPS, GRANT_TOO_SMALL, NO_ACCOUNT,
    NO_GRANT_FILE, NO_GRANT_LINE, NO_NOBODY, NOT_FULL, NOT_HERE, UNREADABLE, UNTRUSTED,
};
use crate::grants::files::each_line_of;
use crate::grants::{ENOUGH, Grants, OwnLine, distrust, ranges_text};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use subroot_idmap::{ACCOUNTS_FILE, Account, IdKind, IdRange, NSSWITCH_FILE, OVERFLOW_ID, SubidLine};

/// The mapper with name services, which knows a directory's accounts.
const VARIANT: &str = "/usr/libexec/subroot/newidmap-helper-nss";

/// Who the caller is, as files name him: by name, or by number where he has none.
pub(crate) fn caller(grants: &Grants) -> String {
    let caller = grants.policy().caller();
    let name = caller.names().next().map(|name| OsStr::from_bytes(name).to_string_lossy().into_owned());
    name.unwrap_or_else(|| caller.id(IdKind::Uid).to_string())
}

/// Where the account is not one of /etc/passwd: the mapper that reads files alone does not know its name.
pub(crate) fn account(grants: &Grants) -> Option<Cause> {
    let caller = grants.policy().caller();
    let uid = caller.id(IdKind::Uid);
    let mut is_local = false;
    each_line_of(ACCOUNTS_FILE, |_, line| {
        is_local |= Account::parse(line).is_some_and(|account| account.uid == Some(uid));
    });
    let has_name = caller.names().next().is_some();
    match (is_local, has_name) {
        (true, _) => None,
        (false, true) if Path::new(VARIANT).exists() => None,
        (false, true) => Some(Cause::new(&DIRECTORY_ACCOUNT, &[("uid", &uid)])),
        (false, false) => Some(Cause::new(&NO_ACCOUNT, &[("uid", &uid)])),
    }
}

/// Everything that is wrong with what is granted of a kind.
pub(crate) fn lines(grants: &Grants, kind: IdKind) -> Vec<Cause> {
    let (file, user) = (kind.grant_file(), caller(grants));
    if let Some(trouble) = grants.trouble() {
        return vec![Cause::new(&BAD_CONFIG, &[("why", &trouble)])];
    }
    if let Some(unreadable) = grants.unreadable() {
        let words: [(_, &dyn std::fmt::Display); 2] =
            [("file", &unreadable.file.display()), ("why", &unreadable.why)];
        return vec![Cause::new(&UNREADABLE, &words)];
    }
    let own = grants.own_lines(kind);
    let causes = own.iter().filter_map(|line| absent(line, &user).or_else(|| bad_line(line)));
    let mut causes: Vec<Cause> = causes.chain(overlaps(grants, kind, &own)).collect();
    let is_granted = own.iter().any(|line| line.refused.is_none()) || !grants.policy().plugin().is_empty();
    if !Path::new(file).exists() && !is_granted {
        causes.push(Cause::new(&NO_GRANT_FILE, &[("file", &file), ("user", &user)]));
    } else if own.is_empty() && !is_granted {
        let option = kind.pick("--add-subuids", "--add-subgids");
        causes.push(Cause::new(&NO_GRANT_LINE, &[("file", &file), ("user", &user), ("option", &option)]));
    }
    let granted = grants.policy().granted(kind).ranges();
    if causes.is_empty() && grants.ranges(kind).is_empty() && !granted.is_empty() {
        causes.push(not_here(NSSWITCH_FILE.into(), granted, &[], &user));
    }
    causes.extend(size(grants, kind));
    causes
}

/// The first file that the mapper does not trust; which of them cannot be read, the mapper says itself.
pub(crate) fn untrusted() -> Option<Cause> {
    let first = distrust().ok()?.into_iter().next()?;
    let (path, fix) = (first.path.display(), first.fix());
    let words: [(_, &dyn std::fmt::Display); 4] =
        [("file", &first.file), ("path", &path), ("why", &first.why), ("fix", &fix)];
    Some(Cause::new(&UNTRUSTED, &words))
}

/// A line with IDs that do not exist in this user namespace.
fn absent(line: &OwnLine, user: &str) -> Option<Cause> {
    Some(not_here(line.location(), &[line.range?], line.present.as_ref()?, user))
}

fn not_here(location: String, granted: &[IdRange], present: &[IdRange], user: &str) -> Cause {
    let present = if present.is_empty() { "none".to_owned() } else { ranges_text(present) };
    let words: [(_, &dyn std::fmt::Display); 4] =
        [("place", &location), ("range", &ranges_text(granted)), ("present", &present), ("user", &user)];
    Cause::new(&NOT_HERE, &words)
}

/// Why `--userns full` is refused to a caller who has IDs.
pub(crate) fn too_few_for_all(grants: &Grants) -> Cause {
    let [uids, gids] = IdKind::BOTH.map(|kind| grants.count(kind));
    let words: [(_, &dyn std::fmt::Display); 3] =
        [("uids", &uids), ("gids", &gids), ("user", &caller(grants))];
    Cause::new(&NOT_FULL, &words)
}

/// The name of a kind of ID, in full.
pub(crate) fn name(kind: IdKind) -> &'static str {
    kind.pick("user ID", "group ID")
}

fn bad_line(line: &OwnLine) -> Option<Cause> {
    let (why, number) = (line.refused?, line.number?);
    Some(Cause::new(&BAD_GRANT_LINE, &[("file", &line.file), ("line", &number), ("why", &why)]))
}

fn overlaps(grants: &Grants, kind: IdKind, own: &[OwnLine]) -> Vec<Cause> {
    let (file, caller) = (kind.grant_file(), grants.policy().caller());
    let mut found = Vec::new();
    each_line_of(file, |other, line| {
        let Ok(Some(SubidLine { owner, range })) = SubidLine::parse(line) else { return };
        if caller.owns(owner) {
            return;
        }
        let theirs = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let theirs = OsStr::from_bytes(theirs).to_string_lossy();
        for (number, mine) in own.iter().filter_map(|line| Some((line.number?, line.range?))) {
            if mine.overlaps(range) {
                let words: [(_, &dyn std::fmt::Display); 4] =
                    [("file", &file), ("line", &number), ("other", &other), ("owner", &theirs)];
                found.push(Cause::new(&GRANT_OVERLAPS, &words));
            }
        }
    });
    found
}

fn size(grants: &Grants, kind: IdKind) -> Option<Cause> {
    let (count, user, file) = (grants.count(kind), caller(grants), kind.grant_file());
    let words: [(_, &dyn std::fmt::Display); 5] =
        [("count", &count), ("kind", &name(kind)), ("user", &user), ("file", &file), ("first", &count)];
    match count {
        0 => None,
        1.. if count < ENOUGH => Some(Cause::new(&GRANT_TOO_SMALL, &words)),
        1.. if count < OVERFLOW_ID => Some(Cause::new(&NO_NOBODY, &words)),
        _ => None,
    }
}
