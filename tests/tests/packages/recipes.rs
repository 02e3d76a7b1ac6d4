//! The recipes of packaging/recipes, each driven as the system that it is for would drive it.

mod build_sandbox;
mod github_actions;
mod gitlab_runner;
mod image;
mod jenkins;
mod kubernetes;
mod mmdebstrap;
mod podman;
mod project;
mod sbuild;
mod slurm;
