//! The file format of seccomp profiles: OCI's `linux.seccomp`, and that of docker and podman, which adds
//! `archMap`, `includes` and `excludes`.
//!
//! Unknown keys are ignored, as the OCI runtime specification requires.

use serde::{Deserialize, Deserializer};

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The action for calls without a rule.
    pub default_action: String,
    /// The errno of the default action, as a number.
    pub default_errno_ret: Option<u32>,
    /// The errno of the default action, by name: podman.
    #[serde(default)]
    pub default_errno: String,
    /// The architectures that the rules cover: OCI.
    #[serde(default, deserialize_with = "or_null")]
    pub architectures: Vec<String>,
    /// The architectures by the kernel's own architecture: docker.
    #[serde(default, deserialize_with = "or_null")]
    pub arch_map: Vec<ArchitectureEntry>,
    /// SECCOMP_FILTER_FLAG_…: OCI.
    #[serde(default, deserialize_with = "or_null")]
    pub flags: Vec<String>,
    /// The rules.
    #[serde(default, deserialize_with = "or_null")]
    pub syscalls: Vec<Entry>,
}

/// An architecture, and the others whose programs its kernel can run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchitectureEntry {
    /// SCMP_ARCH_….
    pub architecture: String,
    /// The other architectures.
    #[serde(default, deserialize_with = "or_null")]
    pub sub_architectures: Vec<String>,
}

/// A rule for one or more system calls.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The calls.
    #[serde(default, deserialize_with = "or_null")]
    pub names: Vec<String>,
    /// One call, in docker's older format.
    #[serde(default)]
    pub name: String,
    /// SCMP_ACT_….
    pub action: String,
    /// The action's errno, as a number.
    pub errno_ret: Option<u32>,
    /// The action's errno, by name: podman.
    #[serde(default)]
    pub errno: String,
    /// Conditions on the arguments.
    #[serde(default, deserialize_with = "or_null")]
    pub args: Vec<Argument>,
    /// When the rule applies.
    #[serde(default, deserialize_with = "or_null")]
    pub includes: Circumstances,
    /// When the rule does not apply.
    #[serde(default, deserialize_with = "or_null")]
    pub excludes: Circumstances,
}

/// A condition on one argument.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    /// The argument's index, from 0.
    pub index: u8,
    /// The value to compare with; for SCMP_CMP_MASKED_EQ, the mask.
    pub value: u64,
    /// For SCMP_CMP_MASKED_EQ, the value to compare with.
    #[serde(default)]
    pub value_two: u64,
    /// SCMP_CMP_….
    pub op: String,
}

/// The conditions on the host that docker's rules can have.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Circumstances {
    /// Architectures, by docker's names.
    #[serde(default, deserialize_with = "or_null")]
    pub arches: Vec<String>,
    /// Capabilities of the command.
    #[serde(default, deserialize_with = "or_null")]
    pub caps: Vec<String>,
    /// The minimum kernel version, as `MAJOR.MINOR`.
    #[serde(default, deserialize_with = "or_null")]
    pub min_kernel: String,
}

/// Go encodes an empty list or struct as null.
fn or_null<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
