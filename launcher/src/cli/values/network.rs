//! `--publish`, `--dns` and `--add-host`.

use crate::request::network::{Port, Protocol};
use std::net::{IpAddr, Ipv6Addr};

/// `--publish [IP:]HOST:INSIDE[/tcp|udp]`, where both ports can be ranges.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn ports(value: &str) -> Result<Vec<Port>, String> {
    let (ports, protocol) = match value.rsplit_once('/') {
        None => (value, Protocol::Tcp),
        Some((ports, "tcp")) => (ports, Protocol::Tcp),
        Some((ports, "udp")) => (ports, Protocol::Udp),
        Some((_, other)) => return Err(format!("protocol {} is not one of tcp, udp", other.escape_debug())),
    };
    let (rest, inside) = ports.rsplit_once(':').ok_or_else(|| without_host(value))?;
    let (address, host) = match rest.rsplit_once(':') {
        Some((address, host)) => (Some(address), host),
        None => (None, rest),
    };
    if host.is_empty() {
        return Err(without_host(value));
    }
    let address = address.filter(|address| !address.is_empty()).map(self::address).transpose()?;
    let ((first, last), (inside, last_inside)) = (range(host)?, range(inside)?);
    if last - first != last_inside - inside {
        return Err(format!("the ranges of {} differ in length", value.escape_debug()));
    }
    let port = |at: u16| Port { address, host: first + at, inside: inside + at, protocol };
    Ok((0..=last - first).map(port).collect())
}

/// docker and podman choose a free port of the host.
fn without_host(value: &str) -> String {
    format!("{} does not name a port of the host: HOST:INSIDE, such as 8080:80", value.escape_debug())
}

/// An address; one of IPv6 can be in brackets.
fn address(text: &str) -> Result<IpAddr, String> {
    let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let parsed = match in_brackets {
        Some(text) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    };
    parsed.ok_or_else(|| format!("invalid address {}", text.escape_debug()))
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| {
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|port| is_decimal && *port > 0)
    };
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("invalid port {}", text.escape_debug())),
    }
}

/// `--dns IP`.
///
/// # Errors
/// A value is not an address.
pub(crate) fn addresses(values: &[String]) -> Result<Vec<IpAddr>, String> {
    values.iter().map(|value| address(value)).collect()
}

/// `--add-host NAME[;NAME…]:IP`, with docker's `=` as another separator.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn hosts(value: &str) -> Result<Vec<(String, IpAddr)>, String> {
    let invalid = || format!("{} is not NAME:IP", value.escape_debug());
    let (names, text) = value.split_once([':', '=']).ok_or_else(invalid)?;
    if text == "host-gateway" {
        let why = "a sandbox cannot reach the host by its network; give an address of the host";
        return Err(format!("{}: {why}", value.escape_debug()));
    }
    let address = address(text)?;
    let names: Vec<_> = names.split(';').map(|name| (name.to_owned(), address)).collect();
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::cli::values::network::{hosts, ports};

    fn shown(value: &str) -> String {
        ports(value).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ports_are_read_as_podman_reads_them() {
        assert_eq!(shown("8080:80"), "8080:80/tcp");
        assert_eq!(shown("127.0.0.1:53:5353/udp"), "127.0.0.1:53:5353/udp");
        assert_eq!(shown("[::1]:8080:80/tcp"), "[::1]:8080:80/tcp");
        assert_eq!(shown("8000-8002:9000-9002"), "8000:9000/tcp 8001:9001/tcp 8002:9002/tcp");
        assert_eq!(shown("1-65535:1-65535").split(' ').count(), 65_535);
    }

    #[test]
    fn other_ports_are_refused() {
        let values = [
            "80",
            ":80",
            "127.0.0.1::80",
            "80:",
            "0:80",
            "80:0",
            "65536:80",
            "+80:80",
            "8000-8001:80",
            "9-8:9-8",
            "80:80/sctp",
            "80:80/",
            "host:80:80",
            "[127.0.0.1]:80:80",
            "::1]:80:80",
            "80:80,~1",
            "80:80\n",
        ];
        values.iter().for_each(|value| drop(ports(value).unwrap_err()));
    }

    #[test]
    fn names_have_addresses() {
        assert_eq!(hosts("db:192.0.2.1").unwrap(), [("db".to_owned(), "192.0.2.1".parse().unwrap())]);
        assert_eq!(hosts("a;b:2001:db8::1").unwrap().len(), 2);
        assert_eq!(hosts("a=::1").unwrap()[0].1, "::1".parse::<std::net::IpAddr>().unwrap());
        assert!(hosts("a:host-gateway").unwrap_err().contains("cannot reach the host"));
        ["a", "a:b", ""].iter().for_each(|value| drop(hosts(value).unwrap_err()));
    }
}
