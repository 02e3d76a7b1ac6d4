//! Who runs a command, and which IDs exist inside.

use crate::request::ids::{Account, UserSpec, Userns};
use crate::request::sandbox::Sandbox;
use std::path::PathBuf;

impl Sandbox {
    /// Runs as this user of the rootfs.
    #[must_use]
    pub fn user(mut self, user: UserSpec) -> Sandbox {
        self.process.user = Some(user);
        self
    }

    /// Runs with this group of the rootfs as a supplementary one.
    #[must_use]
    pub fn group_add(mut self, group: Account) -> Sandbox {
        self.process.groups.push(group);
        self
    }

    /// Runs with the caller's own supplementary groups, whether or not they are mapped.
    #[must_use]
    pub fn keep_groups(mut self) -> Sandbox {
        self.process.keeps_groups = true;
        self
    }

    /// Maps the caller's own supplementary groups, where the administrator allows that, and runs with them.
    #[must_use]
    pub fn map_groups(mut self) -> Sandbox {
        self.process.keeps_groups = true;
        self.ids.keeps_groups = true;
        self
    }

    /// Maps IDs in this way, such as by [`Userns::Subids`] for a root filesystem that belongs to the granted IDs.
    #[must_use]
    pub fn userns(mut self, userns: Userns) -> Sandbox {
        self.ids.userns = userns;
        self
    }

    /// Uses this newidmap-helper, and no other way to map IDs.
    #[must_use]
    pub fn helper(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.ids.helper = Some(path.into());
        self
    }
}
