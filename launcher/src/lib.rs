//! subroot, the unprivileged launcher: runs a program in its own root filesystem, where it is root inside and
//! an ordinary user outside.
//!
//! [`Sandbox`] describes what to run; [`Sandbox::spawn`] starts it and returns a [`Running`]. The `subroot`
//! program does the same with its command line. The modules follow the order of a launch: `cli` parses the
//! command line, `request` holds the request, `plan` decides what is done, `parent` clones the child and
//! writes its ID maps, `network` connects it, `child` builds the new root with `rootfs` and starts the command. `diagnose` explains
//! failures, `cdi` reads device specifications, `images` reads the image store, `grants`
//! reads the caller's subordinate IDs, and `sys` calls the kernel. See docs/design.md.

#![cfg_attr(not(feature = "cli"), allow(dead_code, reason = "some items are used only by the command line"))]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "in a test, a wrong default makes the test fail")
)]

mod causes;
mod cdi;
mod child;
#[cfg(feature = "cli")]
mod cli;
mod diagnose;
mod error;
mod failure;
mod grants;
#[doc(hidden)] // for subroot-image
pub mod images;
mod network;
mod parent;
mod plan;
mod request;
mod rootfs;
mod sys;

#[doc(hidden)] // for its tests, which run it by an interpreter
pub use child::seccomp;
#[cfg(feature = "cli")]
#[doc(hidden)] // for main.rs
pub use cli::main;
pub use error::{Error, NamespaceFlags, NetworkError, OsError, Shortfall};
pub use failure::Failure;
pub use parent::exit_status::ExitStatus;
pub use parent::running::Running;
pub use parent::trees;
pub use request::ids::{Account, GivenLine, IdSource, UserSpec, Userns};
pub use request::limits::{Limit, Resource};
pub use request::mount::{Attributes, Bind, Content, Mount, MountFlags, Propagation};
pub use request::namespaces::{ClockOffsets, Namespace, Network};
pub use request::network::{Port, Protocol};
pub use request::process::{Landlock, Seccomp};
pub use request::root::{Dev, Overlay, Proc};
pub use request::sandbox::Sandbox;
#[doc(no_inline)]
pub use subroot_idmap::IdKind;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
