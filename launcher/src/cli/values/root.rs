//! `--proc` and `--dev`.

use crate::cli::values::one_of::OneOf;
use crate::request::root::{Dev, Proc};

/// `--proc MODE`.
pub(crate) const PROC: OneOf<Proc> = OneOf(&[
    ("auto", "A new one, or the host's if the kernel refuses a new one", Proc::Auto),
    ("new", "A new one, or the launch fails", Proc::New),
    ("bind", "The host's, with the host's processes", Proc::Bind),
    ("none", "Nothing is mounted", Proc::None),
]);

/// `--dev MODE`.
pub(crate) const DEV: OneOf<Dev> = OneOf(&[
    ("new", "A private one with terminals, shm and the usual devices", Dev::New),
    ("bind", "The host's", Dev::Bind),
    ("none", "Nothing is mounted", Dev::None),
]);
