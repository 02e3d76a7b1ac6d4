//! What an administrator has to trust: the privileged program's sources, crates and binary, held to a written budget.

mod binary;
mod dependencies;
mod panics;
mod sources;
