//! The administrator's view: each package in a real root, from its first installation to its purge.

#![allow(missing_docs)]

mod built;
mod cargo;
mod deb;
mod documents;
mod fresh_root;
mod recipes;
mod root;
mod rpm;
mod tarball;
