//! What a host may lack or forbid: one clear line, its own exit status, and nothing changed.

use nix::sys::resource::Resource;
use std::fs;
use std::path::Path;
use std::process::Command;
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned, listing, mounts};
use subroot_tests::{Install, Step, start_with};

/// Runs a launch that must fail, and fails the test if it changes anything.
#[track_caller]
fn assert_refused_and_unchanged(sandbox: &Sandbox, command: &mut Command, status: i32, words: &[&str]) {
    let state =
        || (mounts(), listing(Path::new("/home")), listing(Path::new("/etc")), listing(Path::new("/tmp")));
    let before = state();
    let outcome = sandbox.host.output(command);
    assert_refused(&outcome, status, words);
    assert!(state() == before, "something has changed: {outcome:?}");
}

#[test]
fn a_root_that_is_missing() {
    let sandbox = Sandbox::bare();
    let mut command = sandbox.alice.command("subroot");
    command.args(["run", "/no/root\u{1b}[31m", "--", "true"]);
    let words = ["opening rootfs /no/root\\u{1b}[31m: No such file or directory"];
    assert_refused_and_unchanged(&sandbox, &mut command, 125, &words);
}

#[test]
fn a_root_without_the_command() {
    let sandbox = Sandbox::bare();
    let words = ["running no-such-command", "command not found"];
    assert_refused_and_unchanged(&sandbox, &mut sandbox.run(&[], &["no-such-command"]), 127, &words);
}

#[test]
fn a_root_without_a_shell() {
    let sandbox = Sandbox::bare();
    fs::remove_file(sandbox.rootfs.path.join("bin/sh")).expect("removing the shell");
    let mut command = sandbox.alice.command("subroot");
    command.arg("run").arg(&sandbox.rootfs.path);
    assert_refused_and_unchanged(&sandbox, &mut command, 127, &["running /bin/sh", "command not found"]);
}

#[test]
fn a_command_that_is_not_executable() {
    let sandbox = Sandbox::bare();
    sandbox.add("bin/plain", "text", 0o644);
    let words = ["running /bin/plain", "not executable"];
    assert_refused_and_unchanged(&sandbox, &mut sandbox.run(&[], &["/bin/plain"]), 126, &words);
}

#[test]
fn a_command_whose_elf_loader_is_missing() {
    let sandbox = Sandbox::bare();
    sandbox.add("bin/dynamic", fs::read("/bin/true").expect("a program of the host"), 0o755);
    let words = ["running /bin/dynamic", "its ELF loader /lib", "does not exist"];
    assert_refused_and_unchanged(&sandbox, &mut sandbox.run(&[], &["/bin/dynamic"]), 126, &words);
}

#[test]
fn no_grant_files_at_all() {
    let sandbox = Sandbox::new();
    sandbox.host.remove("/etc/subuid");
    sandbox.host.remove("/etc/subgid");
    assert_warned(&sandbox.output(&[], "true"), &["only your own ID is mapped", "/etc/subuid"]);
}

#[test]
fn malformed_lines_alone_are_named() {
    let sandbox = Sandbox::new();
    for line in ["alice:100000", "alice:100000:", "alice:100000:0", "alice:1e5:10", "alice: 100000:10"] {
        sandbox.host.write("/etc/subuid", format!("{line}\n"));
        let words = ["only your own ID is mapped", "/etc/subuid, line 1, grants nothing"];
        assert_warned(&sandbox.output(&[], "true"), &words);
    }
}

#[test]
fn a_mapper_without_its_bit() {
    let sandbox = Sandbox::bare();
    sandbox.host.install_mapper(Install::None);
    let mut command = sandbox.leaving_a_mark(&["--helper", subroot_tests::MAPPER]);
    let words =
        ["mapping IDs with", subroot_tests::MAPPER, "CAP_SETUID is missing", "neither setuid root nor"];
    assert_refused_and_unchanged(&sandbox, &mut command, 125, &words);
}

#[test]
fn no_new_privs_takes_the_mappers_bit_away() {
    let sandbox = Sandbox::bare();
    let mut command = sandbox.leaving_a_mark(&["--helper", subroot_tests::MAPPER]);
    let command = start_with(&mut command, vec![Step::NoNewPrivs]);
    assert_refused_and_unchanged(&sandbox, command, 125, &["mapping IDs with", "no_new_privs"]);
}

#[test]
fn namespaces_that_are_used_up() {
    let sandbox = Sandbox::bare();
    let launch = format!("exec subroot run {} -- true", sandbox.rootfs.path.display());
    let script = format!("echo 0 > /proc/sys/user/max_user_namespaces; {launch}");
    let mut command = sandbox.alice.command("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", &script]);
    let outcome = sandbox.host.output(&mut command);
    assert_refused(&outcome, 125, &["creating namespaces", "No space left on device"]);
    assert!(
        outcome.stderr.contains("\nsubroot: fix: ")
            && outcome.stderr.contains("user.max_user_namespaces is 0")
    );
}

#[test]
fn processes_that_are_used_up() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.leaving_a_mark(&[]);
    let outcome = sandbox.host.output(start_with(&mut command, vec![Step::Limit(Resource::RLIMIT_NPROC, 0)]));
    assert_refused(&outcome, 125, &["creating namespaces", "Resource temporarily unavailable"]);
    assert!(
        outcome.stderr.contains("RLIMIT_NPROC is 0") && outcome.stderr.contains("ulimit -u"),
        "{outcome:?}"
    );
    assert!(!sandbox.has_mark());
}

#[test]
fn namespaces_that_are_forbidden() {
    let sandbox = Sandbox::bare();
    // The kernel creates no user namespace for a process in a chroot: user_namespaces(7).
    let path = sandbox.alice.home.join("host");
    fs::create_dir(&path).expect("making a directory");
    let (flags, none) = (nix::mount::MsFlags::MS_BIND | nix::mount::MsFlags::MS_REC, None::<&str>);
    nix::mount::mount(Some("/"), &path, none, flags, none).expect("binding the host's root");
    let mut command = sandbox.host.user("root").command("chroot");
    command.arg("--userspec=1000:1000").arg(&path).args(["/usr/local/bin/subroot", "run", "--", "true"]);
    let outcome = sandbox.host.output(&mut command);
    assert_refused(&outcome, 125, &["creating namespaces", "Operation not permitted"]);
    assert!(outcome.stderr.contains("\nsubroot: fix: ") && outcome.stderr.contains("chroot"), "{outcome:?}");
}

#[test]
fn no_process_more_allowed() {
    let sandbox = Sandbox::bare();
    let user = sandbox.host.uid(4712);
    let mut command = user.command("subroot");
    command.args(["run", "--", "true"]);
    let limit = Step::Limit(nix::sys::resource::Resource::RLIMIT_NPROC, 1);
    let outcome = sandbox.host.output(start_with(&mut command, vec![limit]));
    assert_refused(&outcome, 125, &["Resource temporarily unavailable"]);
}

#[test]
fn a_launcher_that_is_setuid_refuses_to_run() {
    let sandbox = Sandbox::bare();
    let copy = Path::new("/usr/local/bin/setuid-subroot");
    fs::copy("/usr/local/bin/subroot", copy).expect("copying the launcher");
    for mode in [0o4755, 0o2755] {
        std::os::unix::fs::chown(copy, Some(0), Some(0)).expect("giving it to root");
        fs::set_permissions(copy, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .expect("setting its bit");
        for verb in [&["run", "--", "true"][..], &["unshare", "--", "true"], &["idmap"], &["--version"]] {
            let mut command = sandbox.alice.command(copy);
            assert_refused_and_unchanged(&sandbox, command.args(verb), 125, &["setuid"]);
        }
    }
}

#[test]
fn a_word_with_a_null_byte_cannot_even_be_typed_but_an_empty_one_can() {
    let sandbox = Sandbox::bare();
    assert_refused_and_unchanged(&sandbox, &mut sandbox.run(&[], &[""]), 125, &["the name is empty"]);
}
