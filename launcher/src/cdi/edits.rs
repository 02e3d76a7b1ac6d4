//! What devices add to a sandbox.

use crate::request::environment::Environment;
use crate::request::mount::Mount;

/// Mounts, environment variables and warnings.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// Device nodes and files.
    pub(crate) mounts: Vec<Mount>,
    /// Variables to set.
    pub(crate) environment: Environment,
    /// What is not as the specification says.
    pub(crate) warnings: Vec<String>,
}

impl Edits {
    /// Adds a mount. Devices of one vendor often name the same file; a target is mounted once.
    pub(super) fn mount(&mut self, mount: Mount) {
        if self.mounts.iter().all(|known| known.target != mount.target) {
            self.mounts.push(mount);
        }
    }
}
