//! newgidmap-nss: newgidmap(1) with name services.
#![cfg_attr(not(test), no_main)]

// A test build, which only `--all-targets` asks for, brings an entry of its own.
#[cfg(not(test))]
#[path = "../start.rs"]
mod start;

#[cfg(not(test))]
const PROGRAM: newidmap_helper::Program = newidmap_helper::Program::NEWGIDMAP;
