//! The commands, a launch and the mapper report the same about a host.

use crate::grants_truth::hosts::{self, Case, Fix};
use crate::grants_truth::{counts, ensure, launched, sandbox_of, says, try_each};
use subroot_tests::Target;
use subroot_tests::sandbox::Sandbox;

/// For each kind, from the table of `subroot idmap`: the number of granted IDs, and the first ID of a granted
/// line.
fn of_idmap(text: &str) -> [(u32, Option<u32>); 2] {
    ["uid", "gid"].map(|kind| {
        let granted = text.lines().filter(|line| line.starts_with(kind) && line.ends_with(": granted"));
        let mut ranges: Vec<(u32, u32)> = granted
            .map(|line| {
                let numbers: Vec<u32> =
                    line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                (numbers[0], numbers[1])
            })
            .collect();
        ranges.sort_unstable();
        ranges.dedup();
        (
            ranges.iter().filter(|(_, count)| *count > 1).map(|(_, count)| count).sum(),
            ranges.last().map(|(first, _)| *first),
        )
    })
}

/// The number of IDs of a kind that doctor reports as granted.
fn of_doctor(text: &str, file: &str) -> Option<u32> {
    let line = text.lines().find(|line| line.split_whitespace().nth(1) == Some(file))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

fn agree(case: &Case) -> Result<(), String> {
    let sandbox = sandbox_of(case);
    let idmap = sandbox.says(&["idmap"]).stdout;
    let found = of_idmap(&idmap);
    ensure(found.map(|(count, _)| count) == case.granted, || {
        format!("idmap: not {:?}: {idmap}", case.granted)
    })?;
    let doctor = sandbox.says(&["doctor"]).stdout;
    let counted = ["/etc/subuid", "/etc/subgid"].map(|file| of_doctor(&doctor, file).unwrap_or(u32::MAX));
    let own = u32::from(idmap.contains(" 1000          1  /etc/"));
    ensure(counted == case.granted.map(|count| count + own), || {
        format!("doctor: not {:?}: {doctor}", case.granted)
    })?;
    ensure(doctor.contains(case.why), || format!("doctor: not {:?}: {doctor}", case.why))?;
    let has_sign = doctor.lines().any(|line| line.starts_with('!'));
    ensure(has_sign == (case.fix != Fix::Needless), || format!("doctor: signs: {doctor}"))?;
    let launched = counts(&launched(&sandbox));
    ensure(launched == case.mapped, || format!("run: not {:?} but {launched:?}", case.mapped))?;
    let [uids, gids] = launched;
    let maps = format!("{uids} user IDs and {gids} group IDs")
        .replace("1 user IDs", "1 user ID")
        .replace("1 group IDs", "1 group ID");
    ensure(doctor.replace(" IDs", " ID").contains(&maps.replace(" IDs", " ID")), || {
        format!("doctor: not {maps}: {doctor}")
    })?;
    if launched[0] == 1 && case.granted[0] == 0 {
        ensure(idmap.contains(case.why), || format!("idmap: not {:?}: {idmap}", case.why))?;
    }
    agree_by_id(case, &sandbox, found)?;
    for_user(case, &sandbox, &doctor)?;
    suggest(case, &sandbox)
}

/// Checks one ID of each kind: a granted one, or one that a line would grant.
fn agree_by_id(case: &Case, sandbox: &Sandbox, found: [(u32, Option<u32>); 2]) -> Result<(), String> {
    for (at, kind) in ["uid", "gid"].into_iter().enumerate() {
        let id = found[at].1.unwrap_or(300_000);
        let why = if at == 0 { case.why.to_owned() } else { case.why.replace("subuid", "subgid") };
        let is_said = |text: &str| text.contains(&why) || text.contains(case.why);
        let option = format!("--{kind}-map");
        let map = format!("0:{id}:1");
        let explained = sandbox.says(&["idmap", "explain", &option, &map]);
        let is_granted = case.granted[at] > 0;
        ensure((explained.code() == 0) == is_granted, || format!("explain {id}: {explained:?}"))?;
        if explained.code() == 125 {
            ensure(is_said(&explained.stderr), || format!("explain: not {:?}: {explained:?}", case.why))?;
        }
        let owner = sandbox.says(&["grants", "owner", &id.to_string()]);
        if owner.code() == 0 {
            let is_mine = |line: &str| {
                line.starts_with(kind) && line.contains("(uid 1000)") && line.contains("inside a default run")
            };
            let is_owner = owner.stdout.lines().any(is_mine);
            ensure(is_owner == is_granted, || format!("owner {id}: {owner:?}"))?;
        } else {
            ensure(is_said(&owner.stderr), || format!("owner {id}: {owner:?}"))?;
        }
        let target = Target::new(&sandbox.alice);
        let mapper = sandbox.host.output(&mut sandbox.alice.shell(&format!(
            "{} {} {option} {map}",
            subroot_tests::MAPPER,
            target.pid()
        )));
        ensure((mapper.code() == 0) == case.writes[at], || format!("mapper {id}: {mapper:?}"))?;
    }
    Ok(())
}

/// Checks that root gets the same report about the user.
fn for_user(case: &Case, sandbox: &Sandbox, doctor: &str) -> Result<(), String> {
    let Some(name) = case.user else { return Ok(()) };
    let root = sandbox.host.user("root");
    let asked = says(sandbox, &root, &["doctor", &format!("--for-user={name}")]).stdout;
    ensure(asked == doctor, || format!("doctor --for-user: {asked}and not {doctor}"))
}

fn suggest(case: &Case, sandbox: &Sandbox) -> Result<(), String> {
    let user = case
        .user
        .filter(|name| !name.starts_with('-') && !name.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or("1000");
    let outcome = sandbox.says(&["grants", "suggest", user]);
    let has_enough = case.granted.iter().all(|count| *count >= 2001);
    let is_said = outcome.stdout.contains("already") || outcome.stdout.contains("has enough");
    let shares = case.why.contains("grants IDs that line");
    ensure(is_said == (has_enough && !shares), || format!("suggest: {outcome:?}"))
}

#[test]
fn about_grant_files() {
    try_each(hosts::files(), agree);
}

#[test]
fn about_names() {
    try_each(hosts::names(), agree);
}

#[test]
fn about_lines() {
    try_each(hosts::contents(), agree);
}

#[test]
fn about_settings_and_mappers() {
    try_each(hosts::settings(), agree);
}
