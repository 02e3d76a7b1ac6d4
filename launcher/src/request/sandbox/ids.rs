//! The command's user, and the IDs that exist inside.

use crate::request::ids::{Account, UserSpec, Userns};
use crate::request::sandbox::Sandbox;
use std::path::PathBuf;

impl Sandbox {
    /// Runs the command as this user of the rootfs.
    #[must_use]
    pub fn user(mut self, user: UserSpec) -> Sandbox {
        self.process.user = Some(user);
        self
    }

    /// Sets whether the command's user, if it has no account in the root, gets one: lines in copies of
    /// /etc/passwd and /etc/group, which are mounted over the files. This is the default.
    #[must_use]
    pub fn passwd(mut self, adds_account: bool) -> Sandbox {
        self.adds_account = adds_account;
        self
    }

    /// Adds this group of the rootfs as a supplementary group.
    #[must_use]
    pub fn group_add(mut self, group: Account) -> Sandbox {
        self.process.groups.push(group);
        self
    }

    /// Keeps the caller's supplementary groups, whether or not they are mapped.
    #[must_use]
    pub fn keep_groups(mut self) -> Sandbox {
        self.process.keeps_groups = true;
        self
    }

    /// Keeps the caller's supplementary groups and maps them, which the administrator must allow.
    #[must_use]
    pub fn map_groups(mut self) -> Sandbox {
        self.process.keeps_groups = true;
        self.ids.keeps_groups = true;
        self
    }

    /// Sets which IDs are mapped, such as by [`Userns::Subids`] for a root filesystem that belongs to the granted IDs.
    #[must_use]
    pub fn userns(mut self, userns: Userns) -> Sandbox {
        self.ids.userns = userns;
        self
    }

    /// Maps IDs only with this newidmap-helper.
    #[must_use]
    pub fn helper(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.ids.helper = Some(path.into());
        self
    }
}
