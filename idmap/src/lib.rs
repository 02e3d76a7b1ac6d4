//! Decides which ID maps a caller may write, without any I/O.
//!
//! The mapper enforces with this crate what the launcher plans with it. It allocates nothing and has no
//! dependencies.
#![no_std]
#![forbid(unsafe_code)]

mod authorize;
mod caller;
mod config;
mod grants;
mod invalid;
mod kind;
mod lines;
mod nsswitch;
mod number;
mod passwd;
mod policy;
mod range;
mod refusal;
mod request;
mod requested;
mod subid;
mod text;
mod trust;

pub use authorize::{IdMap, authorize};
pub use caller::{Caller, MAX_NAMES};
pub use config::{CONFIG_FILE, ComputedRule, Config, Log};
pub use grants::{Granted, MAX_GRANTS, Void};
pub use invalid::Invalid;
pub use kind::{IdKind, PerKind};
pub use lines::each_line;
pub use nsswitch::{MAX_PLUGIN, NSSWITCH_FILE, plugin_of_line};
pub use number::parse_number;
pub use passwd::{ACCOUNTS_FILE, Account};
pub use policy::{BadSetting, Files, OWN_STATUS, PluginQuestion, Policy};
pub use range::{IdRange, OVERFLOW_ID, RESERVED_ID};
pub use refusal::{push_granted, push_refused};
pub use request::{Request, RequestError, TargetArg, Verb};
pub use requested::{
    BadMap, MAX_EXTENTS, MAX_TEXT, MapLine, PlannedMap, RequestedLines, RequestedMap, push_typed,
};
pub use subid::{MAX_LINE, Owner, SubidLine};
pub use text::Text;
pub use trust::distrust;
