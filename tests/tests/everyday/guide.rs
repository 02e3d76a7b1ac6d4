//! The guide, executed: each transcript in docs/guide prints what it shows, and each command in its tables
//! and jobs succeeds.

mod transcript;

use std::os::unix::fs::symlink;
use std::process::Command;
use subroot_tests::own_network::NO_DEVICE;
use subroot_tests::{Host, Kind, Outcome, OwnNetwork, own_namespace_has, skip};
use transcript::{jobs, matches, table_commands, table_rows, transcripts, typed_lines};

/// A page, by its name.
macro_rules! page {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../docs/guide/", $name)))
    };
}

/// A host where alice has a Debian in `./rootfs`.
fn host() -> Option<Host> {
    let (host, rootfs) = Host::with_everyday_root()?;
    host.install_image_program();
    if !rootfs.path.ends_with("alice/rootfs") {
        symlink(rootfs.path, "/home/alice/rootfs").expect("a link to the root");
    }
    Some(host)
}

/// The files that commands in tables name.
const FILES: &str = "mkdir -p src changes/upper; echo A=1 >env; echo 127.0.0.1 db >hosts; touch resolv.conf; \
    tar -czf system.tar.gz src; tar -cf system.tar src";

/// A tree in `./wrong` whose root is the first granted ID, as mmdebstrap's mode unshare leaves it.
const WRONG_OWNERS: &str = "mkdir wrong && subroot unshare -- chown 1:1 wrong && \
    subroot run ./rootfs -- tar -c -C / etc | \
    subroot run --uidmap 0:1:65536 --gidmap 0:1:65536 -v ./wrong:/mnt ./rootfs -- tar -x -p -C /mnt";

/// The output of a shell in alice's home, run by alice or by root: both streams as one, as on a terminal.
fn output(host: &Host, by_root: bool, script: &str) -> Outcome {
    let mut command: Command = host.user(if by_root { "root" } else { "alice" }).command("bash");
    command.args(["-c", &format!("exec 2>&1; {script}")]).current_dir("/home/alice");
    host.output(command.env("USER", "alice").env("HOME", "/home/alice"))
}

fn run_transcripts(page: (&str, &str)) {
    run_transcripts_after("true", page);
}

/// Runs the transcripts of a page where alice has run this script.
fn run_transcripts_after(script: &str, page: (&str, &str)) {
    let Some(host) = host() else { skip!("no Debian root: see what tests/run says of it") };
    run_transcripts_on(&host, script, page);
}

fn run_transcripts_on(host: &Host, script: &str, (name, text): (&str, &str)) {
    let prepared = output(host, false, script);
    assert_eq!(prepared.code(), 0, "{name}: {prepared:?}");
    let blocks = transcripts(text);
    assert!(!blocks.is_empty(), "{name} has no transcript");
    for block in blocks {
        let outcome = output(host, block.by_root, &block.script());
        let mut printed = block.printed(&outcome.stdout);
        for line in &block.lines {
            let printed = printed.next().unwrap_or_default();
            assert!(
                matches(&line.expected, printed),
                "{name}, line {}: {}\nprinted:\n{printed}\nand not:\n{}",
                line.number,
                line.command,
                line.expected.join("\n")
            );
        }
    }
}

fn run_commands((name, commands): (&str, Vec<String>)) {
    let Some(host) = host() else { skip!("no Debian root: see what tests/run says of it") };
    assert!(!commands.is_empty(), "{name} has no command");
    assert_eq!(output(&host, false, FILES).code(), 0);
    for command in commands {
        let outcome = output(&host, false, &command);
        assert_eq!(outcome.code(), 0, "{name}: {command}: {outcome:?}");
    }
}

#[test]
fn the_first_steps_are_as_they_are_shown() {
    run_transcripts(page!("first-steps.md"));
}

#[test]
fn a_root_filesystem_is_made_and_repaired_as_it_is_shown() {
    run_transcripts_after(WRONG_OWNERS, page!("get-a-rootfs.md"));
}

#[test]
fn archives_are_imported_and_refused_as_they_are_shown() {
    let page = page!("images.md");
    run_transcripts(page);
    run_commands((page.0, table_commands(page.1)));
}

#[test]
fn home_and_name_inside_are_as_they_are_described() {
    run_transcripts(page!("home-and-name.md"));
}

#[test]
fn devices_and_groups_are_as_they_are_described() {
    run_transcripts(page!("gpu-mpi-devices.md"));
}

#[test]
fn long_jobs_go_on_and_end_as_they_are_described() {
    run_transcripts(page!("long-jobs.md"));
}

#[test]
fn what_is_done_by_hand_can_be_done_so() {
    run_transcripts(page!("by-hand.md"));
}

#[test]
fn shared_hosts_are_as_they_are_described() {
    run_transcripts(page!("shared-hosts.md"));
}

#[test]
fn continuous_integration_works_as_it_is_described() {
    let page = page!("ci.md");
    run_transcripts(page);
    run_commands((page.0, jobs(page.1)));
}

#[test]
fn networks_are_as_they_are_described() {
    let Some(host) = host() else { skip!("no Debian root: see what tests/run says of it") };
    let Some(_network) = OwnNetwork::new(&host) else { skip!("{NO_DEVICE}") };
    run_transcripts_on(&host, "true", page!("networks.md"));
}

#[test]
fn messages_for_administrators_are_shown_to_them() {
    if !own_namespace_has(Kind::Uid, 0, 1_100_000_000) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    run_transcripts(page!("administrators.md"));
}

/// The other tool's command is run too, if the tool is installed.
#[test]
fn a_command_for_bubblewrap_or_unshare_has_its_equal() {
    let Some(host) = host() else { skip!("no Debian root: see what tests/run says of it") };
    assert_eq!(output(&host, false, FILES).code(), 0);
    let (_, text) = page!("coming-from.md");
    for tool in ["bwrap", "unshare"] {
        let is_there = output(&host, false, &format!("command -v {tool}")).code() == 0;
        let rows = table_rows(text).into_iter().filter(|(left, _)| left.starts_with(&format!("{tool} ")));
        let rows: Vec<(String, String)> = rows.collect();
        assert!(rows.len() >= 10, "{tool}: {rows:?}");
        for (left, right) in rows {
            let equal = output(&host, false, &right);
            assert_eq!(equal.code(), 0, "{right}: {equal:?}");
            if is_there {
                assert_eq!(output(&host, false, &left).ok(), equal.stdout, "{left}: {right}");
            }
        }
    }
}

/// Starts the sandbox that some lines are about, and ends it.
fn with_web(line: &str) -> String {
    let start = "subroot run --name web --overlay ./rootfs -- sleep 1000 & \
        until subroot ps -q | grep -qx web; do sleep 0.05; done";
    format!("{start}; {line}; status=$?; subroot kill web; exit $status")
}

#[test]
fn the_lines_that_are_typed_most_work_or_are_answered() {
    let Some(host) = host() else { skip!("no Debian root: see what tests/run says of it") };
    assert_eq!(output(&host, false, FILES).code(), 0);
    let rows = typed_lines(page!("from-docker-run.md").1);
    assert!(rows.len() > 25, "{} rows", rows.len());
    for (line, answer) in rows {
        let script = if line.contains(" web") { with_web(&line) } else { line.clone() };
        let outcome = output(&host, false, &script);
        match answer {
            Some(answer) => {
                let is_printed = outcome.stdout.lines().any(|line| line == format!("subroot: {answer}"));
                assert!(outcome.code() == 125 && is_printed, "{line}: {answer}\n{outcome:?}");
            }
            None => assert_eq!(outcome.code(), 0, "{line}: {outcome:?}"),
        }
    }
}

#[test]
fn what_people_come_from_has_its_equal() {
    for (name, text) in [page!("coming-from.md"), page!("from-docker-run.md")] {
        run_commands((name, table_commands(text)));
    }
}
