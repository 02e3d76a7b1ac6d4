//! The program that connects a sandbox's own network with the outside.

use crate::error::{Error, NetworkError};
use crate::plan::id_plan;
use crate::request::namespaces::Network;
use crate::request::network::{Port, Protocol, check_word};
use crate::request::sandbox::Sandbox;
use std::net::IpAddr;
use std::path::PathBuf;

/// The programs that can connect a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connector {
    /// pasta(1).
    Pasta,
    /// slirp4netns(1).
    Slirp4netns,
}

impl Connector {
    /// The program's name, and the package that has it.
    pub(crate) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Connector::Pasta => ("pasta", "passt"),
            Connector::Slirp4netns => ("slirp4netns", "slirp4netns"),
        }
    }

    /// The address inside at which it answers DNS requests with the host's servers. For pasta it is a
    /// link-local one, which no route of the host can have.
    pub(crate) const fn dns(self) -> &'static str {
        match self {
            Connector::Pasta => "169.254.1.1",
            Connector::Slirp4netns => "10.0.2.3",
        }
    }

    /// Options that are passed on, and whether each has a value. Options that write files, that open the
    /// host's loopback interface or that move the program to other namespaces are not among them.
    const fn options(self) -> &'static [(&'static str, bool)] {
        match self {
            Connector::Pasta => &[
                ("-4", false),
                ("--ipv4-only", false),
                ("-6", false),
                ("--ipv6-only", false),
                ("--no-icmp", false),
                ("--no-tcp", false),
                ("--no-udp", false),
                ("-m", true),
                ("--mtu", true),
                ("-a", true),
                ("--address", true),
                ("-n", true),
                ("--netmask", true),
                ("-g", true),
                ("--gateway", true),
                ("-i", true),
                ("--interface", true),
                ("-I", true),
                ("--ns-ifname", true),
                ("-o", true),
                ("--outbound", true),
                ("--outbound-if4", true),
                ("--outbound-if6", true),
            ],
            Connector::Slirp4netns => {
                &[("mtu", true), ("outbound_addr", true), ("outbound_addr6", true), ("enable_ipv6", true)]
            }
        }
    }

    /// Checks the options of `--network PROGRAM:OPTIONS`.
    ///
    /// # Errors
    /// An option that is not passed on, or one without its value.
    fn check(self, options: &[String]) -> Result<(), String> {
        let (program, _) = self.names();
        let known = |name: &str| self.options().iter().find(|(known, _)| *known == name);
        let mut rest = options.iter();
        while let Some(option) = rest.next() {
            let (name, value) =
                option.split_once('=').map_or((option.as_str(), None), |(name, value)| (name, Some(value)));
            let value = match known(name) {
                Some((_, true)) if self == Connector::Pasta && value.is_none() => {
                    rest.next().map(String::as_str)
                }
                Some((_, false)) if value.is_none() => continue,
                Some((_, true)) => value,
                _ => {
                    return Err(format!(
                        "{} is not an option that is passed on to {program}",
                        option.escape_debug()
                    ));
                }
            };
            // A value that looks like an option could become one.
            match value.filter(|value| !value.starts_with('-')) {
                Some(value) => check_word(value).map_err(|_| bad_value(name))?,
                None => return Err(bad_value(name)),
            }
        }
        Ok(())
    }

    /// Checks that the program forwards what is sent to this port.
    ///
    /// # Errors
    /// It would open the port, and lose what arrives at it.
    fn check_port(self, port: &Port) -> Result<(), String> {
        let is_udp = port.protocol == Protocol::Udp;
        match (self, port.address) {
            // Versions of 2023 lose it.
            (Connector::Pasta, _) if is_udp && port.host != port.inside => {
                Err(format!("{port}: not every pasta forwards UDP to another port; use the same port inside"))
            }
            (Connector::Slirp4netns, Some(IpAddr::V6(_))) => Err(format!(
                "{port}: slirp4netns publishes ports of IPv4 addresses only; use --network=pasta"
            )),
            // What comes from the loopback interface gets that interface's address inside, where it is lost.
            (Connector::Slirp4netns, address)
                if is_udp && address.is_none_or(|ip| ip.is_loopback() || ip.is_unspecified()) =>
            {
                Err(format!(
                    "{port}: slirp4netns loses UDP that the host sends to itself; use --network=pasta"
                ))
            }
            _ => Ok(()),
        }
    }
}

fn bad_value(name: &str) -> String {
    format!("{} has no valid value", name.escape_debug())
}

/// How the sandbox is connected.
pub(crate) struct NetworkPlan {
    pub(crate) connector: Connector,
    /// The program.
    pub(crate) path: PathBuf,
    pub(crate) options: Vec<String>,
    pub(crate) ports: Vec<Port>,
}

impl NetworkPlan {
    /// Finds the program. None for a sandbox that no program connects.
    ///
    /// # Errors
    /// The program is not installed, or cannot do what is requested.
    pub(crate) fn new(sandbox: &Sandbox) -> Result<Option<NetworkPlan>, Error> {
        let connectors: &[Connector] = match sandbox.namespaces.network {
            Network::Host | Network::None => return Ok(None),
            Network::Pasta => &[Connector::Pasta],
            Network::Slirp4netns => &[Connector::Slirp4netns],
            Network::Private => &[Connector::Pasta, Connector::Slirp4netns],
        };
        let connection = &sandbox.connection;
        if let [only] = connectors {
            let refuse = |why| Error::Usage { what: "--network", why };
            only.check(&connection.options).map_err(refuse)?;
        }
        let found = connectors.iter().find_map(|one| Some((*one, id_plan::program(one.names().0)?)));
        let Some((connector, path)) = found else {
            let (program, package) = connectors.first().copied().unwrap_or(Connector::Pasta).names();
            return Err(Error::Network(NetworkError::NotInstalled { program, package }));
        };
        let refuse = |why| Error::Usage { what: "--publish", why };
        connection.ports.iter().try_for_each(|port| connector.check_port(port)).map_err(refuse)?;
        let (options, ports) = (connection.options.clone(), connection.ports.clone());
        Ok(Some(NetworkPlan { connector, path, options, ports }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::plan::network::Connector;
    use crate::request::network::{Port, Protocol};

    fn check(connector: Connector, options: &[&str]) -> Result<(), String> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        connector.check(&options)
    }

    #[test]
    fn options_of_a_network_are_passed_on() {
        check(Connector::Pasta, &["--mtu", "1500", "-4", "--address=10.0.0.2"]).unwrap();
        check(Connector::Slirp4netns, &["mtu=1500", "enable_ipv6=false"]).unwrap();
    }

    #[test]
    fn options_that_open_the_host_or_write_files_are_refused() {
        let hostile: [&[&str]; 12] = [
            &["--pid", "/tmp/x"],
            &["-P", "/tmp/x"],
            &["--log-file=/tmp/x"],
            &["--pcap", "x"],
            &["--map-gw"],
            &["-T", "22"],
            &["--mtu"],
            &["--mtu", "-T"],
            &["--mtu", "1 -T"],
            &["--mtu", "1\n"],
            &["-4=x"],
            &[""],
        ];
        hostile.iter().for_each(|options| drop(check(Connector::Pasta, options).unwrap_err()));
        let hostile: [&[&str]; 4] =
            [&["allow_host_loopback=true"], &["mtu"], &["mtu=-x"], &["port_handler=rootlesskit"]];
        hostile.iter().for_each(|options| drop(check(Connector::Slirp4netns, options).unwrap_err()));
    }

    #[test]
    fn ports_at_which_a_program_loses_what_arrives_are_refused() {
        use Connector::{Pasta, Slirp4netns};
        let port = |address: &str, inside, protocol| Port {
            address: address.parse().ok(),
            protocol,
            ..Port::new(5300, inside)
        };
        let check = |program: Connector, port: Port| program.check_port(&port);
        for address in ["", "127.0.0.1", "192.0.2.1", "::1"] {
            check(Pasta, port(address, 80, Protocol::Tcp)).unwrap();
            check(Pasta, port(address, 5300, Protocol::Udp)).unwrap();
            check(Pasta, port(address, 53, Protocol::Udp)).unwrap_err();
        }
        for address in ["", "127.0.0.1", "192.0.2.1"] {
            check(Slirp4netns, port(address, 80, Protocol::Tcp)).unwrap();
        }
        check(Slirp4netns, port("192.0.2.1", 53, Protocol::Udp)).unwrap();
        for address in ["", "0.0.0.0", "127.0.0.1", "127.8.0.1"] {
            check(Slirp4netns, port(address, 5300, Protocol::Udp)).unwrap_err();
        }
        check(Slirp4netns, port("2001:db8::1", 80, Protocol::Tcp)).unwrap_err();
    }
}
