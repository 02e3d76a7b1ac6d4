//! What `run` mounts: binds, memory, overlays, a read-only root, and nothing that is left of it.

mod binds;
mod disk_layers;
mod hostile;
mod many;
mod memory;
mod old_kernel;
mod overlays;
mod points;
mod read_only;
mod words;
