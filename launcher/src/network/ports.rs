//! Checks before a launch that published ports can be opened on the host.

use crate::error::{Error, NetworkError};
use crate::request::network::{Port, Protocol};
use crate::sys::errno_of;
use nix::errno::Errno;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

/// Opens each port and closes it again, so that a port that cannot be opened is reported before anything is
/// created.
///
/// # Errors
/// The first port that cannot be opened.
pub(crate) fn check(ports: &[Port]) -> Result<(), Error> {
    ports.iter().try_for_each(|port| {
        open(port).map_err(|error| {
            Error::Network(NetworkError::Port { port: port.to_string(), number: port.host, error })
        })
    })
}

fn open(port: &Port) -> io::Result<()> {
    match port.address {
        Some(address) => open_on(address, port),
        None => match open_on(Ipv6Addr::UNSPECIFIED.into(), port) {
            // Without IPv6.
            Err(error) if matches!(errno_of(&error), Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => {
                open_on(Ipv4Addr::UNSPECIFIED.into(), port)
            }
            opened => opened,
        },
    }
}

fn open_on(address: IpAddr, port: &Port) -> io::Result<()> {
    let address = SocketAddr::new(address, port.host);
    match port.protocol {
        Protocol::Tcp => TcpListener::bind(address).map(drop),
        Protocol::Udp => UdpSocket::bind(address).map(drop),
    }
}
