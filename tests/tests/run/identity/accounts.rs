//! A command that does not run as root has an account: that of the root, or one that is added for the run.

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, assert_warned, give, listing};

const HOST_ID: [&str; 2] = ["--userns", "host-id"];
const WHO: &str = "whoami; id -gn; echo $HOME";

#[test]
fn the_caller_has_a_name_and_the_roots_own_accounts_stay() {
    let sandbox = Sandbox::new();
    let before = listing(&sandbox.rootfs.path);
    for mode in ["host-id", "keep-id"] {
        assert_eq!(sandbox.prints(&["--userns", mode], WHO), "alice\nalice\n/\n", "{mode}");
        let passwd = sandbox.prints(&["--userns", mode], "cat /etc/passwd; cat /etc/group");
        let expected = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice:/:/bin/sh\n\
            root:x:0:\nalice:x:1000:\n";
        assert_eq!(passwd, expected, "{mode}");
    }
    assert_eq!(sandbox.prints(&["--userns", "keep-id", "-u", "0"], WHO), "root\nroot\n/root\n");
    assert_eq!(sandbox.prints(&["--userns", "keep-id", "-u", "1000"], WHO), "alice\nalice\n/\n");
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn a_number_without_an_account_is_its_own_name() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.prints(&["-u", "4000"], WHO), "4000\nroot\n/\n");
    assert_eq!(sandbox.prints(&["-u", "4000:50"], WHO), "4000\n50\n/\n");
    assert_eq!(sandbox.prints(&["--userns", "keep-id:uid=4000,gid=50"], WHO), "alice\nalice\n/\n");
}

#[test]
fn the_home_is_where_the_callers_is_bound() {
    let sandbox = Sandbox::new();
    let home = |volume: &str| {
        let mut command =
            sandbox.shell(&["--userns", "host-id", "-v", volume], "echo $HOME; grep alice /etc/passwd");
        sandbox.host.output(command.env("HOME", "/home/alice")).ok()
    };
    let expected = |home: &str| format!("{home}\nalice:x:1000:1000:Alice:{home}:/bin/sh\n");
    assert_eq!(home("/home/alice:/home/alice"), expected("/home/alice"));
    assert_eq!(home("/home:/mnt"), expected("/mnt/alice"));
    // A colon would begin the next field.
    assert_eq!(home("/srv:/mnt"), expected("/"));
}

#[test]
fn an_account_of_the_root_is_used_with_its_home() {
    let sandbox = Sandbox::new();
    sandbox.add("etc/passwd", "root:x:0:0::/root:/bin/sh\nbuild:x:1000:1000::/home:/bin/sh\n", 0o644);
    let script = "whoami; echo $HOME; grep -c ' /etc/passwd ' /proc/self/mountinfo";
    assert_eq!(sandbox.output(&HOST_ID, script).stdout, "build\n/home\n0\n");
    let own = sandbox.dir("own", &[("passwd", "bound:x:1000:1000::/srv:/bin/sh\n")]);
    let volume = format!("{}/passwd:/etc/passwd", own.display());
    assert_eq!(
        sandbox.prints(&["--userns", "host-id", "-v", &volume], "whoami; echo $HOME"),
        "bound\n/srv\n"
    );
}

#[test]
fn nothing_is_added_on_request() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.output(&["--userns", "host-id", "--passwd=false"], "whoami; wc -l </etc/passwd");
    assert_eq!(outcome.stdout, "1\n", "{outcome:?}");
    let plan = |options: &[&str]| {
        let mut command = sandbox.run(&[&["--print-plan"], options].concat(), &["true"]);
        sandbox.host.output(&mut command).ok()
    };
    assert!(plan(&HOST_ID).contains("mount /etc/passwd: file of 64 bytes (ro,nosuid,nodev)\n"));
    assert!(!plan(&["--userns", "host-id", "--passwd=false"]).contains("/etc/passwd"));
    assert!(!plan(&[]).contains("/etc/passwd"));
}

#[test]
fn names_of_the_host_are_written_safely() {
    let sandbox = Sandbox::new();
    let names = [
        ("DOM\\alice", "DOM\\alice"),
        ("12345", "1000"),
        ("+alice", "1000"),
        ("root", "1000"),
        ("a b", "a b"),
    ];
    for (outside, inside) in names {
        sandbox.host.write("/etc/passwd", format!("{outside}:x:1000:1000:A\tB:/home/alice:/bin/sh\n"));
        let seen = sandbox.output(&["--userns", "host-id"], "id -un; tail -n 1 /etc/passwd").stdout;
        assert!(seen.starts_with(&format!("{inside}\n{inside}:x:1000:1000:")), "{outside}: {seen}");
    }
}

/// Each root has files that are not what they should be. None leads out of the root, and nothing is left in
/// it.
#[test]
fn odd_files_of_the_root_are_covered_or_stay() {
    type Make = fn(&Path);
    let kinds: [(&str, Make, &str); 8] = [
        ("missing", |_| {}, "alice\n"),
        ("a symlink to nothing", |path| symlink("../run/x/passwd", path).expect("a symlink"), "alice\n"),
        ("an absolute symlink", |path| symlink("/home/alice/secret", path).expect("a symlink"), "alice\n"),
        ("out of the root", |path| symlink("../../../../etc/passwd", path).expect("a symlink"), ""),
        ("a loop", |path| symlink("passwd", path).expect("a symlink"), ""),
        ("a pipe", |path| mkfifo(path, Mode::from_bits_truncate(0o644)).expect("a pipe"), ""),
        ("a directory", |path| fs::create_dir(path).expect("a directory"), ""),
        ("huge", |path| File::create(path).and_then(|file| file.set_len(1 << 40)).expect("a file"), ""),
    ];
    let sandbox = Sandbox::new();
    fs::write("/home/alice/secret", "secret:x:1000:1000::/:/bin/sh\n").expect("a file");
    let path = sandbox.rootfs.path.join("etc/passwd");
    for (kind, make, name) in kinds {
        let removed = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        removed.expect("removing the last one");
        make(&path);
        let before = listing(&sandbox.rootfs.path);
        // A pipe would block a program that reads it.
        let script = if name.is_empty() { "true" } else { "whoami" };
        let outcome = sandbox.output(&HOST_ID, script);
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, name), "{kind}: {outcome:?}");
        assert_eq!(
            outcome.stderr.contains("user ID 1000 gets no account"),
            name.is_empty(),
            "{kind}: {outcome:?}"
        );
        assert_eq!(listing(&sandbox.rootfs.path), before, "{kind}");
        if !path.is_symlink() && !path.exists() {
            fs::write(&path, "").expect("a file to remove");
        }
    }
    fs::remove_dir_all(sandbox.rootfs.path.join("etc")).expect("removing etc");
    let before = listing(&sandbox.rootfs.path);
    assert_eq!(sandbox.prints(&HOST_ID, WHO), "alice\nalice\n/\n");
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn a_kept_layer_and_a_read_only_root_have_it_in_the_same_way() {
    let sandbox = Sandbox::new();
    let kept = format!("--overlay={}", sandbox.dir("kept", &[]).display());
    assert_eq!(sandbox.prints(&["--read-only", "--userns", "host-id"], "whoami"), "alice\n");
    assert_eq!(sandbox.prints(&[&kept, "--userns", "host-id"], "whoami"), "alice\n");
    sandbox.prints(&[&kept], "echo kept:x:1000:1000::/srv:/bin/sh >>/etc/passwd");
    assert_eq!(sandbox.prints(&[&kept, "--userns", "host-id"], "whoami; echo $HOME"), "kept\n/srv\n");
    assert_eq!(sandbox.prints(&["--overlay", "--userns", "host-id"], "whoami"), "alice\n");
}

/// The layers are examined as the kernel merges them.
#[test]
fn a_shell_that_a_layer_deletes_is_not_named() {
    let sandbox = Sandbox::new();
    for dir in ["opt", "opt/x", "opt/x/y"] {
        let path = sandbox.rootfs.path.join(dir);
        fs::create_dir_all(&path).expect("a directory");
        give(&path, &sandbox.alice, 0o755);
    }
    sandbox.add("opt/x/y/bash", "", 0o755);
    symlink("../opt/x/y/bash", sandbox.rootfs.path.join("bin/bash")).expect("a symlink");
    let deletions = ["rm /opt/x/y/bash", "rm -r /opt/x/y", "rm -r /opt/x && mkdir /opt/x", "rm /bin/bash"];
    for (at, deletion) in deletions.iter().enumerate() {
        let kept = format!("--overlay={}", sandbox.dir(&format!("kept{at}"), &[]).display());
        let assert_shell = |shell: &str| {
            let line = sandbox.prints(&[&kept, "--userns", "host-id"], "grep alice /etc/passwd");
            assert!(line.ends_with(&format!(":{shell}\n")), "{deletion}: {line}");
        };
        assert_shell("/bin/bash");
        sandbox.prints(&[&kept], deletion);
        assert_shell("/bin/sh");
        sandbox.prints(&[&kept], "rm -f /bin/bash && echo >/bin/bash");
        assert_shell("/bin/bash");
    }
}

#[test]
fn a_command_that_joins_has_the_same_account() {
    let sandbox = Sandbox::new();
    let volume = ["--userns", "host-id", "--name", "joined", "-v", "/home/alice:/mnt"];
    let mut command = sandbox.shell(&volume, "echo ready; exec sleep 1000");
    let running = Running::new(command.env("HOME", "/home/alice"));
    assert_eq!(sandbox.says(&["exec", "joined", "--", "sh", "-c", WHO]).ok(), "alice\nalice\n/mnt\n");
    running.signal(9);
    drop(running.end());
}

#[test]
fn the_callers_own_numbers_with_another_map_get_a_note() {
    let sandbox = Sandbox::new();
    for user in ["1000:1000", "1000"] {
        let outcome = sandbox.output(&["-u", user], "true");
        let note = "user ID 1000 inside is not your own, which is 0 there";
        assert_warned(&outcome, &[note, "--userns keep-id"]);
    }
    let other: [&[&str]; 4] =
        [&["-u", "1000:33"], &["-u", "1000:1000", "--userns", "keep-id"], &["-u", "33:33"], &["-u", "33"]];
    for options in other {
        assert_eq!(sandbox.output(options, "true").stderr, "", "{options:?}");
    }
    // An account of the root with that number may be meant.
    sandbox.add("etc/passwd", "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home:/bin/sh\n", 0o644);
    assert_eq!(sandbox.output(&["-u", "1000"], "true").stderr, "");
}

/// A file that the caller may not read is not one without accounts.
#[test]
fn an_unreadable_file_is_not_an_empty_one() {
    let sandbox = Sandbox::new();
    let path = sandbox.rootfs.path.join("etc/passwd");
    give(&path, &sandbox.host.user("root"), 0o600);
    let outcome = sandbox.output(&HOST_ID, "true");
    assert_warned(&outcome, &["user ID 1000 gets no account: /etc/passwd of the root cannot be read"]);
}
