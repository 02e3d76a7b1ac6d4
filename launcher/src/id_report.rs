//! `subroot idmap`: what the caller may map, by which line of which file.

use crate::cli::IdmapWords;
use crate::grants::{Grants, each_line_of};
use crate::id_plan::{IdPlan, Way, Writer};
use crate::report;
use idmap::{IdKind, LineError, SubidLine};
use std::fmt::Write as _;

/// A line of a grant file that names the caller.
struct GrantLine {
    kind: IdKind,
    number: u32,
    first: u32,
    count: u32,
    verdict: Verdict,
}

/// What a line comes to.
enum Verdict {
    Granted,
    CoversAccount,
    Malformed(LineError),
}

/// Prints the report and returns the exit status.
///
/// # Errors
/// Those of the output.
pub fn print(typed: &IdmapWords) -> anyhow::Result<u8> {
    let grants = Grants::read();
    let plan = IdPlan::new(None)?;
    let lines: Vec<GrantLine> = IdKind::BOTH.into_iter().flat_map(|kind| own_lines(&grants, kind)).collect();
    let text = if typed.json { json(&grants, &lines, &plan) } else { table(&grants, &lines, &plan) };
    report::output(&text)?;
    Ok(0)
}

fn own_lines(grants: &Grants, kind: IdKind) -> Vec<GrantLine> {
    let mut found = Vec::new();
    each_line_of(kind.grant_file(), |number, line| match SubidLine::parse(line) {
        Ok(Some(parsed)) if grants.caller.owns(parsed.owner) => {
            let granted = grants.of(kind).ranges().contains(&parsed.range);
            let verdict = if granted { Verdict::Granted } else { Verdict::CoversAccount };
            found.push(GrantLine {
                kind,
                number,
                first: parsed.range.first(),
                count: parsed.range.count(),
                verdict,
            });
        }
        Err(why)
            if grants
                .caller
                .names()
                .any(|name| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(b":"))) =>
        {
            found.push(GrantLine { kind, number, first: 0, count: 0, verdict: Verdict::Malformed(why) });
        }
        _ => {}
    });
    found
}

impl Verdict {
    fn reason(&self) -> &'static str {
        match self {
            Verdict::Granted => "granted",
            Verdict::CoversAccount => "grants nothing: the range holds the ID of a local account",
            Verdict::Malformed(why) => why.reason(),
        }
    }

    fn is_granted(&self) -> bool {
        matches!(self, Verdict::Granted)
    }
}

fn table(grants: &Grants, lines: &[GrantLine], plan: &IdPlan) -> String {
    let mut text = String::new();
    for kind in IdKind::BOTH {
        let _ = writeln!(text, "{:4} {:>10} {:>10}  your own", kind.name(), grants.caller.id(kind), 1);
        for line in lines.iter().filter(|line| line.kind == kind) {
            let _ = match line.verdict {
                Verdict::Malformed(_) => write!(text, "{:4} {:>10} {:>10}", kind.name(), "-", "-"),
                _ => write!(text, "{:4} {:>10} {:>10}", kind.name(), line.first, line.count),
            };
            let _ = writeln!(text, "  {}:{}: {}", kind.grant_file(), line.number, line.verdict.reason());
        }
    }
    if let Some(way) = plan.ways.first() {
        let _ = writeln!(text, "\n`subroot run` maps these, written by {}:", writer(way));
        for kind in IdKind::BOTH {
            for line in way.maps.of(kind).joined() {
                let _ = writeln!(
                    text,
                    "{:4} {:>10} {:>10} {:>10}",
                    kind.name(),
                    line.inside,
                    line.outside,
                    line.count
                );
            }
        }
    }
    if let Some(lack) = &plan.lack {
        let _ = writeln!(text, "\nno more than your own ID: {lack}");
    }
    text
}

fn writer(way: &Way) -> String {
    match &way.writer {
        Writer::Helper(program) | Writer::Shadow(program, _) => program.display().to_string(),
        Writer::Privileged => "subroot itself, which has the capabilities".into(),
        Writer::OwnId => "subroot itself, which everybody may for his own ID".into(),
    }
}

/// Every value is a number, a fixed word or a path of this program's own, so that only paths need escaping.
fn json(grants: &Grants, lines: &[GrantLine], plan: &IdPlan) -> String {
    let lines: Vec<String> = lines.iter().map(json_line).collect();
    let maps = plan.ways.first().map_or_else(String::new, |way| {
        let map = |kind: IdKind| {
            let lines = way.maps.of(kind).joined();
            let lines = lines.map(|line| format!("[{},{},{}]", line.inside, line.outside, line.count));
            format!("\"{}\":[{}]", kind.name(), lines.collect::<Vec<_>>().join(","))
        };
        format!(",\"writer\":{:?},\"maps\":{{{},{}}}", writer(way), map(IdKind::Uid), map(IdKind::Gid))
    });
    let (uid, gid) = (grants.caller.id(IdKind::Uid), grants.caller.id(IdKind::Gid));
    format!("{{\"uid\":{uid},\"gid\":{gid},\"lines\":[{}]{maps}}}\n", lines.join(","))
}

fn json_line(line: &GrantLine) -> String {
    format!(
        "{{\"kind\":\"{}\",\"file\":\"{}\",\"line\":{},\"start\":{},\"count\":{},\"granted\":{},\"reason\":\"{}\"}}",
        line.kind.name(),
        line.kind.grant_file(),
        line.number,
        line.first,
        line.count,
        line.verdict.is_granted(),
        line.verdict.reason()
    )
}
