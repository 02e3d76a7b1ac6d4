//! The arguments of slirp4netns(1).

use crate::network::api::Api;
use crate::plan::network::NetworkPlan;
use std::os::unix::ffi::OsStrExt as _;

/// It writes to standard output when it is ready, and ends when its standard input does.
pub(super) fn arguments(plan: &NetworkPlan, api: Option<&Api>, pid: i32) -> Vec<Vec<u8>> {
    let option = |name: &str| {
        let value = plan.options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let mut arguments: Vec<Vec<u8>> = ["--configure", "--disable-host-loopback", "-r", "1", "-e", "0"]
        .map(|fixed| fixed.as_bytes().to_vec())
        .into();
    let mut add = |text: String| arguments.push(text.into_bytes());
    add(format!("--mtu={}", option("mtu").unwrap_or_else(|| "65520".into())));
    if option("enable_ipv6").as_deref() != Some("false") {
        add("--enable-ipv6".into());
    }
    option("outbound_addr").into_iter().for_each(|address| add(format!("--outbound-addr={address}")));
    option("outbound_addr6").into_iter().for_each(|address| add(format!("--outbound-addr6={address}")));
    add(format!("--userns-path=/proc/{pid}/ns/user"));
    add("--netns-type=path".into());
    arguments
        .extend(api.map(|api| [b"--api-socket=".as_slice(), api.socket().as_os_str().as_bytes()].concat()));
    arguments.extend([format!("/proc/{pid}/ns/net").into_bytes(), b"tap0".to_vec()]);
    arguments
}
