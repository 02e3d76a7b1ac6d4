//! subroot, the unprivileged launcher: starts a program in its own root file system, as root inside and as nobody
//! special outside.
//!
//! [`Sandbox`] describes what is to be run; [`Sandbox::spawn`] starts it and gives a [`Running`]. The program is made of the
//! same: `cli` has what was typed, `options` what is asked for, `plan` what is meant, `launch` clones the child and has
//! its IDs mapped, `child` builds the new root and starts the command, and `relay` waits for its end.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test that reads a wrong default fails"))]

mod child;
mod cli;
mod diagnose;
mod error;
mod failure;
mod grants;
mod parent;
mod plan;
mod request;
mod rootfs;
mod sys;

#[doc(hidden)] // for its tests, which run it by an interpreter
pub use child::seccomp;
#[doc(hidden)] // for main.rs
pub use cli::main;
pub use error::Error;
pub use parent::running::Running;
pub use request::ids::{Account, GivenLine, IdSource, UserSpec, Userns};
pub use request::mount::{Attributes, Bind, Content, Mount};
pub use request::namespaces::Network;
pub use request::root::Overlay;
pub use request::sandbox::Sandbox;
