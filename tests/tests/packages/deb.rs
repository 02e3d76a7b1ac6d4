//! Debian packages in fresh roots: a module a package, and one for what holds of them all.

mod all;
mod installed;
mod newidmap_helper;
mod newidmap_helper_nss;
mod subroot;
mod subroot_uidmap;
