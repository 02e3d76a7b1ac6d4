//! Finds why something failed, using probes of the system, and how to fix it.

pub(crate) mod explain;
pub(crate) mod named;
pub(crate) mod probes;
pub(crate) mod shortfall;
