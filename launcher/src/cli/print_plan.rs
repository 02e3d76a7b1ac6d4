//! `--print-plan`: the steps of a launch in their order, as text or JSON.

use crate::child::prepared::Launch;
use crate::cli::output;
use crate::diagnose::shortfall;
use crate::plan::outline;
use crate::plan::steps::Step;
use crate::request::sandbox::Sandbox;
use serde_json::{Value, json};

/// Prints them and returns the exit status.
///
/// # Errors
/// What cannot be meant, and those of the output.
pub(crate) fn print(sandbox: &Sandbox, as_json: bool) -> anyhow::Result<u8> {
    let plan = Launch::new(sandbox)?.plan;
    let steps = outline::steps(&plan, shortfall::why_not_better(&plan.ids));
    let text = if as_json {
        let steps: Vec<Value> = steps.into_iter().map(Step::into_json).collect();
        output::json(&json!({"version": 1, "steps": steps}))?
    } else {
        steps.iter().map(|step| format!("{}\n", step.sentence())).collect()
    };
    output::output(&text)?;
    Ok(0)
}
