//! The test harness: a separate host for each test, on the real kernel, as the real root or inside a user
//! namespace.

mod accounts;
pub mod budget;
mod examples;
pub mod faults;
mod host;
mod ids;
mod kernel;
mod kit;
mod libraries;
mod logger;
mod mapper;
mod outcome;
mod podman;
mod processes;
mod rootfs;
pub mod running;
pub mod sandbox;
pub mod schema;
mod shared_root;
mod skip;
mod sources;
mod start;
mod target;
mod terminal;
pub mod traced;
mod turns;
mod user;
mod world;

pub use examples::{Example, Expectation};
pub use host::Host;
pub use ids::{Kind, own_namespace_has};
pub use kernel::kernel_is;
pub use kit::{DROP_INS, VARIANTS, archive, is_nested, is_quick_build, release_program, workspace};
pub use logger::Logger;
pub use mapper::{Install, MAPPER};
pub use outcome::{Outcome, Started};
pub use podman::end_pause_process;
pub use processes::{children, processes_with_word, status_line};
pub use rootfs::{Rootfs, SubordinateIds};
pub use skip::skipped;
pub use start::{Step, as_root_first, start_with};
pub use target::{Maps, Target};
pub use terminal::Terminal;
pub use user::User;
