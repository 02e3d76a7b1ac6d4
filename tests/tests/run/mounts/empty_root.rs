//! `--empty-root`: an empty root in memory, which options fill.

use subroot_tests::Outcome;
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// The host's programs, as in the bubblewrap lines that people know.
const HOSTS_USR: [&str; 5] = [
    "--volume=/usr:/usr:ro",
    "--symlink=usr/bin:/bin",
    "--symlink=usr/sbin:/sbin",
    "--symlink=usr/lib:/lib",
    "--symlink=usr/lib64:/lib64",
];

fn run(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    let words = [&["run", "--empty-root"], &HOSTS_USR[..], options, &["--", "sh", "-c", script]].concat();
    sandbox.says(&words)
}

#[test]
fn the_hosts_programs_run_in_an_empty_root() {
    let sandbox = Sandbox::new();
    let script = "pwd; ls /; stat -c '%a %U' /; readlink /bin; ls -A /home /root 2>/dev/null";
    let outcome = run(&sandbox, &["-v/etc/passwd:/etc/passwd:ro"], script);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.stdout, "/\nbin\ndev\netc\nlib\nlib64\nproc\nsbin\nsys\nusr\n755 root\nusr/bin\n");
}

#[test]
fn it_takes_writes_and_loses_them() {
    let sandbox = Sandbox::new();
    let script = "test ! -e /x && mkdir /a && echo word >/a/x && mv /a /b && cat /b/x; touch /usr/x 2>/dev/null || echo ro";
    for _ in 0..2 {
        assert_eq!(run(&sandbox, &[], script).ok(), "word\nro\n");
    }
}

#[test]
fn a_read_only_one_has_its_mount_points_and_memory() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let options = ["--read-only", "--dir=/tmp", "-v./data:/a/b", "--dir=/c"];
    let script =
        "for dir in / /a /c /usr /tmp /a/b; do touch $dir/x 2>/dev/null && echo $dir; done; stat -c %a /tmp";
    assert_eq!(run(&sandbox, &options, script).ok(), "/tmp\n/a/b\n1777\n");
}

#[test]
fn nothing_of_the_host_is_in_it() {
    let sandbox = Sandbox::new();
    let script = "ls /proc/1/root/; cat /proc/self/mountinfo | wc -l; cd / && ls ../../..; grep -c ' / / ' /proc/self/mountinfo";
    let printed = run(&sandbox, &["--symlink=../../../..:/up", "--dir=/up/made"], script);
    assert!(!printed.stdout.contains("home") && printed.stdout.ends_with("\n1\n"), "{printed:?}");
}

#[test]
fn a_user_who_is_not_root_has_an_account_and_no_other_file() {
    let sandbox = Sandbox::new();
    let script = "whoami; id -gn; ls -A /etc";
    let expected = "alice\nalice\ngroup\npasswd\n";
    assert_eq!(run(&sandbox, &["--userns=keep-id"], script).ok(), expected);
    assert_eq!(run(&sandbox, &["--userns=keep-id", "--read-only"], script).ok(), expected);
    let own = ["--userns=keep-id", "-v/etc/passwd:/etc/passwd:ro"];
    assert_eq!(run(&sandbox, &own, "whoami").ok(), "alice\n");
    let none = run(&sandbox, &["--userns=keep-id", "--passwd=false"], "ls -d /etc || whoami");
    assert!(none.code() != 0 && none.stderr.contains("1000"), "{none:?}");
    assert_ne!(run(&sandbox, &[], "ls -d /etc").code(), 0);
}

#[test]
fn a_root_beside_it_is_refused() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.says(&["run", "--empty-root", "./rootfs", "--", "true"]);
    assert_refused(&outcome, 125, &["--empty-root", "no ROOTFS", "./rootfs", "write -- before the command"]);
    assert_refused(&sandbox.says(&["run", "--empty-root", "--overlay", "--", "true"]), 125, &["--overlay"]);
    assert_eq!(sandbox.says(&["run", "--empty-root", "--", "true"]).code(), 127);
}
