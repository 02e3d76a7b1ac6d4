//! The library and the program refuse the same requests with the same messages: the command line has no
//! checks of its own.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;
use subroot::{
    Account, ClockOffsets, GivenLine, IdSource, Landlock, Limit, Mount, Namespace, Overlay, Resource,
    Sandbox, Seccomp, UserSpec, Userns,
};

type Change = fn(Sandbox) -> Sandbox;
type MakeMount = fn() -> Mount;

fn given(line: GivenLine) -> Userns {
    Userns::Given { uid: vec![line], gid: Vec::new() }
}

/// Arguments of the program, and the same request to the library.
const CASES: &[(&[&str], Change)] = &[
    (&["--name", "a b"], |sandbox| sandbox.name("a b")),
    (&["--name", ""], |sandbox| sandbox.name("")),
    (&["--name", "12"], |sandbox| sandbox.name("12")),
    (&["--hostname", "a b"], |sandbox| sandbox.hostname("a b")),
    (&["--hostname", ""], |sandbox| sandbox.hostname("")),
    (&["--hostname", "x", "--uts", "host"], |sandbox| sandbox.hostname("x").uts(Namespace::Host)),
    (&["--env", "=value"], |sandbox| sandbox.env("", "value")),
    (&["--umask", "1777"], |sandbox| sandbox.umask(0o1777)),
    (&["--oom-score-adj", "1001"], |sandbox| sandbox.oom_score_adj(1001)),
    (&["--ulimit", "nofile=2:1"], |sandbox| sandbox.ulimit(Limit::new(Resource::OpenFiles, 2, 1))),
    (&["--cap-add", "FLY"], |sandbox| sandbox.cap_add(["FLY"])),
    (&["--cap-drop", "FLY"], |sandbox| sandbox.cap_drop(["FLY"])),
    (&["--user", ""], |sandbox| sandbox.user(UserSpec::new(Account::Name("".into())))),
    (&["--user", "4294967295"], |sandbox| sandbox.user(UserSpec::new(Account::Id(u32::MAX)))),
    (&["--user", "0:"], |sandbox| {
        sandbox.user(UserSpec::new(Account::Id(0)).group(Account::Name("".into())))
    }),
    (&["--group-add", ""], |sandbox| sandbox.group_add(Account::Name("".into()))),
    (&["--group-add", "5", "--group-add", "keep-groups"], |sandbox| {
        sandbox.group_add(Account::Id(5)).keep_groups()
    }),
    (&["--group-add", "5", "--groups", "keep"], |sandbox| sandbox.group_add(Account::Id(5)).map_groups()),
    (&["--userns", "auto:size=0"], |sandbox| sandbox.userns(Userns::Auto(Some(0)))),
    (&["--userns", "keep-id:uid=4294967295"], |sandbox| {
        sandbox.userns(Userns::KeepId { uid: Some(u32::MAX), gid: None })
    }),
    (&["--uidmap", "0:0:0"], |sandbox| sandbox.userns(given(GivenLine::new(0, IdSource::Own(0), 0)))),
    (&["--uidmap", "4294967290:@5:6"], |sandbox| {
        sandbox.userns(given(GivenLine::new(4_294_967_290, IdSource::Host(5), 6)))
    }),
    (&["--overlay=", "ROOTFS"], |_| Sandbox::new("/").overlay(Overlay::Kept(PathBuf::new()))),
    (&["--overlay"], |sandbox| sandbox.overlay(Overlay::Memory)),
    (&["--as-pid-1", "--pid", "host"], |sandbox| sandbox.as_pid_1().pid(Namespace::Host)),
    (&["--as-pid-1", "--timens", "5"], |sandbox| sandbox.as_pid_1().timens(ClockOffsets::new(5, 5))),
    (&["--security-opt", "mask=tmp"], |sandbox| sandbox.mask("tmp")),
    (&["--security-opt", "mask=/"], |sandbox| sandbox.mask("/")),
    (&["--security-opt", "seccomp="], |sandbox| sandbox.seccomp(Seccomp::Profile(PathBuf::new()))),
    (&["--security-opt", "seccomp=/nothere"], |sandbox| sandbox.seccomp(Seccomp::Profile("/nothere".into()))),
    (&["--security-opt", "seccomp=unconfined", "--security-opt", "seccomp-arch=native"], |sandbox| {
        sandbox.seccomp(Seccomp::Unconfined).native_calls_only()
    }),
    (&["--security-opt", "landlock=tmp"], |sandbox| sandbox.landlock(Landlock::read_only().writable("tmp"))),
    (&["--helper", "/nothere"], |sandbox| sandbox.helper("/nothere")),
    (&["--volume", "/nothere:/mnt"], |sandbox| sandbox.bind("/nothere", "/mnt")),
    (&["--", "COMMAND"], |sandbox| sandbox.command([""])),
    (&["--"], |sandbox| sandbox.command(Vec::<String>::new())),
];

/// The same for mounts. The command line reads each as a whole, so the message names its own option.
const MOUNTS: &[(&[&str], MakeMount)] = &[
    (&["--volume", "/etc:relative"], || Mount::bind("/etc", "relative")),
    (&["--volume", "/etc:/srv/.."], || Mount::bind("/etc", "/srv/..")),
    (&["--mount", "type=bind,source=,target=/mnt"], || Mount::bind("", "/mnt")),
    (&["--tmpfs", "/mnt:size="], || Mount::tmpfs("/mnt").option("size", "")),
    (&["--tmpfs", "/mnt:lazy=1"], || Mount::tmpfs("/mnt").option("lazy", "1")),
    (&["--mount", "type=overlay,lowerdir=/etc,target=/mnt"], || Mount::overlay(["/etc"], None, "/mnt")),
];

/// The first line that the program prints, without the program's name.
fn message_of_program(options: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_subroot"));
    program.arg("run");
    for option in options {
        program.arg(match *option {
            "ROOTFS" => "/",
            "COMMAND" => "",
            option => option,
        });
    }
    if !options.contains(&"--") {
        program.args(["--", "true"]);
    }
    let output = program.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(125), "{options:?}: {errors}");
    errors.lines().next().unwrap().strip_prefix("subroot: ").unwrap().to_owned()
}

fn message_of_library(sandbox: Sandbox) -> String {
    sandbox.spawn().map(drop).unwrap_err().to_string()
}

#[test]
fn invalid_requests_are_refused_with_the_same_message() {
    for (options, change) in CASES {
        let by_library = message_of_library(change(Sandbox::host().command(["true"])));
        let by_program = message_of_program(options);
        // The program may explain in parentheses why a path does not exist.
        let explanation = by_program.strip_prefix(&by_library);
        let is_same = explanation.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("));
        assert!(is_same, "{options:?}: {by_library:?} and {by_program:?}");
    }
}

#[test]
fn invalid_mounts_are_refused_for_the_same_reason() {
    let reason = |said: &str| said.split_once(": ").unwrap().1.to_owned();
    for (options, mount) in MOUNTS {
        let by_library = message_of_library(Sandbox::host().mount(mount()).command(["true"]));
        assert_eq!(reason(&by_library), reason(&message_of_program(options)), "{options:?}");
    }
}

#[test]
fn invalid_requests_that_only_the_library_allows_are_refused() {
    for (sandbox, said) in [
        (Sandbox::host().env("A=B", "c"), "reading --env: the name A=B contains a ="),
        (Sandbox::host().env("A", "\0"), "reading the environment: it contains a NUL byte"),
        (
            Sandbox::unshare().bind("/etc", "/mnt"),
            "reading the mounts: subroot unshare keeps the host's root",
        ),
        (Sandbox::unshare().read_only(), "reading the mounts: "),
        (Sandbox::unshare().mask("/proc/keys"), "reading the mounts: "),
    ] {
        let refused = message_of_library(sandbox.command(["true"]));
        assert!(refused.starts_with(said), "{refused}");
    }
}
