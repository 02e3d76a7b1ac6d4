//! `exec`: another command in a running sandbox.

use crate::running::{READY, unique_name};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use subroot_tests::running::{PATIENCE, Running, assert_all_gone, instant, unique_word};
use subroot_tests::sandbox::{FULL_MAP, Sandbox, assert_refused, map_lines};
use subroot_tests::{Outcome, Started, Step, as_root_first};

/// A running sandbox of alice's, and its name.
struct Web {
    sandbox: Sandbox,
    name: String,
    running: Running,
}

impl Web {
    fn new(options: &[&str]) -> Web {
        Web::running(Sandbox::new(), options, &["sh", "-c", READY])
    }

    fn running(sandbox: Sandbox, options: &[&str], words: &[&str]) -> Web {
        let name = unique_name();
        let running = Running::new(&mut sandbox.run(&[&["--name", &name], options].concat(), words));
        Web { sandbox, name, running }
    }

    /// `subroot exec OPTIONS NAME WORDS`.
    fn exec(&self, options: &[&str], words: &[&str]) -> Command {
        self.sandbox.subroot(&[&["exec"], options, &[self.name.as_str()], words].concat())
    }

    fn outcome(&self, options: &[&str], words: &[&str]) -> Outcome {
        self.sandbox.host.output(&mut self.exec(options, words))
    }

    /// The output of a shell script that is run in it.
    #[track_caller]
    fn inside(&self, script: &str) -> String {
        self.outcome(&[], &["sh", "-c", script]).ok()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _just_gone = kill(self.running.pid(), Signal::SIGKILL);
    }
}

#[test]
fn it_has_everything_of_the_sandbox() {
    let web = Web::new(&[
        "-h",
        "box",
        "--network",
        "none",
        "--timens",
        "5000",
        "-e",
        "COLOUR=red",
        "-w",
        "/tmp",
        "--umask",
        "027",
    ]);
    let namespaces = "for name in user mnt pid ipc uts net cgroup time; do readlink /proc/PID/ns/$name; done";
    let of = |pid: &str| web.inside(&namespaces.replace("PID", pid));
    assert_eq!(of("self"), of("2"));
    assert_eq!(map_lines(&web.inside("cat /proc/self/uid_map")), FULL_MAP);
    let seen = web.inside("hostname; echo $COLOUR; pwd; umask; id -u; readlink /proc/self/root; grep -E '^(CapBnd|CapEff|CapInh|CapAmb|Seccomp):' /proc/self/status");
    let first = web.inside("grep -E '^(CapBnd|CapEff|CapInh|CapAmb|Seccomp):' /proc/2/status");
    assert_eq!(seen, format!("box\nred\n/tmp\n0027\n0\n/\n{first}"));
}

#[test]
fn it_sees_what_the_first_command_does() {
    let web = Web::new(&["--tmpfs", "/data"]);
    web.inside("echo hello >/data/x");
    assert_eq!(web.inside("cat /data/x /proc/2/comm"), "hello\nsleep\n");
}

#[test]
fn its_status_is_its_own() {
    let web = Web::new(&[]);
    for (script, status) in [("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        let outcome = web.outcome(&[], &["sh", "-c", script]);
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (status, ""), "{script}");
    }
    assert_refused(&web.outcome(&[], &["nothere"]), 127, &["nothere: command not found"]);
}

#[test]
fn its_options_are_its_own_too() {
    let sandbox = Sandbox::new();
    sandbox.add("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n", 0o644);
    let web = Web::running(sandbox, &["-e", "A=1"], &["sh", "-c", READY]);
    let script = "id -u; pwd; echo $A$B $HOME";
    let seen = web.outcome(&["-u", "web", "-w", "/tmp", "-e", "B=2"], &["sh", "-c", script]);
    assert_eq!(seen.ok(), "33\n/tmp\n12 /srv\n");
}

#[test]
fn what_is_piped_comes_through() {
    let web = Web::new(&[]);
    let mut command = web.exec(&[], &["sh", "-c", "wc -c; echo error >&2"]);
    command.stdin(Stdio::piped());
    let mut exec = subroot_tests::Started::new(&mut command);
    let mut input = exec.child().stdin.take().expect("a pipe");
    input.write_all(&vec![b'x'; 1 << 20]).expect("writing a megabyte");
    drop(input);
    let outcome = exec.end_within(PATIENCE);
    assert_eq!((outcome.stdout.trim(), outcome.stderr.as_str()), ("1048576", "error\n"));
}

#[test]
fn it_ends_with_its_launcher() {
    let web = Web::new(&[]);
    let word = unique_word();
    let words = ["sh", "-c", "echo ready; exec sleep 1000", &word];
    let exec = Running::new(&mut web.exec(&[], &words));
    exec.signal(9);
    assert_all_gone(&word);
    assert_eq!(web.inside("echo still here"), "still here\n");
}

#[test]
fn it_ends_with_the_sandbox() {
    let web = Web::new(&[]);
    let exec = Running::new(&mut web.exec(&[], &["sh", "-c", READY]));
    web.running.signal(9);
    assert_eq!(exec.end().code(), 137);
    assert_refused(&web.outcome(&[], &["true"]), 125, &[&web.name, "no running sandbox"]);
}

#[test]
fn signals_are_passed_on_to_it() {
    let web = Web::new(&[]);
    for number in [15, 10, 40] {
        let exec = Running::new(&mut web.exec(&[], &["sh", "-c", READY]));
        exec.signal(number);
        assert_eq!(exec.end().code(), 128 + number, "{number}");
    }
}

#[test]
fn it_joins_a_sandbox_without_an_init() {
    for options in [["--as-pid-1"].as_slice(), &["--pid", "host"]] {
        let web = Web::new(options);
        assert_eq!(web.inside("id -u; ls / | grep -c proc"), "0\n1\n", "{options:?}");
    }
}

/// The command should not have these groups: setgroups(2) is refused, although its user namespace allows it.
#[test]
fn the_callers_groups_are_dropped_or_it_is_refused() {
    let web = Web::new(&[]);
    let exec = |steps| {
        let mut command = web.exec(&[], &["id", "-G"]);
        web.sandbox.host.output(as_root_first(&mut command, &web.sandbox.alice, steps))
    };
    assert_eq!(exec(vec![Step::Groups(vec![2500])]).ok(), "0\n");
    let failing = Step::FailCallOfAll(libc::SYS_setgroups, libc::EPERM);
    let refused = exec(vec![Step::Groups(vec![2500]), failing]);
    assert_refused(&refused, 125, &["becoming root in the new user namespace: Operation not permitted"]);
}

#[test]
fn a_joining_process_holds_nothing_of_the_host() {
    let web = Web::new(&[]);
    let seen = web.inside("ls /proc/self/fd | wc -l; readlink /proc/self/cwd");
    // 0 to 2, and the descriptor of the listing itself.
    assert_eq!(seen, "4\n/\n");
}

/// A payload with CAP_SYS_PTRACE may examine every dumpable process in its user namespace (CVE-2016-9962).
#[test]
fn a_joining_process_cannot_be_looked_at_before_it_is_the_command() {
    let web = Web::new(&["--cap-add", "SYS_PTRACE"]);
    let looking = "while :; do for p in /proc/[0-9]*; do l=$(readlink $p/exe 2>/dev/null); case $l in *subroot*) echo \"$l\"; esac; done; done";
    let mut watch = Running::new(&mut web.exec(&[], &["sh", "-c", &format!("echo ready; {looking}")]));
    for _ in 0..40 {
        web.inside("true");
    }
    watch.signal(15);
    let seen = watch.line();
    assert_eq!(seen, "", "the host's program was seen");
}

#[test]
fn a_payload_that_hides_its_processes_is_joined_or_left() {
    let script = "unshare -U sh -c 'echo ready; exec sleep 1000'; true";
    let web = Web::running(Sandbox::new(), &[], &["sh", "-c", script]);
    assert_eq!(web.inside("echo here"), "here\n");
}

/// The command runs, or one line says why not; and it ends with the sandbox at the latest.
#[test]
fn it_may_race_with_the_end_of_the_sandbox() {
    const ROUNDS: u32 = 200;
    let sandbox = Sandbox::new();
    let (mut ran, mut came_too_late) = (0, 0);
    let start = sandbox.duration_of_a_start();
    let word = unique_word();
    for round in 0..ROUNDS {
        let name = unique_name();
        let words = ["sh", "-c", "echo ready; read line", &word];
        let mut running = Running::new(sandbox.run(&["--name", &name], &words).stdin(Stdio::piped()));
        let exec = Started::new(&mut sandbox.subroot(&["exec", &name, "sh", "-c", "echo ran", &word]));
        sleep(instant(start, round, ROUNDS));
        match round % 2 {
            0 => drop(running.input()),
            _ => running.signal(9),
        }
        let outcome = exec.end_within(PATIENCE);
        match outcome.code() {
            0 => ran += 1,
            125 => {
                assert_too_late(&outcome, &name);
                came_too_late += 1;
            }
            137 if outcome.stderr.is_empty() => {}
            _ => panic!("{outcome:?}"),
        }
        drop(running.end());
    }
    assert_all_gone(&word);
    assert!(ran > 0 && came_too_late > 0, "{ran} ran, {came_too_late} came too late");
}

#[track_caller]
fn assert_too_late(outcome: &Outcome, name: &str) {
    let looking = format!("subroot: looking for sandbox {name}: ");
    let ends = [
        format!("{looking}no running sandbox has that name or PID\n"),
        format!("{looking}it has just ended\n"),
        format!("subroot: joining the namespaces of {name}: it has just ended\n"),
        format!(
            "subroot: joining the namespaces of {name}: it has just ended, or the system is out of memory\n"
        ),
        // The kernel kills everything in the pid namespace.
        "subroot: starting the command: the new process was killed before it could\n".to_owned(),
    ];
    assert!(ends.contains(&outcome.stderr), "{outcome:?}");
}
