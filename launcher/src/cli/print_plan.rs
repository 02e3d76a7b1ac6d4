//! `--print-plan`: prints the steps of a launch in order, as text or JSON.

use crate::cli::output;
use crate::cli::values::one_of::OneOf;
use crate::diagnose::shortfall;
use crate::plan::Plan;
use crate::plan::outline;
use crate::plan::steps::Step;
use serde_json::{Value, json};

/// How the steps are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A sentence for each.
    Text,
    /// One object.
    Json,
}

/// `--print-plan=FORMAT`.
pub(crate) const FORMAT: OneOf<Format> =
    OneOf(&[("text", "A sentence for each step", Format::Text), ("json", "One JSON object", Format::Json)]);

/// Prints the steps and returns the exit status.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print(plan: &Plan, format: Format) -> anyhow::Result<u8> {
    let steps = outline::steps(plan, shortfall::why_not_better(&plan.ids));
    let text = if format == Format::Json {
        let steps: Vec<Value> = steps.into_iter().map(Step::into_json).collect();
        output::json(&json!({"version": 1, "steps": steps}))?
    } else {
        steps.iter().map(|step| format!("{}\n", step.sentence())).collect()
    };
    output::output(&text)?;
    Ok(0)
}
