//! The harness: a world of its own for each test, on the real kernel, as real root or inside a user namespace.

mod accounts;
pub mod budget;
mod examples;
mod host;
mod ids;
mod kit;
mod libraries;
mod logger;
mod mapper;
mod outcome;
mod processes;
mod rootfs;
pub mod running;
mod shared_root;
mod skip;
mod start;
mod target;
mod terminal;
pub mod traced;
mod user;
mod world;

pub use examples::{Example, Expectation};
pub use host::Host;
pub use ids::{Kind, own_namespace_has};
pub use kit::{DROP_INS, VARIANTS, archive, is_nested, release_program, workspace};
pub use logger::Logger;
pub use mapper::{Install, MAPPER};
pub use outcome::{Outcome, Started};
pub use processes::{children, processes_with_word, status_line};
pub use rootfs::{Rootfs, SubordinateIds};
pub use skip::skipped;
pub use start::{Step, as_root_first, start_with};
pub use target::{Maps, Target};
pub use terminal::Terminal;
pub use user::User;
