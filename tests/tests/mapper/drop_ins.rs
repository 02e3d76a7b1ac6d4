//! newuidmap and newgidmap installed instead of shadow's.

mod command_line;

use subroot_tests::{Host, Install, Maps, Outcome, Target, User};

/// A host with the project's programs installed instead of shadow's, with privilege from this source.
fn host(how: Install) -> Host {
    let host = Host::new();
    host.install_drop_ins(how);
    host
}

/// Runs one of them for a new target of the user. Returns both results.
fn attempt(host: &Host, user: &User, program: &str, ranges: &str) -> (Outcome, Maps) {
    let target = Target::new(user);
    let mut command = user.command(program);
    command.arg(target.pid().to_string()).args(ranges.split_whitespace());
    (host.output(&mut command), target.maps())
}

/// Checks that it is refused with status 1 and exactly this line, and without any effect.
#[track_caller]
fn assert_refused(host: &Host, program: &str, ranges: &str, line: &str) {
    let (outcome, maps) = attempt(host, &host.user("alice"), program, ranges);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{ranges}: {outcome:?}");
    assert_eq!(outcome.stderr, format!("{program}: {line}\n"), "{ranges}");
    assert_eq!(maps, Maps::untouched(), "{ranges}");
}
