//! The identity of a command: IDs, users of the rootfs, groups, capabilities, environment, limits,
//! namespaces.

mod capabilities;
mod environment;
mod groups;
mod layouts;
mod limits;
mod namespaces;
mod nested;
mod users;
