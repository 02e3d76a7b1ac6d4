//! The launcher's own process, from the clone to the command's exit status.

pub(crate) mod channel;
pub(crate) mod detached;
pub(crate) mod exit_status;
pub(crate) mod explain;
pub(crate) mod join;
pub(crate) mod launch;
pub(crate) mod layers;
pub(crate) mod live;
pub(crate) mod mapper;
pub(crate) mod reach;
pub(crate) mod registry;
pub(crate) mod relay;
pub(crate) mod running;
pub(crate) mod status_stream;
pub(crate) mod terminal;
pub mod trees;
pub(crate) mod trial;
pub(crate) mod watcher;
