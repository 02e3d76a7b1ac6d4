//! The behaviour of subroot on the real kernel, with one file for each topic.

mod bad_input;
mod bare_root;
mod cdi;
mod containment;
mod cost;
mod death;
mod debian;
mod descriptors;
mod devices;
mod exit_status;
mod first_root;
mod further_options;
mod host_system;
mod identity;
mod inside;
mod killed_at_start;
mod layouts;
mod maps;
mod mounts;
mod network;
mod own_terminal;
mod passed_descriptors;
mod rootfs_content;
mod rootfs_places;
mod seccomp;
mod signals;
mod tutorial;
mod untrue_mappers;
mod which_mapper;

use subroot_tests::running;
