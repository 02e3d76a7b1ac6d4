//! What an administrator has to trust: the privileged programs' sources, crates and binaries, with a written
//! budget.

mod binary;
mod dependencies;
mod history;
mod panics;
mod sources;

/// Every program that is installed with privilege.
const PROGRAMS: [&str; 3] = ["newidmap-helper", "newuidmap", "newgidmap"];
