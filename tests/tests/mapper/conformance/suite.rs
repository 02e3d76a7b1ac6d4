//! Which newuidmap and newgidmap a case runs on: both suites, unless SUBROOT_CONFORMANCE names one.

use std::env;
use subroot_tests::{Host, Install};

/// Restricts a run to one suite: `ours` or `shadow`.
const CHOICE: &str = "SUBROOT_CONFORMANCE";

/// The suite whose programs are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    Ours,
    Shadows,
}

impl Suite {
    /// The suites of this run.
    pub(crate) fn chosen() -> Vec<Suite> {
        match env::var(CHOICE).as_deref() {
            Err(_) | Ok("") => vec![Suite::Ours, Suite::Shadows],
            Ok("ours") => vec![Suite::Ours],
            Ok("shadow") => vec![Suite::Shadows],
            Ok(other) => panic!("{CHOICE} is ours or shadow, not {other}"),
        }
    }

    /// A new host with these programs, setuid root, and no others with their names.
    pub(crate) fn host(self) -> Host {
        let host = Host::new();
        if self == Suite::Ours {
            host.install_drop_ins(Install::SetuidRoot);
        }
        host
    }
}
