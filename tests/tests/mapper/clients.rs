//! Clients of newuidmap and newgidmap as packaged by Debian, run with the project's programs instead of
//! shadow's.

#[macro_use]
mod checks;
mod calls;
mod client;
mod grants;
mod site;

mod buildah;
mod lxc;
mod mmdebstrap;
mod podman;
mod rootlesskit;
mod util_linux;
