//! `subroot idmap explain`: reports whether the mapper would grant a request, why, and what it would grant
//! instead.

use crate::cli::args::ExplainArgs;
use crate::cli::output;
use crate::error::Error;
use crate::grants::Grants;
use crate::plan::id_layout::reason_of_map;
use crate::sys::standard_error;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use subroot_idmap::{
    IdKind, IdRange, MapLine, NSSWITCH_FILE, Policy, RequestedMap, Text, authorize, push_granted,
    push_refused,
};

/// One range of a request.
struct Judged {
    line: MapLine,
    /// What grants it: the locations of lines, or the exception that allows it; `None` if it is refused.
    by: Option<Vec<String>>,
    /// The largest part of a refused range that would be granted.
    instead: Option<MapLine>,
}

/// One map of a request.
struct Answer {
    kind: IdKind,
    judged: Vec<Judged>,
    /// The mapper's message if it refuses.
    refusal: Option<String>,
    /// True if setgroups stays unchanged with this map.
    keeps_setgroups: bool,
}

/// Prints the answer and returns 0 if all is granted, 1 if not.
///
/// # Errors
/// The request is invalid, the mapper would refuse every request, or standard output cannot be written.
pub(crate) fn print(typed: &ExplainArgs, as_json: bool) -> anyhow::Result<u8> {
    let asked = [(IdKind::Uid, &typed.uid_map), (IdKind::Gid, &typed.gid_map)];
    let asked: Vec<(IdKind, &OsString)> =
        asked.into_iter().filter_map(|(kind, value)| Some((kind, value.as_ref()?))).collect();
    if asked.is_empty() {
        return Err(Error::Usage {
            what: "the request",
            why: "neither --uid-map nor --gid-map was given".into(),
        }
        .into());
    }
    let grants = Grants::read().examined();
    if let Some(cause) = asked.iter().find_map(|(kind, _)| grants.refused(*kind)) {
        let why = format!("the mapper refuses everything: {cause}");
        return Err(Error::Grants { why, fix: Some(cause.fix()) }.into());
    }
    let answers =
        asked.into_iter().map(|(kind, value)| answer(&grants, kind, value)).collect::<Result<Vec<_>, _>>()?;
    let text = if as_json {
        output::json(&Value::from(answers.iter().map(json).collect::<Vec<_>>()))?
    } else {
        answers.iter().map(text).collect()
    };
    output::output(&text)?;
    Ok(u8::from(answers.iter().any(|answer| answer.refusal.is_some())))
}

fn answer(grants: &Grants, kind: IdKind, value: &OsString) -> Result<Answer, Error> {
    let mut requested = Box::new(RequestedMap::EMPTY);
    requested.push_text(value.as_bytes()).map_err(|why| Error::Usage {
        what: kind.option(),
        why: format!("{}: {}", value.to_string_lossy(), reason_of_map(&why)),
    })?;
    let policy = grants.policy();
    let (refusal, keeps_setgroups) = match authorize(kind, &requested, policy.caller(), policy.granted(kind))
    {
        Ok(map) => {
            let refusal = map.lines().iter().find_map(|line| absent(grants, kind, *line));
            (refusal, map.backed_by_grants() && !policy.config().denies_setgroups)
        }
        Err(refused) => (Some(refusal(policy, kind, refused)), false),
    };
    let judged = requested.lines().iter().map(|line| judge(grants, kind, *line)).collect();
    Ok(Answer { kind, judged, refusal, keeps_setgroups })
}

fn judge(grants: &Grants, kind: IdKind, line: MapLine) -> Judged {
    let policy = grants.policy();
    let mut alone = Box::new(RequestedMap::EMPTY);
    // Error ignored: an error means that the line is refused.
    let passes =
        alone.push(line).is_ok() && authorize(kind, &alone, policy.caller(), policy.granted(kind)).is_ok();
    let Ok(range) = line.outside_range() else { return Judged { line, by: None, instead: None } };
    if passes && grants.present().has(kind, range) {
        return Judged { line, by: Some(granted_by(grants, kind, range)), instead: None };
    }
    let instead = largest_part(grants, kind, range).map(|part| MapLine {
        inside: line.inside.saturating_add(part.first().saturating_sub(range.first())),
        outside: part.first(),
        count: part.count(),
    });
    Judged { line, by: None, instead }
}

/// The lines that grant parts of a granted range, or the exception that allows it without a grant.
fn granted_by(grants: &Grants, kind: IdKind, range: IdRange) -> Vec<String> {
    let policy = grants.policy();
    if policy.granted(kind).covers(range) {
        let lines = grants.own_lines(kind);
        let granting = lines.iter().filter(|line| {
            line.refused.is_none() && line.range.is_some_and(|granted| granted.overlaps(range))
        });
        let locations: Vec<String> = granting.map(|line| line.location()).collect();
        return if locations.is_empty() { vec![NSSWITCH_FILE.into()] } else { locations };
    }
    let own = if policy.caller().is_own_id(kind, range) { "your own ID" } else { "your own group" };
    vec![own.into()]
}

/// The largest consecutive part of a range that is granted, or the caller's own ID if nothing else is.
fn largest_part(grants: &Grants, kind: IdKind, range: IdRange) -> Option<IdRange> {
    let policy = grants.policy();
    let mut granted = policy.granted(kind).ranges().to_vec();
    granted.extend(
        IdRange::new(policy.caller().id(kind), 1).ok().filter(|own| policy.caller().is_own_id(kind, *own)),
    );
    granted.sort_by_key(|granted| granted.first());
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for part in granted.iter().filter(|granted| granted.overlaps(range)) {
        let (first, end) = (part.first().max(range.first()), part.end().min(range.end()));
        match parts.last_mut() {
            Some((_, known)) if *known >= first => *known = end.max(*known),
            _ => parts.push((first, end)),
        }
    }
    let parts =
        parts.into_iter().filter_map(|(first, end)| IdRange::new(first, end.saturating_sub(first)).ok());
    let present: Vec<IdRange> = parts.flat_map(|part| grants.present().parts(kind, part)).collect();
    // If several parts have the same length, take the lowest.
    present.into_iter().rev().max_by_key(|part| part.count())
}

/// The mapper's message for a range that is granted, but not within one line of this user namespace's own
/// map.
fn absent(grants: &Grants, kind: IdKind, line: MapLine) -> Option<String> {
    line.outside_range().ok().filter(|range| !grants.present().has(kind, *range))?;
    let why = "granted, but no one line of this user namespace's own map holds it";
    Some(sentence(kind, line) + why)
}

/// The mapper's message: shadow's, followed by the reason.
fn refusal(policy: &Policy, kind: IdKind, refused: MapLine) -> String {
    let mut text = Text::<2048>::EMPTY;
    push_granted(&mut text, kind, policy);
    sentence(kind, refused) + &String::from_utf8_lossy(text.as_bytes())
}

fn sentence(kind: IdKind, line: MapLine) -> String {
    let mut text = Text::<256>::EMPTY;
    push_refused(&mut text, kind, line);
    String::from_utf8_lossy(text.as_bytes()).into_owned()
}

fn typed(line: MapLine) -> String {
    format!("{}:{}:{}", line.inside, line.outside, line.count)
}

fn text(answer: &Answer) -> String {
    let mut text = String::new();
    for judged in &answer.judged {
        let _ = write!(text, "{} {}: ", answer.kind.name(), typed(judged.line));
        // Error ignored: writing to a string cannot fail.
        let _ = match (&judged.by, judged.instead) {
            (Some(by), _) => writeln!(text, "granted by {}", by.join(" and ")),
            (None, Some(part)) => writeln!(text, "refused; granted would be {}", typed(part)),
            (None, None) => writeln!(text, "refused; none of it is yours"),
        };
    }
    match &answer.refusal {
        Some(refusal) => {
            let _ = writeln!(text, "refused: {}", standard_error::escaped(refusal));
            if let Some(instead) = instead(answer) {
                let _ = writeln!(text, "instead: {} {instead}", answer.kind.option());
            }
        }
        None if answer.kind == IdKind::Gid && !answer.keeps_setgroups => text += "setgroups: denied inside\n",
        None => {}
    }
    text
}

/// The whole map, with each refused range replaced by its largest granted part.
fn instead(answer: &Answer) -> Option<String> {
    let granted = answer.judged.iter().filter_map(|judged| match judged.by {
        Some(_) => Some(judged.line),
        None => judged.instead,
    });
    let lines: Vec<String> = granted.map(typed).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn json(answer: &Answer) -> Value {
    let line = |line: MapLine| json!([line.inside, line.outside, line.count]);
    let range = |judged: &Judged| {
        json!({
            "range": line(judged.line),
            "granted": judged.by.is_some(),
            "by": judged.by,
            "instead": judged.instead.map(line),
        })
    };
    json!({
        "kind": answer.kind.name(),
        "granted": answer.refusal.is_none(),
        "reason": answer.refusal,
        "instead": answer.refusal.as_ref().and_then(|_| instead(answer)),
        "setgroups": if answer.kind == IdKind::Gid { Some(answer.keeps_setgroups) } else { None },
        "ranges": answer.judged.iter().map(range).collect::<Vec<Value>>(),
    })
}
