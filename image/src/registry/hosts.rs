//! Addresses of hosts: /etc/hosts, then the servers of /etc/resolv.conf. This program is static, and the C library's
//! own lookup would load libraries of the host that may be of another version.

use crate::registry::dns;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

const HOSTS: &str = "/etc/hosts";
const SETTINGS: &str = "/etc/resolv.conf";
const MOST_SERVERS: usize = 3;
const MOST_DOMAINS: usize = 6;
const MOST_ADDRESSES: usize = 16;
const DNS: u16 = 53;

/// Looks hosts up for the connections.
#[derive(Debug)]
pub(crate) struct Hosts;

impl Resolver for Hosts {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let mut found = self.empty();
        for address in addresses(host).map_err(ureq::Error::Io)?.into_iter().take(MOST_ADDRESSES) {
            found.push(SocketAddr::new(address, port));
        }
        if found.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(found) }
    }
}

/// The addresses of a host; those of IPv4 first, which all networks have.
fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = plain.parse() {
        return Ok(vec![address]);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let listed = in_file(&read(HOSTS)?, &name);
    if !listed.is_empty() {
        return Ok(listed);
    }
    if name == "localhost" || name.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let settings = Settings::of(&read(SETTINGS)?);
    let mut failure = None;
    for name in settings.names(host) {
        match dns::query(&name, &settings.servers, settings.timeout, settings.attempts) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => return Ok(found),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(Vec::new()), Err)
}

/// A file that is missing is empty.
fn read(path: &str) -> io::Result<String> {
    match fs::read(path) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// The addresses of a name in the form of hosts(5).
fn in_file(text: &str, name: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        // Error ignored: the line is then of no host.
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    };
    let mut found: Vec<IpAddr> = text.lines().filter_map(address).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

/// What resolv.conf(5) says.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    servers: Vec<SocketAddr>,
    domains: Vec<String>,
    /// A name with fewer dots is first looked for in the domains.
    dots: usize,
    timeout: Duration,
    attempts: u32,
}

impl Settings {
    fn of(text: &str) -> Settings {
        let (mut servers, mut domains) = (Vec::new(), Vec::new());
        let (mut dots, mut timeout, mut attempts) = (1, 5, 2);
        for line in text.lines() {
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            match words.next() {
                // Error ignored: an address with a zone, which only the C library understands, is skipped.
                Some("nameserver") => {
                    servers.extend(words.next().and_then(|word| word.parse::<IpAddr>().ok()))
                }
                Some("search" | "domain") => domains = words.map(str::to_owned).collect(),
                Some("options") => {
                    for (key, value) in words.filter_map(|word| word.split_once(':')) {
                        // Error ignored: an invalid option has no effect.
                        match (key, value.parse::<u32>().ok()) {
                            ("ndots", Some(value)) => dots = value.min(15),
                            ("timeout", Some(value)) => timeout = value.clamp(1, 30),
                            ("attempts", Some(value)) => attempts = value.clamp(1, 5),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if servers.is_empty() {
            servers.push(Ipv4Addr::LOCALHOST.into());
        }
        domains.truncate(MOST_DOMAINS);
        let servers = servers.into_iter().take(MOST_SERVERS).map(|server| SocketAddr::new(server, DNS));
        let timeout = Duration::from_secs(u64::from(timeout));
        Settings { servers: servers.collect(), domains, dots: dots as usize, timeout, attempts }
    }

    /// The names to ask for, in order.
    fn names(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<String> = self.domains.iter().map(|domain| format!("{host}.{domain}")).collect();
        let has_dots = host.matches('.').count() >= self.dots;
        names.insert(if has_dots { 0 } else { names.len() }, host.to_owned());
        names
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, addresses, in_file};
    use std::time::Duration;

    #[test]
    fn the_files_are_read_as_by_the_c_library() {
        let hosts = "# none\n127.0.0.1 localhost\n::1\tr.io # x\n10.0.0.1 other R.io\nbad r.io\n";
        let found: Vec<String> = in_file(hosts, "r.io").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.1", "::1"]);
        let settings =
            Settings::of("nameserver 10.1.1.1\nsearch a.b c\noptions ndots:2 timeout:1 attempts:9 x\n");
        assert_eq!(settings.names("r.io"), ["r.io.a.b", "r.io.c", "r.io"]);
        assert_eq!(settings.names("x.r.io"), ["x.r.io", "x.r.io.a.b", "x.r.io.c"]);
        assert_eq!(settings.names("r."), ["r"]);
        assert_eq!((settings.timeout, settings.attempts), (Duration::from_secs(1), 5));
        assert_eq!(
            Settings::of("").servers,
            ["127.0.0.1:53".parse().ok()].into_iter().flatten().collect::<Vec<_>>()
        );
    }

    #[test]
    fn addresses_and_localhost_need_no_server() {
        for (host, address) in [("127.0.0.9", "127.0.0.9"), ("[::1]", "::1"), ("x.localhost", "127.0.0.1")] {
            let found = addresses(host).ok().and_then(|found| found.first().map(ToString::to_string));
            assert_eq!(found.as_deref(), Some(address), "{host}");
        }
    }
}
