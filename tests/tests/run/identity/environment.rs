//! `--env`, `--env-file`, `--env-host`, and the working directory.

use subroot_tests::sandbox::{Sandbox, assert_refused};

#[test]
fn the_environment_is_small_and_known() {
    let sandbox = Sandbox::new();
    let seen = sandbox.prints(&[], "env | grep -vE '^(PWD|SHLVL|_)=' | sort");
    let expected = "HOME=/root\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTERM=xterm\ncontainer=subroot\ndebian_chroot=rootfs\n";
    assert_eq!(seen, expected);
}

#[test]
fn variables_are_set_passed_on_and_read() {
    let sandbox = Sandbox::new();
    let file = "# comment\n\nFROM_FILE=one two \n  INDENTED=x\nCOLOUR\nTERM=vt100\r\n";
    std::fs::write("/home/alice/vars", file).expect("writing a file");
    let mut command = sandbox.shell(
        &[
            "--env-file",
            "/home/alice/vars",
            "-e",
            "A=1",
            "-e",
            "A=2",
            "-e",
            "EMPTY=",
            "-e",
            "MISSING",
            "-e",
            "LC_*",
            "-e",
            "FROM_FILE=three",
        ],
        "echo $A,$EMPTY,$COLOUR,$LC_ONE,$LC_TWO,$FROM_FILE,$INDENTED,$TERM,${MISSING-unset}",
    );
    command.env("COLOUR", "red").env("LC_ONE", "1").env("LC_TWO", "2");
    assert_eq!(sandbox.host.output(&mut command).ok(), "2,,red,1,2,three,x,vt100,unset\n");
    let mut command = sandbox.shell(&["--env-host", "-e", "B=2"], "echo $SECRET$B$container");
    assert_eq!(sandbox.host.output(command.env("SECRET", "s").env("container", "x")).ok(), "s2subroot\n");
}

#[test]
fn wrong_words_are_named() {
    let sandbox = Sandbox::new();
    assert_refused(&sandbox.output(&["-e", "=x"], "true"), 125, &["--env", "the name is empty"]);
    assert_refused(
        &sandbox.output(&["--env-file", "/nothere"], "true"),
        125,
        &["--env-file: /nothere: No such file or directory"],
    );
    let outcome = sandbox.output(&["--env-file", "/nothere"], "true");
    assert!(!outcome.stderr.contains("os error"), "{outcome:?}");
    let outcome = sandbox.output(&["--security-opt", "seccomp=/nothere"], "true");
    assert!(outcome.stderr.ends_with("/nothere: No such file or directory\n"), "{outcome:?}");
    for (line, why) in [
        ("export A=1", "line 2: the name export A contains a blank; write A=VALUE without export"),
        ("export A", "line 2: the name export A contains a blank; write A=VALUE without export"),
        ("A =1", "line 2: the name A  contains a blank; write NAME=VALUE: no shell"),
    ] {
        std::fs::write("/home/alice/vars", format!("B=a b\n{line}\n")).expect("writing a file");
        assert_refused(&sandbox.output(&["--env-file", "/home/alice/vars"], "true"), 125, &[why]);
    }
    std::fs::write("/home/alice/vars", "A=1\n=2\n").expect("writing a file");
    assert_refused(
        &sandbox.output(&["--env-file", "/home/alice/vars"], "true"),
        125,
        &["/home/alice/vars, line 2"],
    );
}

#[test]
fn commands_are_looked_for_along_the_new_path() {
    let sandbox = Sandbox::new();
    sandbox.add("home/tool", "#!/bin/sh\necho tool\n", 0o755);
    let run = |options: &[&str]| sandbox.host.output(&mut sandbox.run(options, &["tool"]));
    assert_eq!(run(&["-e", "PATH=/bin:/home"]).ok(), "tool\n");
    assert_refused(&run(&[]), 127, &["tool: command not found"]);
}

#[test]
fn the_working_directory_is_entered_or_named() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.prints(&["-w", "/usr"], "pwd"), "/usr\n");
    for (dir, why) in [("/nothere", "No such file"), ("/etc/group", "Not a directory")] {
        assert_refused(&sandbox.output(&["-w", dir], "touch /mark"), 125, &[dir, why]);
    }
    assert!(!sandbox.has_mark());
}
