//! The sandbox's network: the program that connects it, ports, DNS and host names.

use crate::request::network::Port;
use crate::request::sandbox::Sandbox;
use std::net::IpAddr;

impl Sandbox {
    /// Adds an option of the program that connects the sandbox, such as `--mtu` and then `1500` for pasta.
    /// Only options that neither write files nor open the host to the sandbox are accepted.
    #[must_use]
    pub fn network_option(mut self, option: impl Into<String>) -> Sandbox {
        self.connection.options.push(option.into());
        self
    }

    /// Forwards a port of the host to the sandbox, which must have a network of its own.
    #[must_use]
    pub fn publish(mut self, port: Port) -> Sandbox {
        self.connection.ports.push(port);
        self
    }

    /// Adds a DNS server to /etc/resolv.conf, and leaves the servers of the host out.
    #[must_use]
    pub fn dns_server(mut self, address: IpAddr) -> Sandbox {
        self.connection.dns.servers.push(address);
        self
    }

    /// Adds a domain that is searched for names, and leaves the domains of the host out.
    #[must_use]
    pub fn dns_search(mut self, domain: impl Into<String>) -> Sandbox {
        self.connection.dns.search.push(domain.into());
        self
    }

    /// Adds an option of resolv.conf(5), such as `ndots:2`, and leaves the options of the host out.
    #[must_use]
    pub fn dns_option(mut self, option: impl Into<String>) -> Sandbox {
        self.connection.dns.options.push(option.into());
        self
    }

    /// Adds a name to /etc/hosts.
    #[must_use]
    pub fn add_host(mut self, name: impl Into<String>, address: IpAddr) -> Sandbox {
        self.connection.hosts.push((name.into(), address));
        self
    }
}
