//! Why fewer IDs are mapped than could be: turns what a plan knows into causes with fixes.

use crate::causes::{Cause, FEW_HERE, MAPPER_MISSING, NO_MAPPER, TOO_MANY_RANGES, TOO_MANY_RANGES_HERE};
use crate::diagnose::probes;
use crate::error::Shortfall;
use crate::grants::Grants;
use crate::plan::id_plan::IdPlan;
use std::cell::OnceCell;
use std::fmt::Display;

/// Why the plan has no better candidate for IDs.
pub(crate) fn lack(plan: &IdPlan) -> Option<Cause> {
    cause(plan.lack.as_ref()?, plan.grants.as_ref())
}

/// The kinds of IDs of which the kernel accepts only some ranges.
pub(crate) fn cuts(plan: &IdPlan) -> Vec<Cause> {
    plan.cut.iter().filter_map(|cut| cause(cut, plan.grants.as_ref())).collect()
}

/// Why IDs are not mapped by a better candidate, or why not all of them are mapped.
pub(crate) fn why_not_better(plan: &IdPlan) -> Option<String> {
    lack(plan).iter().chain(&cuts(plan)).next().map(Cause::to_string)
}

/// The cause of a shortfall. `grants` are the plan's; if there are none, the caller's are read.
pub(crate) fn cause(shortfall: &Shortfall, grants: Option<&Grants>) -> Option<Cause> {
    let read = OnceCell::new();
    let grants = || grants.unwrap_or_else(|| read.get_or_init(Grants::read));
    match shortfall {
        Shortfall::NotGranted(kind) => probes::grants::lines(grants(), *kind).into_iter().next(),
        Shortfall::MapperMissing(path) => {
            let values: [(_, &dyn Display); 2] =
                [("path", &path.display()), ("command", &probes::mapper::installing_mapper())];
            Some(Cause::new(&MAPPER_MISSING, &values))
        }
        Shortfall::NoMapper => {
            Some(Cause::new(&NO_MAPPER, &[("command", &probes::mapper::installing_mapper())]))
        }
        Shortfall::TooFew => Some(probes::grants::too_few_for_all(grants())),
        Shortfall::TooFewHere => Some(Cause::new(&FEW_HERE, &[])),
        Shortfall::Cut { kind, mapped, total, is_nested } => {
            let kind_name = probes::grants::name(*kind);
            let values: [(_, &dyn Display); 3] = [("count", mapped), ("total", total), ("kind", &kind_name)];
            if *is_nested {
                return Some(Cause::new(&TOO_MANY_RANGES_HERE, &values));
            }
            let user = probes::grants::caller(grants());
            let others: [(_, &dyn Display); 2] = [("user", &user), ("file", &kind.grant_file())];
            Some(Cause::new(&TOO_MANY_RANGES, &[&values[..], &others[..]].concat()))
        }
    }
}
