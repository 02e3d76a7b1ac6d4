//! `--ulimit`, `--umask` and `--oom-score-adj`.

use subroot_tests::sandbox::{Sandbox, assert_refused};

#[test]
fn limits_are_the_commands() {
    let sandbox = Sandbox::new();
    let options =
        ["--ulimit", "nofile=64:128", "--ulimit", "core=0", "--umask", "027", "--oom-score-adj", "500"];
    let script = "ulimit -Sn; ulimit -Hn; ulimit -c; umask; cat /proc/self/oom_score_adj";
    assert_eq!(sandbox.prints(&options, script), "64\n128\n0\n0027\n500\n");
}

#[test]
fn wrong_words_and_limits_above_the_callers_are_named() {
    let sandbox = Sandbox::new();
    for (options, said) in [
        (["--ulimit", "files=1"], "unknown limit files"),
        (["--ulimit", "nofile=2:1"], "soft limit exceeds"),
        (["--ulimit", "nofile=9999999:99999999"], "exceeds your hard limit, which is "),
        (["--umask", "9"], "not an octal mode"),
        (["--oom-score-adj", "5000"], "--oom-score-adj"),
    ] {
        assert_refused(&sandbox.output(&options, "touch /mark"), 125, &[said]);
    }
    assert!(!sandbox.has_mark());
}

#[test]
fn few_descriptors_for_the_command_are_enough_for_the_launch() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.prints(&["--ulimit", "nofile=4"], "echo started"), "started\n");
}
