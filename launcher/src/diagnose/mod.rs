//! Why something failed: the probes that find the causes, and the fixes.

pub(crate) mod explain;
pub(crate) mod probes;
pub(crate) mod shortfall;
