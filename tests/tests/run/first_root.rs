//! A path that is not what the user meant: the message says what it is, and each fix works as printed.

use nix::sys::stat::Mode;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use subroot_tests::sandbox::{Sandbox, assert_refused, listing};
use subroot_tests::{Outcome, is_nested, skip};

/// `subroot LINE`, by alice in her home.
fn line(sandbox: &Sandbox, words: &str) -> Outcome {
    sandbox.host.output(&mut sandbox.alice.shell(&format!("subroot {words}")))
}

/// The fix in an outcome.
#[track_caller]
fn fix(outcome: &Outcome) -> &str {
    let fix = outcome.stderr.lines().find_map(|line| line.strip_prefix("subroot: fix: "));
    fix.unwrap_or_else(|| panic!("no fix: {outcome:?}"))
}

/// Fails the test unless this line is refused, and works with the other path that the fix names.
#[track_caller]
fn assert_corrected(sandbox: &Sandbox, words: &str, typed: &str) {
    let outcome = line(sandbox, words);
    assert_refused(&outcome, 125, &[typed, "No such file or directory (there is "]);
    let named = fix(&outcome).strip_prefix("name ").and_then(|fix| fix.strip_suffix(" instead"));
    let corrected = words.replace(typed, named.unwrap_or_else(|| panic!("{outcome:?}")));
    assert_eq!(line(sandbox, &corrected).code(), 0, "{corrected}");
}

#[test]
fn a_misspelt_path_of_any_option_is_corrected() {
    let sandbox = Sandbox::new();
    sandbox.dir("my data", &[("vars.env", "A=1\n")]);
    fs::create_dir(sandbox.rootfs.path.join("srv")).expect("a directory");
    for (words, typed) in [
        ("run ./rotfs -- true", "./rotfs"),
        ("run rootsf -- true", "rootsf"),
        ("run /home/alcie/rootfs -- true", "/home/alcie/rootfs"),
        ("run -v /home/alice/my-data/vars.env:/etc/x ./rootfs -- true", "/home/alice/my-data/vars.env"),
        ("run --mount src=/home/alice/rootfs/bni,dst=/mnt ./rootfs -- true", "/home/alice/rootfs/bni"),
        ("run --device /dev/nul:/dev/x ./rootfs -- true", "/dev/nul"),
        ("run --env-file ./my-data/vars.env ./rootfs -- true", "./my-data/vars.env"),
        ("run --env-file 'my data/var.env' ./rootfs -- true", "my data/var.env"),
        ("run -w /svr ./rootfs -- true", "/svr"),
    ] {
        if words.contains("'my data") {
            // The quotes are around the path in the line, and in the fix.
            let outcome = line(&sandbox, words);
            assert_eq!(fix(&outcome), "name 'my data/vars.env' instead");
            continue;
        }
        assert_corrected(&sandbox, words, typed);
    }
}

#[test]
fn the_missing_part_of_a_path_is_named() {
    let sandbox = Sandbox::new();
    symlink("nothing", "/home/alice/dangling").expect("a symlink");
    for (words, why) in [
        ("run /no/such/root", "(/ has no no)"),
        ("run ./rootfs/deep/er", "(/home/alice/rootfs has no deep)"),
        ("run ./dangling", "(./dangling is a symlink to nothing, which does not exist)"),
        ("run -v ./other:/srv ./rootfs", "(/home/alice has no other)"),
        ("run --env-file vars ./rootfs", "(/home/alice has no vars)"),
        (
            "run -w /no/where ./rootfs -- true",
            "(the sandbox has no /no/where, and subroot does not create it)",
        ),
    ] {
        let outcome = line(&sandbox, words);
        assert_refused(&outcome, 125, &["No such file or directory", why]);
        fix(&outcome);
    }
}

#[test]
fn a_directory_that_was_removed_is_not_searched() {
    let sandbox = Sandbox::new();
    for (words, why) in [
        ("run ./rootfs", "(the current directory has been removed)"),
        ("run -v .:/srv /home/alice/rootfs", "the current directory has been removed"),
    ] {
        let script = format!("mkdir lost && cd lost && rmdir ../lost && subroot {words}");
        let outcome = sandbox.host.output(&mut sandbox.alice.shell(&script));
        assert_refused(&outcome, 125, &[why]);
    }
}

#[test]
fn an_archive_is_unpacked_by_the_fix() {
    let sandbox = Sandbox::new();
    let pack = |option: &str, name: &str| {
        let script = format!("tar -c {option} -C rootfs -f \"$1\" .");
        let mut command = sandbox.alice.command("sh");
        command.args(["-c", &script, "sh", &format!("./{name}")]);
        sandbox.host.output(&mut command).ok();
    };
    let archives = [
        ("", "x.tar", "x"),
        ("-z", "a b'c.tar.gz", "a b'c"),
        ("-J", "-dash:1.txz", "-dash:1"),
        ("-j", "two.tar.bz2", "two"),
        ("--zstd", "zst.tar.zst", "zst"),
        ("", "image", "rootfs-2"),
        ("", "x.tar.gz", "x-2"),
    ];
    for (option, name, dir) in archives {
        pack(option, name);
        let mut command = sandbox.alice.command("subroot");
        let outcome = sandbox.host.output(command.args(["run", &format!("./{name}"), "--", "true"]));
        assert_refused(&outcome, 125, &["Not a directory (", "is an archive, and ROOTFS is a directory)"]);
        sandbox.host.output(&mut sandbox.alice.shell(fix(&outcome))).ok();
        let mut command = sandbox.alice.command("subroot");
        command.args(["run", &format!("./{dir}"), "--", "cat", "/etc/group"]);
        assert_eq!(sandbox.host.output(&mut command).ok(), "root:x:0:\n", "{name}");
    }
}

/// Without granted IDs, tar can give all files to the user only.
#[test]
fn an_archive_is_unpacked_by_the_fix_without_granted_ids() {
    let sandbox = Sandbox::new();
    sandbox.host.remove("/etc/subuid");
    sandbox.host.remove("/etc/subgid");
    let script = "cd rootfs && tar -c --owner=7 --group=7 -f ../x.tar .";
    sandbox.host.output(&mut sandbox.alice.shell(script)).ok();
    let outcome = line(&sandbox, "run x.tar");
    sandbox.host.output(&mut sandbox.alice.shell(fix(&outcome))).ok();
    assert!(line(&sandbox, "run ./x -- true").code() == 0);
}

#[test]
fn a_directory_without_a_system_is_called_that() {
    let sandbox = Sandbox::new();
    sandbox.dir("empty", &[]);
    sandbox.dir("plain", &[("notes", "x\n")]);
    for (dir, why) in [
        ("./empty", "(./empty is empty: it has no program to run)"),
        ("./plain", "(./plain is not a root filesystem: it has neither bin nor usr/bin)"),
    ] {
        for words in [&["run", dir][..], &["run", dir, "--", "ls"]] {
            let outcome = sandbox.says(words);
            assert_refused(&outcome, 127, &["command not found", why]);
        }
        let report = sandbox.says(&["doctor", dir]);
        let why = why.trim_matches(['(', ')']);
        assert!(report.code() > 0 && report.stdout.contains(why), "{report:?}");
    }
}

#[test]
fn a_root_around_or_in_the_directory_is_found() {
    let sandbox = Sandbox::new();
    sandbox.dir("bundle", &[]);
    fs::rename(&sandbox.rootfs.path, "/home/alice/bundle/rootfs").expect("moving the root");
    for dir in ["bundle", "./bundle/rootfs/etc", "bundle/rootfs/bin"] {
        let outcome = sandbox.says(&["run", dir]);
        assert_refused(&outcome, 127, &["is not a root filesystem, but ", "bundle/rootfs looks like one"]);
        let named = fix(&outcome).strip_prefix("name ").and_then(|fix| fix.strip_suffix(" instead"));
        assert_eq!(sandbox.says(&["run", named.expect("a path"), "--", "true"]).code(), 0);
        let report = sandbox.says(&["doctor", dir]);
        assert!(report.code() == 1 && report.stdout.contains("looks like one"), "{report:?}");
    }
    // Any program in such a directory can still be run.
    assert_eq!(sandbox.says(&["run", "bundle/rootfs/bin", "--", "/busybox", "true"]).code(), 0);
    assert_eq!(sandbox.says(&["doctor", "bundle/rootfs"]).code(), 0);
}

#[test]
fn a_command_in_the_place_of_rootfs_is_put_after_dashes() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.says(&["run", "ls"]);
    assert_refused(&outcome, 125, &["opening rootfs ls", "ls is a command"]);
    let fixed = fix(&outcome).strip_prefix("put -- before the command: ").expect("a command");
    sandbox.host.output(&mut sandbox.alice.shell(fixed)).ok();
}

#[test]
fn an_image_is_said_not_to_be_pulled() {
    let sandbox = Sandbox::new();
    for name in ["alpine", "debian:12", "docker.io/library/busybox"] {
        for verb in ["run", "doctor"] {
            let outcome = sandbox.says(&[verb, name]);
            let said = [outcome.stdout.as_str(), &outcome.stderr].concat();
            assert!(outcome.code() != 0 && said.contains("nothing was pulled"), "{outcome:?}");
        }
    }
    // A directory with such a name is a directory.
    fs::rename(&sandbox.rootfs.path, "/home/alice/alpine").expect("renaming the root");
    assert_eq!(sandbox.says(&["run", "alpine", "--", "true"]).code(), 0);
}

#[test]
fn a_directory_for_changes_is_created() {
    let sandbox = Sandbox::new();
    let run =
        |options: &str, script: &str| line(&sandbox, &format!("run {options} ./rootfs -- sh -c '{script}'"));
    assert_eq!(run("--overlay=changes", "echo kept >/x").code(), 0);
    assert_eq!(run("--overlay=./changes", "cat /x").ok(), "kept\n");
    let mode = |path: &str| {
        let found = fs::metadata(path).expect("the directory");
        Mode::from_bits_truncate(std::os::unix::fs::MetadataExt::mode(&found)).bits()
    };
    assert_eq!(mode("/home/alice/changes"), 0o755);
    let before = listing("/home/alice".as_ref());
    let outcome = run("--overlay=deep/changes", "true");
    assert_refused(&outcome, 125, &["creating the directory of --overlay", "(/home/alice has no deep)"]);
    assert_refused(&run("--overlay=new --name a/b", "true"), 125, &["--name"]);
    assert_refused(&run("--overlay=new -w /nowhere", "true"), 125, &["/nowhere"]);
    assert_eq!(line(&sandbox, "run --print-plan --overlay=new ./rootfs").code(), 0);
    let after = listing("/home/alice".as_ref());
    let new: Vec<&String> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(new.is_empty(), "{new:?}");
    sandbox.host.output(&mut sandbox.alice.shell(fix(&outcome))).ok();
    assert_eq!(run("--overlay=deep/changes", "true").code(), 0);
}

fn why_no_fuse() -> Option<&'static str> {
    let programs = ["/usr/bin/bindfs", "/usr/bin/fusermount3"];
    match programs.iter().all(|program| std::path::Path::new(program).exists()) {
        _ if is_nested() => Some("no device can be made in a user namespace"),
        false => Some("no FUSE: install bindfs and fuse3"),
        true => None,
    }
}

/// A user's own FUSE filesystem.
struct Fuse<'s>(&'s Sandbox);

impl Fuse<'_> {
    /// Mounts the root over itself.
    fn mount(sandbox: &Sandbox) -> Fuse<'_> {
        let device = "mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse";
        sandbox.host.output(Command::new("sh").args(["-c", device])).ok();
        symlink("/proc/self/mounts", "/etc/mtab").expect("what fusermount3 reads");
        let serve = "bindfs -f --no-allow-other real rootfs >/dev/null 2>&1 & echo $! >server";
        let wait = "until mountpoint -q rootfs; do sleep 0.02; done";
        let mount = format!("mv rootfs real && mkdir rootfs && {serve}; {wait}");
        let mounted = sandbox.host.output(&mut sandbox.alice.shell(&mount));
        let fuse = Fuse(sandbox);
        mounted.ok();
        fuse
    }
}

impl Drop for Fuse<'_> {
    fn drop(&mut self) {
        let _status = self.0.host.output(&mut self.0.alice.shell("fusermount3 -u -z rootfs"));
    }
}

#[test]
fn another_user_on_a_users_own_fuse_root_needs_an_overlay() {
    if let Some(why) = why_no_fuse() {
        skip!("{why}");
    }
    let sandbox = Sandbox::new();
    let _fuse = Fuse::mount(&sandbox);
    let outcome = line(&sandbox, "run -u 5 ./rootfs -- true");
    let why = "./rootfs is on a FUSE filesystem without allow_other";
    assert_refused(&outcome, 125, &["Permission denied", why]);
    assert_eq!(fix(&outcome), "run with --overlay");
    assert_eq!(line(&sandbox, "run -u 5 --overlay ./rootfs -- true").code(), 0);
    let report = sandbox.says(&["doctor", "./rootfs"]);
    assert!(report.code() == 1 && report.stdout.contains(why), "{report:?}");
}

#[test]
fn a_fuse_root_whose_server_has_ended_is_reported() {
    if let Some(why) = why_no_fuse() {
        skip!("{why}");
    }
    let sandbox = Sandbox::new();
    let _fuse = Fuse::mount(&sandbox);
    sandbox
        .host
        .output(
            &mut sandbox.alice.shell("kill -9 $(cat server); while [ -e rootfs/bin ]; do sleep 0.02; done"),
        )
        .ok();
    let why = "./rootfs is on a FUSE filesystem whose server has ended";
    assert_refused(&line(&sandbox, "run ./rootfs"), 125, &["Transport endpoint is not connected", why]);
    let report = sandbox.says(&["doctor", "./rootfs"]);
    assert!(report.code() == 2 && report.stdout.contains(why), "{report:?}");
    let fixed =
        "fusermount3 -u -z rootfs && bindfs --no-allow-other real rootfs && subroot run ./rootfs -- true";
    sandbox.host.output(&mut sandbox.alice.shell(fixed)).ok();
}
