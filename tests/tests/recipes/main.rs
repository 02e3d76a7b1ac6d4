//! The recipes of packaging/recipes, each driven as the system it is for drives it.

#![allow(missing_docs)]

mod slurm;

use subroot_tests::running;
mod build_sandbox;
mod gitlab_runner;
mod image;
mod kubernetes;
mod mmdebstrap;
mod podman;
mod sbuild;
