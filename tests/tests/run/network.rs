//! Networks of a sandbox's own, connected by the real pasta and slirp4netns: what is reached through them, what
//! is not, and what happens if they fail.

mod failures;
mod isolation;
mod killed_launcher;
mod names;
mod outside;
mod ports;
