//! Filters of system calls, run by an interpreter: for both kernels, whatever this one is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod default_filter;
mod documentation;
mod interpreter;
mod profiles;
mod refused_profiles;
