//! Grant files and accounts may contain any bytes: a terminal or a shell must only see them as text.

use crate::grants::told;
use subroot_tests::Host;

/// Bytes that clear a terminal, forge a line, or mean more than one word to a shell.
const LINES: &[u8] = b"\x1b[2Jalice:200000:10\n\xff\xfe:200000:10\nalice:200000:10\r/etc/subuid:9: forged\n\
    $(reboot):100100:10\n;id;:100200:10\nal\xc2\x9bice:5:5:5\n\xc2\x9b31mbob:300000:10\n`id`:300020:10\n";

fn hostile() -> Host {
    let host = Host::new();
    host.write("/etc/subuid", [&b"alice:100000:65536\n"[..], LINES].concat());
    host.write("/etc/passwd", b"alice:x:1000:1000::/:/bin/sh\n\x1b]0;x\x07:x:300005:300005::/:/bin/sh\n$(id):x:1005:1005::/:/bin/sh\n");
    host
}

#[test]
fn no_control_character_is_printed() {
    let host = hostile();
    for words in [
        "lint",
        "lint --json",
        "owner 300005",
        "owner 300003",
        "owner 100105",
        "suggest 300005",
        "suggest 300005 --json",
    ] {
        let outcome = told(&host, &format!("grants {words}"));
        assert!(outcome.code() < 2 && !outcome.stdout.is_empty(), "{outcome:?}");
        let is_control = |c: char| c.is_control() && c != '\n';
        assert!(!outcome.stdout.contains(is_control), "{:?}", outcome.stdout);
    }
}

#[test]
fn no_line_is_forged() {
    let text = told(&hostile(), "grants lint").stdout;
    assert!(!text.lines().any(|line| line.starts_with("/etc/subuid:9: forged")), "{text}");
}

#[test]
fn no_name_gets_into_a_command_but_as_a_word() {
    let host = hostile();
    let text = told(&host, "grants lint").stdout + &told(&host, "grants suggest 1005").stdout;
    let commands = text
        .lines()
        .filter(|line| line.contains("    fix: ") || line.starts_with("usermod") || line.starts_with("echo"));
    let dangerous = ["$(", "`", ";id"];
    for command in commands {
        // A shell takes text in single quotes as one word.
        let outside: String = command.split('\'').step_by(2).collect();
        assert!(!dangerous.iter().any(|part| outside.contains(part)), "{command}");
    }
}
