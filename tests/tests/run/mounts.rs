//! The mounts of `run`: binds, memory, overlays, a read-only root, and nothing that remains of them.

mod binds;
mod disk_layers;
mod empty_root;
mod hostile;
mod made;
mod many;
mod memory;
mod old_kernel;
mod overlays;
mod points;
mod propagation;
mod read_only;
mod refusals;
mod words;
