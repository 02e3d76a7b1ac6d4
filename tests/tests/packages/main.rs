//! What an administrator installs: each package in a real root, from its first installation to its purge.

#![allow(missing_docs)]

mod fresh_root;

mod deb;
mod built;
mod root;
mod cargo;
mod rpm;
mod tarball;
