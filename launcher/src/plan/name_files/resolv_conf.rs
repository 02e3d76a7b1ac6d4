//! The content of /etc/resolv.conf for a sandbox whose names are not resolved as the host's are.

use crate::plan::network::Connector;
use crate::request::network::Dns;
use std::net::IpAddr;

/// The file: what was requested, and the host's lines for the rest. Servers that cannot be reached from
/// inside, such as 127.0.0.53 of systemd-resolved, are left out. If none is left, the program that connects
/// the sandbox forwards requests to the host's.
pub(super) fn text(dns: &Dns, host: &str, connector: Option<Connector>) -> String {
    let mut text = String::new();
    let of_host = |keyword: &'static str| {
        let fields = host.lines().filter_map(move |line| line.trim().strip_prefix(keyword));
        fields.filter(|rest| rest.starts_with([' ', '\t'])).map(str::trim)
    };
    match dns.search.as_slice() {
        [] => of_host("search").for_each(|domains| line(&mut text, "search", domains)),
        // A single dot has no domain searched, as for podman.
        [only] if only == "." => {}
        domains => line(&mut text, "search", &domains.join(" ")),
    }
    let is_reachable = |server: &IpAddr| connector.is_none() || !server.is_loopback();
    let known = of_host("nameserver").filter_map(|server| server.parse::<IpAddr>().ok());
    let servers: Vec<IpAddr> = match dns.servers.as_slice() {
        [] => known.filter(is_reachable).collect(),
        servers => servers.to_vec(),
    };
    servers.iter().for_each(|server| line(&mut text, "nameserver", &server.to_string()));
    if let (true, Some(connector)) = (servers.is_empty(), connector) {
        line(&mut text, "nameserver", connector.dns());
    }
    match dns.options.as_slice() {
        [] => of_host("options").for_each(|options| line(&mut text, "options", options)),
        options => line(&mut text, "options", &options.join(" ")),
    }
    text
}

fn line(text: &mut String, keyword: &str, value: &str) {
    text.extend([keyword, " ", value, "\n"]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::plan::name_files::resolv_conf::text;
    use crate::plan::network::Connector;
    use crate::request::network::Dns;

    const HOST: &str =
        "# made by hand\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\noptions edns0\nsearch a.test\n";

    #[test]
    fn servers_on_the_hosts_loopback_are_replaced() {
        let seen = text(&Dns::default(), HOST, Some(Connector::Slirp4netns));
        assert_eq!(seen, "search a.test\nnameserver 10.0.2.3\noptions edns0\n");
        let seen = text(&Dns::default(), "nameserver ::1\nnameserver 192.0.2.9\n", Some(Connector::Pasta));
        assert_eq!(seen, "nameserver 192.0.2.9\n");
        let seen = text(&Dns::default(), "", Some(Connector::Pasta));
        assert_eq!(seen, "nameserver 169.254.1.1\n");
    }

    #[test]
    fn what_was_requested_replaces_the_hosts() {
        let dns = Dns {
            servers: vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            search: vec!["b.test".into(), "c.test".into()],
            options: vec!["ndots:2".into()],
        };
        let expected =
            "search b.test c.test\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions ndots:2\n";
        assert_eq!(text(&dns, HOST, Some(Connector::Pasta)), expected);
        let dns = Dns { search: vec![".".into()], ..Dns::default() };
        assert_eq!(text(&dns, HOST, None), "nameserver 127.0.0.53\noptions edns0\n");
    }
}
