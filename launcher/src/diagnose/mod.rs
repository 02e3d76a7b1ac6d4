//! Why something failed: the causes, the probes that find them, and the fixes.

pub(crate) mod causes;
pub(crate) mod explain;
pub(crate) mod probes;
pub(crate) mod shortfall;
