//! The recipes of packaging/recipes, each driven as the system it is for drives it.

#![allow(missing_docs)]

mod slurm;

use subroot_tests::running;
mod podman;
mod project;
mod build_sandbox;
mod github_actions;
mod gitlab_runner;
mod image;
mod jenkins;
mod kubernetes;
mod mmdebstrap;
mod sbuild;
