//! The commands of subroot other than `run`, on the real kernel.

mod doctor;
mod grants;
mod idmap;
mod running;
mod unshare;
