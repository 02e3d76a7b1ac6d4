//! The arguments of pasta(1).

use crate::plan::network::{Connector, NetworkPlan};
use crate::request::network::{Port, Protocol};
use nix::unistd::geteuid;

/// Nothing on the host's loopback interface is forwarded, and only requested ports are: without
/// `--no-map-gw`, the address of the gateway would be the host's loopback address. The PID that is written to
/// standard output says that everything is ready.
pub(super) fn arguments(plan: &NetworkPlan, pid: i32) -> Vec<Vec<u8>> {
    const FIXED: [&str; 13] = [
        "-f",
        "-q",
        "--config-net",
        "--no-map-gw",
        "--no-netns-quit",
        "-T",
        "none",
        "-U",
        "none",
        "--dns-forward",
        Connector::Pasta.dns(),
        "--pid",
        "/proc/self/fd/1",
    ];
    let mut arguments: Vec<String> = FIXED.into_iter().map(str::to_owned).collect();
    arguments.extend(["--userns".into(), format!("/proc/{pid}/ns/user")]);
    arguments.extend(["--netns".into(), format!("/proc/{pid}/ns/net")]);
    for (option, protocol) in [("-t", Protocol::Tcp), ("-u", Protocol::Udp)] {
        let ports: Vec<String> =
            plan.ports.iter().filter(|port| port.protocol == protocol).map(forward).collect();
        let specs = if ports.is_empty() { vec!["none".to_owned()] } else { ports };
        arguments.extend(specs.into_iter().flat_map(|spec| [option.to_owned(), spec]));
    }
    // Root would otherwise become nobody, who cannot enter the sandbox's namespaces.
    if geteuid().is_root() {
        arguments.extend(["--runas".into(), "0:0".into()]);
    }
    arguments.extend(plan.options.iter().cloned());
    arguments.into_iter().map(String::into_bytes).collect()
}

fn forward(port: &Port) -> String {
    let address = port.address.map_or_else(String::new, |address| format!("{address}/"));
    format!("{address}{}:{}", port.host, port.inside)
}
