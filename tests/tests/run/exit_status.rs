//! The exit status is the command's own, or identifies exactly what failed.

use std::fs;
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// Both kinds of PID 1.
const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];

#[test]
fn a_commands_own_status_comes_through() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for status in [0, 1, 7, 125, 127, 255] {
            let outcome = sandbox.output(options, &format!("echo out; echo err >&2; exit {status}"));
            let seen = (outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str());
            assert_eq!(seen, (status, "out\n", "err\n"), "{options:?}");
        }
    }
}

#[test]
fn a_command_that_kills_itself_ends_with_128_and_the_signals_number() {
    let sandbox = Sandbox::new();
    for signal in [9, 15, 11, 6, 2, 1, 34, 40, 64] {
        let outcome = sandbox.output(&[], &format!("ulimit -c 0; kill -{signal} $$; sleep 5"));
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (128 + signal, ""), "signal {signal}");
    }
}

#[test]
fn a_child_of_the_command_that_is_killed_is_the_commands_own_business() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let outcome = sandbox.output(options, "sh -c 'kill -KILL $$'; echo status $?");
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "status 137\n"), "{options:?}");
    }
}

#[test]
fn a_command_that_is_not_there_ends_with_127() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for word in ["no-such-command", "/bin/no-such-command", "bin/busybox/below-a-file"] {
            let outcome = sandbox.host.output(&mut sandbox.run(options, &[word]));
            assert_refused(&outcome, 127, &["running", word, "command not found"]);
        }
    }
}

#[test]
fn a_file_without_its_bit_ends_with_126() {
    let sandbox = Sandbox::new();
    sandbox.add("bin/plain", "#!/bin/sh\n", 0o644);
    for word in ["/bin/plain", "plain"] {
        let outcome = sandbox.host.output(&mut sandbox.run(&[], &[word]));
        assert_refused(&outcome, 126, &["running /bin/plain", "not executable"]);
    }
}

#[test]
fn a_directory_ends_with_126() {
    let sandbox = Sandbox::new();
    assert_refused(
        &sandbox.host.output(&mut sandbox.run(&[], &["/etc"])),
        126,
        &["running /etc", "Is a directory"],
    );
}

#[test]
fn a_script_whose_interpreter_is_missing_ends_with_126() {
    let sandbox = Sandbox::new();
    for (line, interpreter) in
        [("#!/opt/none", "/opt/none "), ("#! /opt/none -x", "/opt/none "), ("#!/bin/sh\r", "/bin/sh\\r ")]
    {
        sandbox.add("bin/script", format!("{line}\nexit 0\n"), 0o755);
        let outcome = sandbox.host.output(&mut sandbox.run(&[], &["script"]));
        let words = ["running /bin/script", "interpreter", interpreter, "does not exist"];
        assert_refused(&outcome, 126, &words);
    }
}

#[test]
fn a_program_whose_elf_loader_is_missing_ends_with_126() {
    let sandbox = Sandbox::new();
    let program = fs::read("/bin/true").expect("a program of the host");
    sandbox.add("bin/dynamic", program, 0o755);
    let outcome = sandbox.host.output(&mut sandbox.run(&[], &["dynamic"]));
    assert_refused(&outcome, 126, &["running /bin/dynamic", "its ELF loader /lib", "does not exist"]);
}

#[test]
fn a_file_that_is_no_program_ends_with_126() {
    let sandbox = Sandbox::new();
    for (name, content) in [("noise", "\x01\x02\x03 noise"), ("empty", ""), ("cut", "\x7fELF\x02\x01\x01")] {
        sandbox.add(&format!("bin/{name}"), content, 0o755);
        let outcome = sandbox.host.output(&mut sandbox.run(&[], &[name]));
        assert_refused(&outcome, 126, &["running", name, "Exec format error"]);
    }
}

#[test]
fn a_later_directory_of_the_path_is_searched_past_what_cannot_be_executed() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.rootfs.path.join("usr/bin")).expect("making a directory");
    sandbox.add("usr/bin/tool", "no program", 0o644);
    sandbox.add("bin/tool", "#!/bin/sh\necho right\n", 0o755);
    assert_eq!(sandbox.host.output(&mut sandbox.run(&[], &["tool"])).ok(), "right\n");
}

#[test]
fn a_workdir_that_is_not_there_ends_with_125() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.host.output(&mut sandbox.run(&["-w", "/no/where"], &["true"]));
    assert_refused(&outcome, 125, &["working directory /no/where", "No such file or directory"]);
}

#[test]
fn a_root_that_is_none_ends_with_125() {
    let sandbox = Sandbox::new();
    for (path, why) in [("/no/where", "No such file or directory"), ("/etc/passwd", "Not a directory")] {
        let outcome = sandbox.host.output(sandbox.alice.command("subroot").args(["run", path, "--", "true"]));
        assert_refused(&outcome, 125, &["opening rootfs", path, why]);
    }
}

#[test]
fn words_that_mean_nothing_end_with_125() {
    let sandbox = Sandbox::new();
    let cases: [(&[&str], &str); 5] = [
        (&["run", "--no-such-option"], "--no-such-option"),
        (&["no-such-verb"], "no-such-verb"),
        (&["run", "--as-pid-1", "--init"], "--init"),
        (&["run", "/", "--"], "reading the command: it is empty"),
        (&["run", "-e", "=value", "/"], "the name is empty"),
    ];
    for (words, named) in cases {
        let outcome = sandbox.host.output(sandbox.alice.command("subroot").args(words));
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (125, ""), "{words:?}: {outcome:?}");
        assert!(outcome.stderr.contains(named), "{words:?}: {outcome:?}");
    }
}

#[test]
fn help_and_version_end_with_0() {
    let sandbox = Sandbox::new();
    for words in
        [&["--help"][..], &["--version"], &["run", "--help"], &["unshare", "--help"], &["idmap", "--help"]]
    {
        let help = sandbox.host.output(sandbox.alice.command("subroot").args(words));
        assert!(help.stderr.is_empty() && !help.ok().is_empty(), "{words:?}");
    }
}
