//! newidmap-helper-nss: newidmap-helper(8) with name services.
#![cfg_attr(not(test), no_main)]

// `--all-targets` builds this also as a test, which has its own entry point.
#[cfg(not(test))]
#[path = "../start.rs"]
mod start;

#[cfg(not(test))]
const PROGRAM: newidmap_helper::Program = newidmap_helper::Program::NEWIDMAP_HELPER;
