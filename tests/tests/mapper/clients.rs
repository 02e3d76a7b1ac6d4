//! Clients of newuidmap and newgidmap as Debian ships them, on ours in the place of shadow's.

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
