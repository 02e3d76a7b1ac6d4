//! The mapper's name services: who the caller is where no local file says so, and what a `subid:` plugin grants to him.
//!
//! Everything that is not part of this program, an NSS module or a plugin, runs in a child that has given up every capability
//! and has nothing open but the pipe that its answer comes through. The answer is read as what a stranger has written.

mod answer;
mod child;
mod foreign;
mod services;

pub use answer::{Trouble, decode, encode};
pub use services::NameServices;
