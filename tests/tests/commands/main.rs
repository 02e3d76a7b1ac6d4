//! The commands of subroot other than `run`, on the real kernel.

mod completions;
mod doctor;
mod grants;
mod grants_truth;
mod idmap;
mod running;
mod unshare;
