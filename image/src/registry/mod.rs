//! The client of registries: the pull half of OCI's distribution specification, with the caller's own IDs. It
//! parses only answers of HTTP and small documents; archives are read by the process that unpacks.
//!
//! Every answer is hostile. Credentials are sent only to the registry's own scheme, host and port, and to the token
//! server that it names (CVE-2020-15157). A connection without encryption, or with an unknown certificate, needs
//! `--tls-verify=false`.

mod access;
mod address;
pub(crate) mod auth_file;
pub(crate) mod blob;
mod challenge;
pub(crate) mod client;
pub(crate) mod credentials;
pub(crate) mod helper;
mod hosts;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod mirrors;
pub(crate) mod refusal;
mod user_files;
