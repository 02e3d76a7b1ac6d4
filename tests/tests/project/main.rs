//! What the project promises on paper: its documents, and what the privileged programs are made of. Needs the workspace, and no host.

mod documents;
mod privileged_program;
mod structure;
