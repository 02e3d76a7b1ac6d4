//! The project's promises in its documents, and the composition of the privileged programs. Needs the
//! workspace, but no host.

mod documents;
mod privileged_program;
mod structure;
