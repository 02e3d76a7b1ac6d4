//! Nothing on the host can be reached from inside, at any moment of `run` and `exec` (properties L2 and L3).

mod facts;
mod faults;
mod hostile_root;
mod lookups;
mod options;
mod own_program;
mod streams;
