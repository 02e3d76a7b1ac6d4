//! Debian packages in new roots: one module for each package, and one for all together.

mod all;
mod installed;
mod newidmap_helper;
mod newidmap_helper_nss;
mod subroot;
mod subroot_uidmap;
