//! The launcher's own program file cannot be changed from inside (CVE-2019-5736), even if the caller owns it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;
use subroot_tests::running::{Running, unique_word};
use subroot_tests::sandbox::{Sandbox, give};
use subroot_tests::{Outcome, release_program};

/// A script whose interpreter is the program of the process that executes it.
const AGAIN: &str = "#!/proc/self/exe\n";

/// alice's sandbox, and a launcher that she owns.
struct Own {
    sandbox: Sandbox,
    program: PathBuf,
}

impl Own {
    fn new() -> Own {
        // Read before the test's host covers its directory.
        let launcher = fs::read(release_program("subroot"));
        let sandbox = Sandbox::new();
        let launcher = launcher.unwrap_or_else(|_| fs::read("/usr/local/bin/subroot").expect("the launcher"));
        let program = sandbox.alice.home.join("subroot");
        fs::write(&program, launcher).expect("writing a launcher of alice's");
        give(&program, &sandbox.alice, 0o755);
        sandbox.add("again", AGAIN, 0o755);
        Own { sandbox, program }
    }

    /// `subroot WORDS`, by alice's launcher.
    fn subroot(&self, words: &[&str]) -> Command {
        let mut command = self.sandbox.alice.command(&self.program);
        command.args(words);
        command
    }

    fn run(&self, options: &[&str], words: &[&str]) -> Outcome {
        let root = self.sandbox.rootfs.path.to_str().expect("UTF-8");
        self.sandbox.host.output(&mut self.subroot(&[&["run"], options, &[root, "--"], words].concat()))
    }

    /// Values that change with everything that a payload could change: the times change with content and
    /// attributes.
    fn facts(&self) -> [i64; 7] {
        let file = fs::metadata(&self.program).expect("alice's launcher");
        let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
        let [a, b, c, d] = times;
        [file.mode().into(), file.uid().into(), file.gid().into(), a, b, c, d]
    }

    /// A sandbox in which a payload changes every program that it can reach.
    fn racer(&self, options: &[&str]) -> (Running, String) {
        let source = self.sandbox.alice.home.join("racer.c");
        fs::write(&source, include_str!("racer.c")).expect("writing the source");
        let mut compile = Command::new("gcc");
        compile.args(["-static", "-O1", "-o"]).arg(self.sandbox.rootfs.path.join("bin/racer")).arg(source);
        self.sandbox.host.output(&mut compile).ok();
        let name = format!("racer-{}", unique_word());
        let root = self.sandbox.rootfs.path.to_str().expect("UTF-8");
        let words = [&["run", "--name", &name, "--cap-add", "all"], options, &[root, "--", "racer"]].concat();
        (Running::new(&mut self.subroot(&words)), name)
    }
}

#[test]
fn a_payload_that_races_with_a_thousand_joins_changes_nothing() {
    let own = Own::new();
    let before = own.facts();
    for options in [&[][..], &["--as-pid-1"]] {
        let (running, name) = own.racer(options);
        for at in 0..500 {
            let words = if at % 2 == 0 { ["exec", &name, "/again"] } else { ["exec", &name, "true"] };
            drop(own.sandbox.host.output(&mut own.subroot(&words)));
            assert_eq!(own.facts(), before, "{options:?}, {at}");
        }
        running.signal(9);
        drop(running.end());
    }
}

/// Messages, status and descriptors do not depend on who owns the launcher.
#[test]
fn a_command_starts_and_fails_as_by_a_launcher_of_roots() {
    let own = Own::new();
    let text = |name: &str, content: &str, mode| own.sandbox.add(name, content, mode);
    text("no-interpreter", "#!/nowhere/sh\n", 0o755);
    text("no-program", "\u{1}\u{2}", 0o755);
    text("closed", "#!/bin/sh\n", 0o644);
    let script = "ls /proc/self/fd; echo $0 $1; exit 7";
    let commands: &[&[&str]] = &[
        &["sh", "-c", script, "zero", "one"],
        &["/no-interpreter", "a", "b"],
        &["/no-program"],
        &["/closed"],
        &["/nowhere"],
        &["/bin"],
        &["sh", "-c", "kill -9 $$"],
        &["sh", "-c", "cat /proc/self/comm; tr '\\0' ' ' </proc/self/cmdline"],
    ];
    for (options, words) in [&[][..], &["--as-pid-1"], &["-t"], &["-u", "1"]]
        .into_iter()
        .flat_map(|options| commands.iter().map(move |words| (options, *words)))
    {
        let expected = own.sandbox.host.output(&mut own.sandbox.run(options, words));
        let outcome = own.run(options, words);
        assert_eq!(
            (outcome.code(), outcome.stdout, outcome.stderr),
            (expected.code(), expected.stdout, expected.stderr),
            "{options:?} {words:?}"
        );
    }
}

/// The interpreter is the shim, which ends instead of executing itself forever. A launcher owned by root, who
/// is not the caller, is out of reach.
#[test]
fn a_script_whose_interpreter_is_the_shim_ends() {
    let own = Own::new();
    for options in [&[][..], &["--as-pid-1"], &["-t"]] {
        assert_eq!(own.run(options, &["/again"]).code(), 126, "{options:?}");
    }
}

/// A caller with a capability in a user namespace may map root's ID, and so own the file of a launcher that
/// root installed.
#[test]
fn a_caller_with_a_capability_has_the_shim_also_for_a_launcher_of_roots() {
    let own = Own::new();
    let mut command = own.sandbox.host.user("root").command("setpriv");
    command.args([
        "--reuid=1000",
        "--regid=1000",
        "--clear-groups",
        "--inh-caps=+setuid",
        "--ambient-caps=+setuid",
    ]);
    command.args(["subroot", "run", "/home/alice/rootfs", "--", "/again"]);
    let outcome = own.sandbox.host.output(&mut command);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (126, ""), "{outcome:?}");
}
