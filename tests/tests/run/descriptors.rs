//! The command gets descriptors 0 to 2 and no others, and data passes through them unchanged.

use nix::fcntl::OFlag;
use nix::sys::resource::Resource;
use nix::unistd::pipe2;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Started, Step, start_with};

const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];

#[test]
fn a_descriptor_that_was_inherited_is_not_there_inside() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let steps = [3, 9, 200].map(|number| Step::Pass(open("/etc/passwd"), number)).into_iter().collect();
        let mut command = sandbox.run(options, &["ls", "/proc/self/fd"]);
        // 3 is the directory that ls itself reads.
        assert_eq!(sandbox.host.output(start_with(&mut command, steps)).ok(), "0\n1\n2\n3\n", "{options:?}");
    }
}

#[test]
fn init_holds_nothing_but_its_lifeline_and_its_signals() {
    let sandbox = Sandbox::new();
    let word = crate::running::unique_word();
    let mut command = sandbox.run(&[], &["sh", "-c", "echo ready; exec sleep 1000", &word]);
    let steps = vec![Step::Pass(open("/etc/passwd"), 9)];
    let running = crate::running::Running::new(start_with(&mut command, steps));
    let dir = format!("/proc/{}/fd", crate::running::pid_1(&word));
    // The command may run before init has closed the last of them.
    let holds_nothing_else = || {
        let links = fs::read_dir(&dir).expect("init's descriptors").flatten();
        let mut held: Vec<String> =
            links.filter_map(|link| Some(fs::read_link(link.path()).ok()?.display().to_string())).collect();
        held.sort();
        held.len() == 2 && held[0] == "anon_inode:[signalfd]" && held[1].starts_with("pipe:")
    };
    assert!(crate::running::soon(crate::running::PATIENCE, holds_nothing_else));
    running.signal(9);
}

#[test]
fn no_directory_of_the_hosts_is_the_working_directory_of_anything_inside() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.output(&[], "pwd; readlink /proc/self/cwd; ls ..");
    let expected = "/\n/\nbin\ndev\netc\nhome\nproc\nroot\nrun\nsys\ntmp\nusr\nvar\n";
    assert_eq!(outcome.ok(), expected);
}

#[test]
fn init_shows_the_command_nothing_of_the_host() {
    let sandbox = Sandbox::new();
    let outcome =
        sandbox.output(&[], "for link in exe cwd root fd/0 ns/mnt; do readlink /proc/1/$link; done; true");
    assert_eq!(outcome.ok(), "");
}

/// The caller owns the user namespace and so may trace any dumpable process in it; init is a copy of the
/// launcher.
#[test]
fn init_shows_its_memory_to_nobody() {
    let sandbox = Sandbox::new();
    let word = crate::running::unique_word();
    let mut command = sandbox.run(&[], &["sh", "-c", "echo ready; exec sleep 1000", &word]);
    let running = crate::running::Running::new(&mut command);
    let read = format!("cat /proc/{}/environ", crate::running::pid_1(&word));
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&read));
    assert!(outcome.code() == 1 && outcome.stderr.contains("Permission denied"), "{outcome:?}");
    running.signal(9);
}

#[test]
fn closed_standard_descriptors_do_no_harm() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        for closed in [vec![0], vec![1], vec![2], vec![0, 1, 2]] {
            let steps = closed.iter().map(|number| Step::Close(*number)).collect();
            let mut command = sandbox.shell(options, "echo alive > /tmp/alive; exit 7");
            let outcome = sandbox.host.output(start_with(&mut command, steps));
            assert_eq!(outcome.code(), 7, "{options:?} {closed:?} {outcome:?}");
            fs::remove_file(sandbox.rootfs.path.join("tmp/alive")).expect("what the command wrote");
        }
    }
}

#[test]
fn few_descriptors_are_enough_or_a_clean_failure() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        // Below 4, the loader of the launcher's own program fails first.
        for limit in 4..=24 {
            let mut command = sandbox.run(options, &["echo", "done"]);
            let steps = vec![Step::Limit(Resource::RLIMIT_NOFILE, limit)];
            let started = Started::new(start_with(&mut command, steps));
            let outcome = started.end_within(Duration::from_secs(15));
            match outcome.code() {
                0 => assert_eq!(outcome.stdout, "done\n", "{limit}: {outcome:?}"),
                _ => assert_refused(&outcome, 125, &["Too many open files"]),
            }
            assert!(outcome.code() == 0 || limit < 16, "{options:?} {limit}: {outcome:?}");
        }
    }
}

#[test]
fn three_descriptors_never_hang_or_start_anything() {
    let sandbox = Sandbox::new();
    for limit in 0..=3 {
        let mut command = sandbox.leaving_a_mark(&[]);
        let steps = vec![Step::Limit(Resource::RLIMIT_NOFILE, limit)];
        let started = Started::new(start_with(&mut command, steps));
        let outcome = started.end_within(Duration::from_secs(15));
        assert!(outcome.code() != 0 && !outcome.stderr.is_empty() && !sandbox.has_mark(), "{outcome:?}");
    }
}

#[test]
fn a_megabyte_goes_in_and_out_byte_by_byte() {
    let sandbox = Sandbox::new();
    let noise: Vec<u8> =
        (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let path = sandbox.alice.home.join("noise");
    fs::write(&path, noise).expect("writing a file");
    let rootfs = sandbox.rootfs.path.display();
    for options in BOTH {
        let launch = format!("subroot run {} {rootfs} -- cat", options.join(" "));
        let outcome =
            sandbox.host.output(&mut sandbox.alice.shell(&format!("cat noise | {launch} | cmp - noise")));
        assert_eq!(outcome.ok(), "", "{options:?}");
    }
}

#[test]
fn a_reader_that_is_gone_ends_the_command_by_its_signal() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        drop(reader);
        let mut command = sandbox.run(options, &["yes"]);
        command.stdout(Stdio::from(writer)).stderr(Stdio::piped());
        let outcome = Started::with_own_descriptors(&mut command).end_within(Duration::from_secs(15));
        // A signal that PID 1 causes itself cannot end it; its write then fails instead.
        let expected: &[i32] = if options.is_empty() { &[141] } else { &[141, 1] };
        assert!(expected.contains(&outcome.code()), "{options:?} {outcome:?}");
    }
}

fn open(path: &str) -> OwnedFd {
    File::open(path).expect("a file of the host").into()
}
