//! Why a sandbox cannot be connected with the outside.

use crate::causes::{Cause, LOW_PORT, NETWORK_PROGRAM, NO_ROUTE, TUN_CLOSED, TUN_MISSING};
use crate::diagnose::probes::setting;
use crate::error::NetworkError;
use crate::plan::id_plan;
use crate::plan::network::Connector;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The cause of an error.
pub(crate) fn refused(error: &NetworkError) -> Option<Cause> {
    match error {
        NetworkError::NotInstalled { program, package } => Some(not_installed(program, package)),
        NetworkError::Port { number, error, .. } if error.kind() == ErrorKind::PermissionDenied => {
            low_port(*number)
        }
        NetworkError::Port { .. } => None,
        NetworkError::Program { .. } => tun().or_else(no_route),
    }
}

/// The program that a sandbox would be connected with, or why none can be used.
pub(crate) fn usable() -> Result<PathBuf, Cause> {
    let programs = [Connector::Pasta, Connector::Slirp4netns];
    let found = programs.iter().find_map(|one| id_plan::program(one.names().0));
    let (program, package) = Connector::Pasta.names();
    let found = found.ok_or_else(|| not_installed(program, package))?;
    tun().or_else(no_route).map_or(Ok(found), Err)
}

fn not_installed(program: &str, package: &str) -> Cause {
    Cause::new(&NETWORK_PROGRAM, &[("program", &program), ("package", &package)])
}

/// /proc/sys/net/ipv4/ip_unprivileged_port_start: ip_sysctl of the kernel's documentation.
fn low_port(port: u16) -> Option<Cause> {
    let least: u16 = setting("/proc/sys/net/ipv4/ip_unprivileged_port_start")?.parse().ok()?;
    (port < least).then(|| Cause::new(&LOW_PORT, &[("port", &port), ("least", &least)]))
}

/// Opening the device makes no interface: that takes an ioctl.
fn tun() -> Option<Cause> {
    match open("/dev/net/tun", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()) {
        Err(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => Some(Cause::new(&TUN_MISSING, &[])),
        Err(Errno::EACCES | Errno::EPERM) => Some(Cause::new(&TUN_CLOSED, &[])),
        _ => None,
    }
}

/// The host has no default route: proc_pid_net(5).
fn no_route() -> Option<Cause> {
    let (ipv4, ipv6) =
        (setting("/proc/self/net/route")?, setting("/proc/self/net/ipv6_route").unwrap_or_default());
    let is_default4 = |line: &str| line.split_whitespace().nth(1) == Some("00000000");
    let is_default6 = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        line.starts_with("00000000000000000000000000000000 00 ")
            && fields.last().is_some_and(|name| *name != "lo")
    };
    let has_route = ipv4.lines().any(is_default4) || ipv6.lines().any(is_default6);
    (!has_route).then(|| Cause::new(&NO_ROUTE, &[]))
}
