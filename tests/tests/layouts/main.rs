//! Layouts that hosts and containers have: where their files are, which IDs exist, what may be written and executed.

#[path = "../launcher/sandbox.rs"]
#[allow(dead_code)] // other tests use the rest
mod sandbox;

mod refusals;

use sandbox::Sandbox;

/// Writes both grant files.
fn grant(sandbox: &Sandbox, lines: &str) {
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.host.write(file, lines);
    }
}
