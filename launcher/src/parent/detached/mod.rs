//! Sandboxes that run without a terminal: `run --detach`, and the commands that come back to them.

pub(crate) mod attach;
pub(crate) mod console;
mod earlier;
pub(crate) mod follow;
pub(crate) mod input;
pub(crate) mod job;
pub(crate) mod log;
pub(crate) mod record;
pub(crate) mod start;
pub(crate) mod store;
pub(crate) mod supervisor;
