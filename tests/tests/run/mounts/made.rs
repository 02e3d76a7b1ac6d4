//! `--dir`, `--symlink` and `--file`: made inside, whatever the root has, and not in the root itself.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use subroot_tests::Outcome;
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, assert_refused, listing};

/// Where changes to the root go.
const CHANGES: [&[&str]; 5] =
    [&[], &["--overlay"], &["--overlay=/home/alice/kept"], &["--read-only"], &["--overlay", "--read-only"]];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.dir("kept", &[]);
    sandbox.dir("data", &[("x", "x\n")]);
    sandbox
}

/// Asserts what a script prints with these options, wherever changes go, and that they leave nothing.
#[track_caller]
fn assert_prints(sandbox: &Sandbox, options: &[&str], script: &str, expected: &str) {
    let before = (listing(&sandbox.rootfs.path), listing("/home/alice/data".as_ref()));
    for changes in CHANGES {
        assert_eq!(sandbox.prints(&[changes, options].concat(), script), expected, "{changes:?} {options:?}");
        let after = (listing(&sandbox.rootfs.path), listing("/home/alice/data".as_ref()));
        assert_eq!(after, before, "{changes:?} {options:?}");
    }
}

/// The outcome of a script with a word on descriptor 3.
fn with_content(sandbox: &Sandbox, content: &str, options: &str, script: &str) -> Outcome {
    let launch = format!("exec 3<<'E'\n{content}\nE\nsubroot run {options} ./rootfs -- sh -c '{script}'");
    sandbox.host.output(&mut sandbox.alice.shell(&launch))
}

#[test]
fn a_missing_directory_is_in_memory_with_its_mode() {
    let sandbox = sandbox();
    let options = ["--dir", "/srv/deep:mode=2750", "--dir", "/new"];
    let script = "stat -c '%a %u' /srv /srv/deep /new; echo x >/srv/deep/y; echo x >/new/y; cat /new/y";
    let before = listing(&sandbox.rootfs.path);
    for changes in [&[][..], &["--overlay"], &["--read-only"]] {
        let printed = sandbox.prints(&[changes, &options].concat(), script);
        let lines: Vec<&str> = printed.lines().skip(1).collect();
        assert_eq!(lines, ["2750 0", "755 0", "x"], "{changes:?}");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{changes:?}");
    }
    let kept = [&["--overlay=/home/alice/kept"][..], &options].concat();
    assert_eq!(sandbox.prints(&kept, script).lines().skip(1).collect::<Vec<_>>(), ["2750 0", "755 0", "x"]);
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn a_directory_that_is_there_stays_as_it_is() {
    let sandbox = sandbox();
    sandbox.add("usr/there", "there\n", 0o644);
    symlink("usr", sandbox.rootfs.path.join("link")).expect("a symlink");
    let options = [
        "--dir",
        "/usr:mode=0700",
        "--dir",
        "/link",
        "-v./data:/srv",
        "--dir",
        "/srv:mode=0700",
        "--dir=/dev",
    ];
    assert_prints(
        &sandbox,
        &options,
        "cat /usr/there /link/there /srv/x; ls /dev/null; stat -c %a /usr",
        "there\nthere\nx\n/dev/null\n755\n",
    );
}

#[test]
fn a_directory_can_be_in_a_mount_and_a_mount_in_it() {
    let sandbox = sandbox();
    let options = [
        "--dir",
        "/a/b",
        "-v./data:/a/b/c",
        "--tmpfs=/t",
        "--dir=/t/d:mode=0700",
        "-v./data:/m",
        "--dir=/m/n",
    ];
    let script = "cat /a/b/c/x /m/x; touch /a/b/y /t/d/y /m/n/y; stat -c %a /t/d";
    assert_prints(&sandbox, &options, script, "x\nx\n700\n");
}

#[test]
fn what_is_no_directory_is_refused() {
    let sandbox = sandbox();
    sandbox.add("file", "", 0o644);
    for changes in CHANGES {
        let outcome = sandbox.output(&[changes, &["--dir", "/file"]].concat(), "true");
        assert_refused(&outcome, 125, &["making directory /file: Not a directory"]);
    }
}

#[test]
fn a_missing_link_is_made() {
    let sandbox = sandbox();
    let options =
        ["--symlink", "usr/../bin:/b", "--symlink=/home/alice/data/x:/a/b/link", "--symlink=x:/tmp/l"];
    let script = "readlink /b; readlink /a/b/link; readlink /tmp/l; /b/echo run; cat /a/b/link 2>/dev/null || echo none";
    assert_prints(&sandbox, &options, script, "usr/../bin\n/home/alice/data/x\nx\nrun\nnone\n");
}

#[test]
fn the_same_link_is_left_and_anything_else_is_refused() {
    let sandbox = sandbox();
    let root = &sandbox.rootfs.path;
    sandbox.add("file", "", 0o644);
    for (link, text) in [("same", "usr"), ("dangling", "/nowhere"), ("out", "../../..")] {
        symlink(text, root.join(link)).expect("a symlink");
    }
    let same = ["--symlink=usr:/same", "--symlink=/nowhere:/dangling", "--symlink=usr:/same"];
    assert_prints(&sandbox, &same, "readlink /same; readlink /dangling", "usr\n/nowhere\n");
    for link in ["/file", "/usr", "/out", "/dangling", "/proc", "/dev/null"] {
        for changes in CHANGES {
            let option = format!("--symlink=x:{link}");
            let outcome = sandbox.output(&[changes, &[&option]].concat(), "true");
            let expected = format!("making symbolic link {link}: something else than a link to x is there");
            assert_refused(&outcome, 125, &[&expected]);
        }
    }
    let outcome = sandbox.output(&["--symlink=x:/file/below"], "true");
    assert_refused(&outcome, 125, &["making symbolic link /file/below: Not a directory"]);
}

/// Covering /proc with a copy of what it has at this moment would hide every later process.
#[test]
fn nothing_is_made_in_proc() {
    let sandbox = sandbox();
    symlink("proc", sandbox.rootfs.path.join("p")).expect("a symlink");
    for option in ["--symlink=x:/proc/made", "--dir=/proc/made", "-v./data:/p/made", "--symlink=x:/p/made"] {
        for changes in CHANGES {
            let outcome = sandbox.output(&[changes, &[option]].concat(), "true");
            assert_refused(&outcome, 125, &["made", "No such file or directory"]);
        }
    }
}

#[test]
fn links_lead_mounts_and_directories_on_inside() {
    let sandbox = sandbox();
    let options = ["--symlink=/srv:/s", "--dir=/s/x/made", "-v./data:/s/x/data", "--symlink=../../../..:/up"];
    assert_prints(
        &sandbox,
        &options,
        "cat /srv/x/data/x; ls /srv/x; ls -d /up/bin",
        "x\ndata\nmade\n/up/bin\n",
    );
}

#[test]
fn a_file_has_what_the_descriptor_has() {
    let sandbox = sandbox();
    let before = listing(&sandbox.rootfs.path);
    for changes in CHANGES {
        let options = |file: &str| format!("{} --file 3:{file}", changes.join(" "));
        let script = "cat /a/file; stat -c \"%a %u\" /a/file; echo more >>/a/file && tail -n 1 /a/file";
        let outcome = with_content(&sandbox, "word", &options("/a/file:mode=0640"), script);
        assert_eq!(outcome.ok(), "word\n640 0\nmore\n", "{changes:?}");
        let outcome =
            with_content(&sandbox, "word", &options("/etc/passwd:ro"), "cat /etc/passwd; echo >>/etc/passwd");
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, "word\n"), "{changes:?} {outcome:?}");
        assert!(outcome.stderr.contains("Read-only file system"), "{outcome:?}");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{changes:?}");
    }
    assert_refused(&with_content(&sandbox, "", "--file 3:/usr", "true"), 125, &["/usr", "Is a directory"]);
    assert_refused(&sandbox.output(&["--file", "9:/x"], "true"), 125, &["--file: descriptor 9 is not open"]);
    let home = "subroot run --file 3:/x ./rootfs -- true 3<.";
    assert_refused(
        &sandbox.host.output(&mut sandbox.alice.shell(home)),
        125,
        &["descriptor 3: Is a directory"],
    );
    let endless = "subroot run --file 3:/x ./rootfs -- true 3</dev/zero";
    assert_refused(&sandbox.host.output(&mut sandbox.alice.shell(endless)), 125, &["more than 16 MiB"]);
}

#[test]
fn the_hosts_own_system_gets_them_too_even_read_only() {
    let sandbox = sandbox();
    let options = ["--dir=/made", "--symlink=usr:/link", "-v./data:/bound/data", "-v./data/x:/etc/bound"];
    let script = "touch /made/x && readlink /link && cat /bound/data/x /etc/bound; touch /x 2>/dev/null && echo written";
    for (changes, expected) in [(&[][..], "usr\nx\nx\nwritten\n"), (&["--read-only"], "usr\nx\nx\n")] {
        let words = [&["run"], changes, &options[..], &["--", "sh", "-c", script]].concat();
        assert_eq!(sandbox.says(&words).stdout, expected, "{changes:?}");
    }
    assert!(
        ["/made", "/link", "/bound", "/etc/bound"].iter().all(|path| !fs::exists(path).expect("looking"))
    );
}

/// A root that belongs to a granted ID: its directory is covered, not changed.
#[test]
fn a_root_that_is_not_the_callers_gets_them_in_memory() {
    let sandbox = sandbox();
    chown(&sandbox.rootfs.path, Some(100_005), Some(100_005)).expect("giving a directory away");
    let options = ["--dir=/new:mode=0700", "--symlink=bin:/b", "--dir=/usr"];
    assert_prints(
        &sandbox,
        &options,
        "touch /new/x; stat -c %a /new; readlink /b; ls -d /bin",
        "700\nbin\n/bin\n",
    );
}

#[test]
fn of_two_runs_each_has_its_own_directory() {
    let sandbox = sandbox();
    let before = listing(&sandbox.rootfs.path);
    let options = ["--dir=/new"];
    let first = Running::new(&mut sandbox.shell(&options, "touch /new/first; echo ready; exec sleep 1000"));
    assert_eq!(sandbox.prints(&options, "ls -A /new; stat -c %a /new"), "755\n");
    first.signal(15);
    assert_eq!(first.end().code(), 143);
    assert_eq!(listing(&sandbox.rootfs.path), before);
    assert!(!fs::exists("/new").expect("looking into /"));
}

/// What --dir and --symlink name is not made writable by landlock.
#[test]
fn what_a_link_leads_to_stays_read_only_for_landlock() {
    let sandbox = sandbox();
    let options = ["--security-opt=landlock=read-only", "--symlink=/usr:/link", "--dir=/etc"];
    let outcome =
        sandbox.output(&options, "touch /link/x 2>/dev/null || touch /etc/x 2>/dev/null || echo neither");
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "neither\n"), "{outcome:?}");
}
