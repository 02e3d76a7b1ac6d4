//! Runs system call filters in an interpreter, for both kernels on any machine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod default_filter;
mod documentation;
mod interpreter;
mod profiles;
mod refused_profiles;
