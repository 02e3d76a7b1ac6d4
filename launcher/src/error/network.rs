//! Why a sandbox could not get the network that was requested.

use crate::failure::reason_of;
use std::fmt;
use std::path::PathBuf;

/// Why a sandbox could not be connected with the outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetworkError {
    /// The program that connects it is not installed.
    NotInstalled {
        /// The program.
        program: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// A published port cannot be opened on the host.
    Port {
        /// The port as `[IP:]HOST:INSIDE/PROTOCOL`.
        port: String,
        /// The number of the port on the host.
        number: u16,
        /// The kernel's reason.
        error: std::io::Error,
    },
    /// The program that connects it failed.
    Program {
        /// The program.
        program: PathBuf,
        /// What it printed, or how it ended.
        why: String,
    },
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkError::NotInstalled { program, .. } => {
                write!(f, "connecting the sandbox's network: {program} is not installed")
            }
            NetworkError::Port { port, error, .. } => {
                write!(f, "publishing port {port}: {}", reason_of(error))
            }
            NetworkError::Program { program, why } => {
                write!(f, "connecting the sandbox's network with {}: {why}", program.display())
            }
        }
    }
}

impl std::error::Error for NetworkError {}
