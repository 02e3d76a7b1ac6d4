//! `subroot run` without a root: the host's own system, with all writes in a private layer in memory.

use nix::mount::{MsFlags, mount};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use subroot_tests::sandbox::{listing, map_lines, mounts};
use subroot_tests::{Host, MAPPER, Outcome, User};

/// Writes in every place where a new user would, reads it back, and reports it.
const WRITES: &str = "
    for directory in . ~ /etc /tmp /usr/local /var/lib /usr/bin; do
        echo private > $directory/subroot-wrote && cat $directory/subroot-wrote
    done
    echo 'added::1:1::/:' >> /etc/passwd && tail -n 1 /etc/passwd";

const WRITTEN: &str = "private\nprivate\nprivate\nprivate\nprivate\nprivate\nprivate\nadded::1:1::/:\n";

const MOUNTS: u32 = 200;

fn run(user: &User, words: &[&str]) -> Command {
    let mut command = user.command("subroot");
    command.arg("run").args(words);
    command
}

/// Everything that the user could have written to: their own files, the host's, and the test's private files.
fn everything() -> (Vec<String>, String) {
    let listed =
        ["/home", "/etc", "/tmp", "/usr/local/bin"].map(|path| format!("{:?}", listing(Path::new(path))));
    let system = ["/usr/local", "/var/lib", "/usr/bin"];
    assert!(system.iter().all(|dir| !Path::new(dir).join("subroot-wrote").exists()));
    (listed.into(), mounts())
}

#[track_caller]
fn assert_writes_go_nowhere(host: &Host, user: &User) -> Outcome {
    let before = everything();
    let outcome = host.output(&mut run(user, &["--", "sh", "-c", WRITES]));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, WRITTEN), "{outcome:?}");
    assert_eq!(everything(), before);
    outcome
}

#[test]
fn what_a_plain_user_writes_goes_nowhere() {
    let host = Host::new();
    assert_eq!(assert_writes_go_nowhere(&host, &host.user("alice")).stderr, "");
}

#[test]
fn what_a_user_without_a_grant_writes_goes_nowhere() {
    let host = Host::new();
    assert_eq!(assert_writes_go_nowhere(&host, &host.user("carol")).stderr.lines().count(), 1);
}

#[test]
fn what_a_user_writes_on_a_host_without_any_mapper_goes_nowhere() {
    let host = Host::new();
    host.remove(MAPPER);
    host.hide("/usr/bin/newuidmap");
    assert_eq!(assert_writes_go_nowhere(&host, &host.user("alice")).stderr.lines().count(), 1);
}

#[test]
fn a_host_may_have_more_mounts_than_a_process_may_have_descriptors() {
    let host = Host::new();
    let alice = host.user("alice");
    for number in 0..MOUNTS {
        let path = alice.home.join(format!("mounts/{number}"));
        fs::create_dir_all(&path).expect("a mount point");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some("mode=777")).expect("a mount");
    }
    let script = "ulimit -n 64; subroot run -- sh -c 'for dir in ~/mounts/*; do echo > $dir/new; done; ls ~/mounts/*/new | wc -l'";
    let outcome = host.output(&mut alice.shell(script));
    assert_eq!(outcome.ok(), format!("{MOUNTS}\n"));
    assert!(!alice.home.join("mounts/7/new").exists());
}

#[test]
fn what_root_writes_goes_nowhere() {
    let host = Host::new();
    assert_writes_go_nowhere(&host, &host.user("root"));
}

#[test]
fn what_root_with_a_grant_writes_goes_nowhere() {
    let host = Host::new();
    for file in ["/etc/subuid", "/etc/subgid"] {
        host.write(file, "root:200000:65536\n");
    }
    assert_writes_go_nowhere(&host, &host.user("root"));
}

#[test]
fn a_shell_reads_its_commands_from_a_pipe() {
    let host = Host::new();
    for name in ["alice", "root", "carol"] {
        let user = host.user(name);
        let outcome = host.output(&mut user.shell("printf 'id -u\\npwd\\nexit 7\\n' | subroot run"));
        let home = format!("0\n{}\n", user.home.display());
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (7, home.as_str()), "{outcome:?}");
    }
}

#[test]
fn without_anything_to_read_the_shell_ends_well() {
    let host = Host::new();
    let outcome = host.output(run(&host.user("alice"), &[]).stdin(Stdio::null()));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, ""), "{outcome:?}");
}

#[test]
fn the_working_directory_the_home_and_the_environment_are_kept() {
    let host = Host::new();
    let alice = host.user("alice");
    let dir = alice.home.join("deep/er");
    host.make_dir(&dir, &alice);
    fs::write(dir.join("file"), "kept\n").expect("writing a file");
    let mut command = run(&alice, &["--", "sh", "-c", "pwd; echo $HOME $OWN $container; cat file"]);
    let outcome = host.output(command.current_dir(&dir).env("OWN", "variable"));
    assert_eq!(outcome.ok(), "/home/alice/deep/er\n/home/alice variable subroot\nkept\n");
}

#[test]
fn an_option_moves_the_working_directory() {
    let host = Host::new();
    assert_eq!(host.output(&mut run(&host.user("alice"), &["-w", "/etc", "--", "pwd"])).ok(), "/etc\n");
}

#[test]
fn only_the_inside_is_shown() {
    let host = Host::new();
    let script = "cat /proc/self/uid_map; cat /proc/1/comm; set -- /proc/[0-9]*; echo $#";
    let seen = host.output(&mut run(&host.user("alice"), &["--", "sh", "-c", script])).ok();
    let lines = map_lines(&seen);
    assert_eq!(lines, ["0 1000 1", "1 100000 65536", "subroot-init", "2"], "{seen}");
}

#[test]
fn the_programs_and_files_of_the_host_are_there() {
    let host = Host::new();
    host.write("/etc/own-file", "of the host\n");
    let alice = host.user("alice");
    let script = "cat /etc/own-file; ls -l /usr/bin/env >/dev/null && command -v subroot; readlink /bin";
    let outcome = host.output(&mut run(&alice, &["--", "sh", "-c", script]));
    assert!(outcome.stdout.starts_with("of the host\n/usr/local/bin/subroot\n"), "{outcome:?}");
}

#[test]
fn files_can_be_changed_renamed_and_removed_for_the_run() {
    let host = Host::new();
    let alice = host.user("alice");
    fs::write(alice.home.join("file"), "text\n").expect("writing a file");
    std::os::unix::fs::chown(alice.home.join("file"), Some(1000), Some(1000)).expect("giving it to alice");
    let script =
        "chmod 600 file && mv file other && ln other link && rm other && cat link && mkdir new && rmdir new";
    let before = everything();
    assert_eq!(host.output(&mut run(&alice, &["--", "sh", "-c", script])).ok(), "text\n");
    assert_eq!(everything(), before);
}

#[test]
fn a_file_that_the_user_may_not_read_stays_shut() {
    let host = Host::new();
    host.write("/etc/secret", "secret\n");
    fs::set_permissions("/etc/secret", std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("shutting it");
    let outcome = host.output(&mut run(&host.user("alice"), &["--", "cat", "/etc/secret"]));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{outcome:?}");
}

#[test]
fn nested_runs_work() {
    let host = Host::new();
    let words = ["--", "subroot", "run", "--", "sh", "-c", "id -u; cat /proc/1/comm"];
    assert_eq!(host.output(&mut run(&host.user("alice"), &words)).stdout, "0\nsubroot-init\n");
}
