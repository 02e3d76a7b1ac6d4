//! The commands of subroot other than `run`, on the real kernel.

mod completions;
mod counsel;
mod detached;
mod doctor;
mod grants;
mod grants_truth;
mod idmap;
mod mistakes;
mod running;
mod spellings;
mod unshare;
