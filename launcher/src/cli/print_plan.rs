//! `--print-plan`: prints the steps of a launch in order, as text or JSON.

use crate::child::prepared::Launch;
use crate::cli::output;
use crate::cli::values::one_of::OneOf;
use crate::diagnose::shortfall;
use crate::plan::outline;
use crate::plan::steps::Step;
use crate::request::sandbox::Sandbox;
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
/// The request is invalid, or standard output cannot be written.
pub(crate) fn print(sandbox: &Sandbox, format: Format) -> anyhow::Result<u8> {
    let plan = Launch::new(sandbox)?.plan;
    let steps = outline::steps(&plan, shortfall::why_not_better(&plan.ids));
    let text = if format == Format::Json {
        let steps: Vec<Value> = steps.into_iter().map(Step::into_json).collect();
        output::json(&json!({"version": 1, "steps": steps}))?
    } else {
        steps.iter().map(|step| format!("{}\n", step.sentence())).collect()
    };
    output::output(&text)?;
    Ok(0)
}
