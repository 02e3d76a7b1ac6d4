//! build-sandbox: a C program, compiled twice under different circumstances.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use subroot_tests::{Host, Outcome, User, skip};

const HERMETIC: &str = include_str!("../../../../packaging/recipes/build-sandbox/hermetic");
const NO_ROOT: &str = "no Debian root: see what packaging/test says of it";

/// Contains the time of its compilation, and with -g also the directory.
const PROGRAM: &str = r#"#include <stdio.h>
int main(void) { puts("made " __DATE__ " " __TIME__); return 0; }
"#;
/// The build's output records what it sees of its environment.
const BUILD: &str = "
    cp /source/hello.c . && gcc -g -O2 -o /out/hello hello.c
    { id; umask; uname -n; pwd; env | sort; ulimit -a; cat /proc/self/mountinfo | wc -l; ls -a /build /tmp; ls /proc/self/fd; } >/out/seen
    (: </dev/tcp/127.0.0.1/9) 2>/dev/null || awk 'NR > 2 { print $1 }' /proc/net/dev >>/out/seen
    if touch /source/new 2>/dev/null; then exit 9; fi
    ls -a /var/tmp /dev/shm >>/out/seen; touch /var/tmp/left /dev/shm/left
    mkdir /out/lib; touch /out/lib/a; ln -s a /out/lib/b; chmod 2751 /out/lib";

/// alice with sources in `~/src`, and the recipe.
struct Site {
    host: Host,
    alice: User,
}

impl Site {
    fn new() -> Option<Site> {
        let (host, _rootfs) = Host::with_everyday_root()?;
        let alice = host.user("alice");
        host.make_dir("/home/alice/src", &alice);
        host.write("/home/alice/src/hello.c", PROGRAM);
        fs::set_permissions("/home/alice/src", fs::Permissions::from_mode(0o777)).expect("a mode");
        host.write("/usr/local/bin/hermetic", HERMETIC);
        fs::set_permissions("/usr/local/bin/hermetic", fs::Permissions::from_mode(0o755)).expect("a mode");
        Some(Site { host, alice })
    }

    fn build(&self, circumstances: &str, output: &str, script: &str) -> Outcome {
        let line = format!(
            "{circumstances}\nSOURCE_DATE_EPOCH=1704067200 hermetic ~/debian ~/src {output} bash -ec \"$1\""
        );
        let mut command = self.alice.command("bash");
        command.args(["-c", &line, "bash", script]);
        self.host.output(&mut command)
    }
}

#[test]
fn the_output_is_identical_for_every_user_and_directory() {
    let Some(site) = Site::new() else { skip!("{NO_ROOT}") };
    site.build("", "first", BUILD).ok();
    let circumstances = "mkdir elsewhere; cd elsewhere; umask 077; ulimit -Sn 512; export LANG=de_DE TZ=Asia/Tokyo CC=cc CFLAGS=-O0
        export PATH=$PATH:/elsewhere TMPDIR=/home/alice/elsewhere SECRET=1; exec 7</dev/null";
    site.build(circumstances, "second", BUILD).ok();
    let compare = "diff -r first elsewhere/second && cd first && find . -printf '%p %m %s\\n' >../a
        cd ../elsewhere/second && find . -printf '%p %m %s\\n' | diff ../../a - && ~/first/hello && readlink lib/b";
    let seen = site.host.output(&mut site.alice.shell(compare)).ok();
    assert_eq!(seen, "made Jan  1 2024 00:00:00\na\n");
    let result = fs::metadata("/home/alice/first/hello").expect("a result");
    assert_eq!((result.uid(), result.gid(), result.mode() & 0o7777), (1000, 1000, 0o755));
    let seen = fs::read_to_string("/home/alice/first/seen").expect("what it saw");
    for line in [
        "uid=1000 gid=100(users) groups=100(users)",
        "0022",
        "localhost",
        "/build",
        "HOME=/build",
        "TZ=UTC",
        "lo:",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "not {line:?}: {seen}");
    }
    assert!(!seen.contains("SECRET") && !seen.contains("eth0"), "{seen}");
}

#[test]
fn a_step_that_fails_leaves_no_result_and_tells_its_status() {
    let Some(site) = Site::new() else { skip!("{NO_ROOT}") };
    let outcome = site.build("", "result", "echo half >/out/half; echo log; exit 7");
    assert_eq!(
        (outcome.code(), outcome.stdout.as_str(), outcome.stderr.contains("log\n")),
        (7, "", true),
        "{outcome:?}"
    );
    let left = site.host.output(&mut site.alice.shell("ls")).ok();
    assert_eq!(left, "debian\nsrc\n");
    let outcome = site.build("", "src", "true");
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (2, "hermetic: src already exists\n"));
}
