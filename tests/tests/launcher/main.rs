//! What subroot does, on the real kernel: one file a topic.

mod sandbox;

mod bad_input;
mod bare_root;
mod cost;
mod death;
mod debian;
mod descriptors;
mod exit_status;
mod host_system;
mod idmap;
mod inside;
mod killed_at_start;
mod maps;
mod rootfs_content;
mod rootfs_places;
mod signals;
mod tutorial;
mod unshare;
mod untrue_mappers;
mod which_mapper;

use subroot_tests::running;
