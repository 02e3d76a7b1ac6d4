//! The command line: one file for each command.

pub(crate) mod args;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod grants;
pub(crate) mod idmap;
pub(crate) mod listing;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod man;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod owner;
pub(crate) mod print_plan;
pub(crate) mod values;
