//! What a sandbox with a network of its own needs: published ports, DNS and host names.

use std::fmt;
use std::net::IpAddr;

/// The transport protocol of a published port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

/// One port of the host that is forwarded to a port of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The host's address; all of its addresses if there is none.
    pub address: Option<IpAddr>,
    /// The port on the host.
    pub host: u16,
    /// The port inside.
    pub inside: u16,
    /// The protocol.
    pub protocol: Protocol,
}

impl Port {
    /// Forwards this TCP port of all addresses of the host to a port of the sandbox.
    pub fn new(host: u16, inside: u16) -> Port {
        Port { address: None, host, inside, protocol: Protocol::Tcp }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:")?,
            Some(address) => write!(f, "{address}:")?,
            None => {}
        }
        write!(f, "{}:{}/{}", self.host, self.inside, self.protocol.name())
    }
}

/// How names are resolved, and what is published.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Options of the program that connects the sandbox.
    pub(crate) options: Vec<String>,
    pub(crate) ports: Vec<Port>,
    pub(crate) dns: Dns,
    /// Names and their addresses for /etc/hosts.
    pub(crate) hosts: Vec<(String, IpAddr)>,
}

/// The requested content of /etc/resolv.conf.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dns {
    pub(crate) servers: Vec<IpAddr>,
    pub(crate) search: Vec<String>,
    pub(crate) options: Vec<String>,
}

impl Dns {
    /// True if nothing was requested.
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.search.is_empty() && self.options.is_empty()
    }
}

/// Checks one word of a line of /etc/hosts or /etc/resolv.conf.
///
/// # Errors
/// It is empty, or has blanks, control characters or the start of a comment.
pub(crate) fn check_word(word: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '#' | ';');
    match !word.is_empty() && word.chars().all(is_plain) {
        true => Ok(()),
        false => Err(format!("invalid name {}", word.escape_debug())),
    }
}
