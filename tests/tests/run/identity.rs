//! The identity of a command: IDs, users of the rootfs, groups, capabilities, environment, limits,
//! namespaces.

mod accounts;
mod capabilities;
mod environment;
mod groups;
mod labels;
mod layouts;
mod limits;
mod names;
mod namespaces;
mod nested;
mod odd_files;
mod users;
