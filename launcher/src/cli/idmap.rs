//! `subroot idmap`: prints which IDs the caller may map, and which line grants them.

use crate::cli::args::{IdmapArgs, IdmapVerb};
use crate::cli::explain;
use crate::cli::output;
use crate::diagnose::shortfall;
use crate::grants::{Grants, OwnLine, ranges_text};
use crate::plan::id_plan::{Candidate, IdPlan, Writer};
use crate::request::ids::IdWishes;
use serde_json::{Value, json};
use std::fmt::Write as _;
use subroot_idmap::IdKind;

/// Prints the report and returns the exit status.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print(typed: &IdmapArgs) -> anyhow::Result<u8> {
    if let Some(IdmapVerb::Explain(words)) = &typed.verb {
        return explain::print(words, typed.json);
    }
    let plan = IdPlan::examined(&IdWishes::default(), None)?;
    let grants = Grants::read().examined();
    let lines: Vec<OwnLine> = IdKind::BOTH.into_iter().flat_map(|kind| grants.own_lines(kind)).collect();
    let text =
        if typed.json { output::json(&json(&grants, &lines, &plan))? } else { table(&grants, &lines, &plan) };
    output::output(&text)?;
    Ok(0)
}

fn table(grants: &Grants, lines: &[OwnLine], plan: &IdPlan) -> String {
    let mut text = String::new();
    for kind in IdKind::BOTH {
        let _ =
            writeln!(text, "{:4} {:>10} {:>10}  your own", kind.name(), grants.policy().caller().id(kind), 1);
        for line in lines.iter().filter(|line| line.kind == kind) {
            table_line(&mut text, line);
        }
    }
    if let Some(candidate) = plan.candidates.first() {
        let _ = writeln!(text, "\n`subroot run` maps these, written by {}:", writer(candidate));
        for kind in IdKind::BOTH {
            for line in candidate.maps.of(kind).joined() {
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
    for lack in shortfall::lack(plan).iter().chain(&shortfall::cuts(plan)) {
        let _ = writeln!(text, "\nwhy not better: {lack}");
    }
    text
}

fn table_line(text: &mut String, line: &OwnLine) {
    let number = |number: Option<u32>| number.map_or_else(|| "-".into(), |number| number.to_string());
    let (first, count) =
        (number(line.range.map(|range| range.first())), number(line.range.map(|range| range.count())));
    let verdict = match (&line.refused, &line.present) {
        (Some(why), _) => format!("grants nothing: {why}"),
        (None, Some(present)) => {
            format!("granted, and this user namespace has {} of it", ranges_text(present))
        }
        (None, None) => "granted".into(),
    };
    let _ = writeln!(text, "{:4} {first:>10} {count:>10}  {}: {verdict}", line.kind.name(), line.location());
}

pub(crate) fn writer(candidate: &Candidate) -> String {
    match &candidate.writer {
        Writer::Helper(program) | Writer::Shadow(program, _) => program.display().to_string(),
        Writer::Privileged => "subroot itself, which has the capabilities".into(),
        Writer::OwnId => "subroot itself, as every user may map their own ID".into(),
    }
}

fn json(grants: &Grants, lines: &[OwnLine], plan: &IdPlan) -> Value {
    let maps = |candidate: &Candidate, kind: IdKind| -> Vec<Value> {
        candidate.maps.of(kind).joined().map(|line| json!([line.inside, line.outside, line.count])).collect()
    };
    json!({
        "uid": grants.policy().caller().id(IdKind::Uid),
        "gid": grants.policy().caller().id(IdKind::Gid),
        "lines": lines.iter().map(json_line).collect::<Vec<_>>(),
        "writer": plan.candidates.first().map(writer),
        "maps": plan.candidates.first().map(|candidate| json!({"uid": maps(candidate, IdKind::Uid), "gid": maps(candidate, IdKind::Gid)})),
        "lack": shortfall::why_not_better(plan),
    })
}

fn json_line(line: &OwnLine) -> Value {
    json!({
        "kind": line.kind.name(),
        "file": line.file,
        "line": line.number,
        "start": line.range.map(|range| range.first()),
        "count": line.range.map(|range| range.count()),
        "granted": line.refused.is_none(),
        "present": line.present.as_ref().map(|parts| {
            parts.iter().map(|part| json!([part.first(), part.count()])).collect::<Vec<_>>()
        }),
        "reason": line.refused,
    })
}
