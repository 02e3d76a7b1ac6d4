//! Every printed fix is run as root, exactly as printed. Afterwards the cause is removed, no other user's
//! grants have changed, and a launch has the full map without a warning.

use crate::grants_truth::hosts::{self, Case, Fix};
use crate::grants_truth::{counts, ensure, launched, sandbox_of, says, try_each};
use std::fs;
use subroot_tests::sandbox::{Sandbox, map_lines};

const FULL: u32 = 65536;

/// The lines of other users, byte for byte.
fn others_lines() -> Vec<Vec<u8>> {
    let content = ["/etc/subuid", "/etc/subgid"].map(|file| fs::read(file).unwrap_or_default());
    let lines = content.iter().flat_map(|content| content.split(|byte| *byte == b'\n'));
    lines.filter(|line| line.windows(3).any(|part| part == b"bob")).map(<[u8]>::to_vec).collect()
}

/// The commands in these fixes, without repetitions.
fn commands<'t>(fixes: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut commands: Vec<String> =
        fixes.filter_map(|fix| fix.strip_prefix("as root: ")).map(str::to_owned).collect();
    commands.dedup();
    commands
}

/// Runs commands as root, and checks the host afterwards.
fn fixed_by(sandbox: &Sandbox, commands: &[String]) -> Result<(), String> {
    let before = others_lines();
    for command in commands {
        let outcome = sandbox.host.output(&mut sandbox.host.user("root").shell(command));
        ensure(outcome.code() == 0 && outcome.stderr.is_empty(), || format!("{command}: {outcome:?}"))?;
    }
    ensure(others_lines() == before, || {
        format!("{commands:?} changed the lines of others: {:?}", others_lines())
    })
}

fn launches_whole(case: &Case, sandbox: &Sandbox, commands: &[String]) -> Result<(), String> {
    let outcome = launched(sandbox);
    let is_whole = outcome.code() == 0
        && outcome.stderr.is_empty()
        && counts(&outcome).iter().all(|count| *count > FULL);
    ensure(is_whole, || format!("after {commands:?}: {outcome:?}"))?;
    let has_range =
        map_lines(&outcome.stdout).iter().filter(|line| line.starts_with("1 300000 ")).count() == 2;
    ensure(has_range || !case.keeps_range, || {
        format!("after {commands:?}, the range is another one: {outcome:?}")
    })
}

fn fix_of_run(case: &Case) -> Result<(), String> {
    let sandbox = sandbox_of(case);
    let outcome = launched(&sandbox);
    let fixes = outcome.stderr.lines().filter_map(|line| Some(line.split_once("fix: ")?.1));
    let commands = commands(fixes);
    // Problems that do not reduce what a launch gets are reported only by doctor.
    if commands.is_empty() && outcome.stderr.is_empty() {
        return Ok(());
    }
    ensure(commands.len() == 1, || format!("not one command: {outcome:?}"))?;
    fixed_by(&sandbox, &commands)?;
    launches_whole(case, &sandbox, &commands)
}

fn fixes_of_doctor(case: &Case) -> Result<(), String> {
    let sandbox = sandbox_of(case);
    let outcome = sandbox.says(&["doctor"]);
    let commands =
        commands(outcome.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("fix: ")));
    ensure(!commands.is_empty(), || format!("no command: {outcome:?}"))?;
    fixed_by(&sandbox, &commands)?;
    launches_whole(case, &sandbox, &commands)?;
    let after = sandbox.says(&["doctor"]);
    ensure(after.code() == 0, || format!("after {commands:?}: {}", after.stdout))
}

/// Runs the fixes one at a time, because each may move the lines that another one names.
fn fixes_of_lint(case: &Case) -> Result<(), String> {
    let sandbox = sandbox_of(case);
    let root = sandbox.host.user("root");
    for _ in 0..20 {
        let outcome = says(&sandbox, &root, &["grants", "lint"]);
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        // Lines of a removed account, or of bob, are left to the administrator.
        let is_ours = |pair: &&[&str]| {
            pair[0].starts_with("/etc/") && !pair[0].contains(" bob:") && !pair[0].contains("no-account")
        };
        let Some(pair) = lines.windows(2).find(is_ours) else { return Ok(()) };
        let fix = pair[1].trim_start().strip_prefix("fix: ").ok_or_else(|| format!("no fix: {outcome:?}"))?;
        fixed_by(&sandbox, &commands([fix].into_iter()))?;
    }
    Err("lint finds more and more".to_owned())
}

/// `grants suggest` prints a command that gives enough IDs, or refuses for the same reason with its fix.
fn fix_of_suggest(case: &Case) -> Result<(), String> {
    let sandbox = sandbox_of(case);
    let user = case
        .user
        .filter(|name| !name.starts_with('-') && !name.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or("1000");
    let outcome = says(&sandbox, &sandbox.alice, &["grants", "suggest", user]);
    let commands = if outcome.code() == 0 {
        outcome.stdout.lines().skip(1).map(str::to_owned).collect()
    } else {
        ensure(outcome.stderr.contains(case.why), || format!("not {:?}: {outcome:?}", case.why))?;
        commands(outcome.stderr.lines().filter_map(|line| line.strip_prefix("subroot: fix: ")))
    };
    let is_about_grants = case.granted != case.mapped.map(|count| count + FULL - 1);
    ensure(
        commands.len() == 1
            || !is_about_grants
            || outcome.stdout.contains("already")
            || outcome.stdout.contains("has enough"),
        || format!("not one command: {outcome:?}"),
    )?;
    fixed_by(&sandbox, &commands)?;
    if is_about_grants && !commands.is_empty() { launches_whole(case, &sandbox, &commands) } else { Ok(()) }
}

fn all_fixes(case: &Case) -> Result<(), String> {
    fix_of_run(case).map_err(|why| format!("run: {why}"))?;
    fixes_of_doctor(case).map_err(|why| format!("doctor: {why}"))?;
    fixes_of_lint(case).map_err(|why| format!("lint: {why}"))?;
    fix_of_suggest(case).map_err(|why| format!("suggest: {why}"))
}

fn try_fixes(cases: Vec<Case>) {
    let (needless, cases): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.fix == Fix::Needless);
    try_each(needless, |case| fixes_of_lint(case).map_err(|why| format!("lint: {why}")));
    try_each(cases.into_iter().filter(|case| case.fix == Fix::Command).collect(), all_fixes);
}

#[test]
fn of_grant_files() {
    try_fixes(hosts::files());
}

#[test]
fn of_names() {
    try_fixes(hosts::names());
}

#[test]
fn of_lines() {
    try_fixes(hosts::contents());
}

#[test]
fn of_settings_and_mappers() {
    try_fixes(hosts::settings());
}
