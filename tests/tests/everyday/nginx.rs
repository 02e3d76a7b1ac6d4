//! nginx: workers of another user, a page for clients inside and outside.

use crate::job::{Debian, NO_ROOT, free_port};
use crate::running::Running;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use subroot_tests::skip;

#[test]
fn a_web_server_gives_a_page_to_clients_inside_and_outside() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    debian.install("nginx");
    let port = free_port();
    let script = format!(
        "echo 'a page' >/var/www/html/page
        cat >/etc/nginx/sites-enabled/default <<END
            server {{ listen 127.0.0.1:{port}; root /var/www/html; }}
END
        nginx -t -q
        nginx
        echo ready
        curl -s http://127.0.0.1:{port}/page
        curl -s -o /dev/null -w '%{{http_code}}\\n' http://127.0.0.1:{port}/none
        ps -o user= -C nginx | sort -u
        read -r wait
        nginx -s quit
        while pgrep nginx >/dev/null; do sleep 0.1; done
        stat -c %U /var/log/nginx/access.log; wc -l </var/log/nginx/access.log; cat /var/log/nginx/error.log"
    );
    let mut running = Running::new(debian.script(&script).stdin(Stdio::piped()));
    let inside: Vec<String> = (0..4).map(|_| running.line()).collect();
    assert_eq!(inside, ["a page", "404", "root", "www-data"]);
    let page = fetched(port, "/page");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\na page\n"), "{page}");
    running.input().write_all(b"\n").expect("telling the script to go on");
    let outcome = running.end();
    assert!(outcome.stdout.starts_with("www-data\n3\n"), "{outcome:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is still in use");
}

fn fetched(port: u16, path: &str) -> String {
    let mut server = TcpStream::connect(("127.0.0.1", port)).expect("connecting from outside");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    server.write_all(request.as_bytes()).expect("asking");
    let mut answer = String::new();
    server.read_to_string(&mut answer).expect("reading the answer");
    answer
}
