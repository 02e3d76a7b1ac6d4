//! The child process, from the clone to the start of the command.

pub(crate) mod ends;
pub(crate) mod exec;
pub(crate) mod identity;
pub(crate) mod init;
pub(crate) mod landlock;
pub(crate) mod namespaces;
pub(crate) mod passed;
pub(crate) mod prepared;
pub mod seccomp;
pub(crate) mod shim;
pub(crate) mod start;
pub(crate) mod terminal;
