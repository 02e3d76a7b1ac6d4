//! Addresses of hosts, by getent(1): this program is static, and the name services of nsswitch.conf(5) are libraries
//! for the host's C library.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// As many as ureq keeps.
const MOST_ADDRESSES: usize = 16;
/// The exit status of getent(1) if there is no such host.
const NOT_FOUND: i32 = 2;

/// Looks hosts up for the connections.
#[derive(Debug)]
pub(crate) struct Hosts;

impl Resolver for Hosts {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let mut found = self.empty();
        for address in addresses(host, "getent".as_ref()).map_err(ureq::Error::Io)? {
            found.push(SocketAddr::new(address, port));
        }
        if found.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(found) }
    }
}

/// The addresses of a host, in the order in which getaddrinfo(3) has them; none if there is no such host.
fn addresses(host: &str, getent: &OsStr) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![address]);
    }
    if host.starts_with('-') {
        return Ok(Vec::new());
    }
    let answer = Command::new(getent).args(["ahosts", host]).stdin(Stdio::null()).output();
    let answer = answer.map_err(|error| match error.kind() {
        ErrorKind::NotFound => io::Error::other("getent, a program of the C library, is not installed"),
        _ => error,
    })?;
    match answer.status.code() {
        Some(0) => Ok(listed(&String::from_utf8_lossy(&answer.stdout))),
        Some(NOT_FOUND) => Ok(Vec::new()),
        _ => Err(io::Error::other(format!("getent fails with {}", answer.status))),
    }
}

/// The addresses in lines of `ADDRESS TYPE [NAME]`, one for each type of socket.
fn listed(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    // Error ignored: an address with a zone, which is of one link, is not a registry's.
    for address in text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !found.contains(&address) && found.len() < MOST_ADDRESSES {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{addresses, listed};
    use std::net::IpAddr;

    fn of(host: &str, getent: &str) -> Result<Vec<IpAddr>, String> {
        addresses(host, getent.as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_needs_no_program() {
        for (host, address) in [("127.0.0.9", "127.0.0.9"), ("[::1]", "::1")] {
            assert_eq!(of(host, "/nonexistent"), Ok(vec![address.parse().unwrap()]));
        }
    }

    #[test]
    fn the_hosts_own_name_service_is_asked() {
        let found = of("localhost", "getent").unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
        assert_eq!(of("name.invalid", "getent"), Ok(Vec::new()));
        assert_eq!(of("--help", "getent"), Ok(Vec::new()));
    }

    #[test]
    fn without_an_answer_there_is_an_error() {
        assert!(of("localhost", "/nonexistent").unwrap_err().contains("not installed"));
        assert!(of("localhost", "false").unwrap_err().contains("exit status: 1"));
    }

    #[test]
    fn an_address_is_listed_once() {
        let text = "10.0.0.1  STREAM r.io\n10.0.0.1  DGRAM\n10.0.0.1  RAW\n::1 STREAM\nfe80::1%2 STREAM\n\n";
        let expected: Vec<IpAddr> = ["10.0.0.1", "::1"].map(|address| address.parse().unwrap()).into();
        assert_eq!(listed(text), expected);
    }
}
