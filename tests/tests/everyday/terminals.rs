//! Terminals that programs create for others: script, su, programs like ssh and Python, with the usual owner
//! and group.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

#[test]
fn programs_get_terminals_of_their_own() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"useradd worker
        script --quiet --return --command 'tty; stat -c %U:%G:%a $(tty); stty cols 90 rows 20; stty size' /dev/null </dev/null
        script --quiet --return --command 'exit 4' /dev/null </dev/null || echo status $?
        su --pty worker -c 'tty; id -un; echo to the terminal >/dev/tty' </dev/null
        su worker -c 'script --quiet --return --command "tty; stat -c %U:%G:%a \$(tty)" /dev/null' </dev/null
        python3 -c '
import os, pty
def read(terminal):
    return os.read(terminal, 1024)
status = pty.spawn(["sh", "-c", "trap \"echo interrupted; exit 3\" INT; kill -INT $$"], read)
print(os.waitstatus_to_exitcode(status))' </dev/null
        ls /dev/pts"#,
    );
    let expected = "/dev/pts/0\nroot:tty:620\n20 90\nstatus 4\n/dev/pts/0\nworker\nto the terminal\n\
        /dev/pts/0\nworker:tty:620\ninterrupted\n3\nptmx\n";
    assert_eq!(seen.replace('\r', ""), expected);
}
