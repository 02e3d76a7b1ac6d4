//! A seccomp profile as it is written: OCI's `linux.seccomp`, and docker's and podman's file format, which is OCI's with
//! `archMap`, `includes` and `excludes`.
//!
//! Unknown keys are passed over, as the OCI runtime specification wants it.

use serde::{Deserialize, Deserializer};

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// What becomes of calls without a rule.
    pub default_action: String,
    /// The errno of that, as a number.
    pub default_errno_ret: Option<u32>,
    /// The errno of that, by its name: podman.
    #[serde(default)]
    pub default_errno: String,
    /// The architectures that the rules are for: OCI.
    #[serde(default, deserialize_with = "or_null")]
    pub architectures: Vec<String>,
    /// The same by the kernel's own architecture: docker.
    #[serde(default, deserialize_with = "or_null")]
    pub arch_map: Vec<ArchitectureEntry>,
    /// SECCOMP_FILTER_FLAG_…: OCI.
    #[serde(default, deserialize_with = "or_null")]
    pub flags: Vec<String>,
    /// The rules.
    #[serde(default, deserialize_with = "or_null")]
    pub syscalls: Vec<Entry>,
}

/// An architecture, and those whose programs its kernel runs too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchitectureEntry {
    /// SCMP_ARCH_….
    pub architecture: String,
    /// Further ones.
    #[serde(default, deserialize_with = "or_null")]
    pub sub_architectures: Vec<String>,
}

/// One rule for some system calls.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The calls.
    #[serde(default, deserialize_with = "or_null")]
    pub names: Vec<String>,
    /// One call: docker's older form.
    #[serde(default)]
    pub name: String,
    /// SCMP_ACT_….
    pub action: String,
    /// Its errno, as a number.
    pub errno_ret: Option<u32>,
    /// Its errno, by its name: podman.
    #[serde(default)]
    pub errno: String,
    /// Conditions on the arguments.
    #[serde(default, deserialize_with = "or_null")]
    pub args: Vec<Argument>,
    /// Where the rule counts.
    #[serde(default, deserialize_with = "or_null")]
    pub includes: Circumstances,
    /// Where it does not.
    #[serde(default, deserialize_with = "or_null")]
    pub excludes: Circumstances,
}

/// A condition on one argument.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    /// Which, from 0.
    pub index: u8,
    /// What it is compared with; for SCMP_CMP_MASKED_EQ the mask.
    pub value: u64,
    /// For SCMP_CMP_MASKED_EQ: what it is compared with.
    #[serde(default)]
    pub value_two: u64,
    /// SCMP_CMP_….
    pub op: String,
}

/// What a rule of docker's can depend on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Circumstances {
    /// Architectures, by docker's names.
    #[serde(default, deserialize_with = "or_null")]
    pub arches: Vec<String>,
    /// Capabilities that the command has.
    #[serde(default, deserialize_with = "or_null")]
    pub caps: Vec<String>,
    /// The oldest kernel, as `MAJOR.MINOR`.
    #[serde(default, deserialize_with = "or_null")]
    pub min_kernel: String,
}

/// Go writes an empty list or struct as null.
fn or_null<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
