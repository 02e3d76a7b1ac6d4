//! Why the kernel creates no namespaces: reported by `doctor` and by a launch.

use crate::doctor::assert_found;
use nix::errno::Errno;
use nix::sys::resource::Resource;
use std::fs;
use subroot_tests::sandbox::{Sandbox, assert_refused, give, script};
use subroot_tests::{Outcome, Step, start_with};

/// The outcome of a launch and of `doctor` after this line in a shell that is root of a user namespace.
fn after(sandbox: &Sandbox, line: &str) -> [Outcome; 2] {
    started_by(sandbox, &format!("{line}; exec"))
}

/// The outcome of a launch and of `doctor`, each with this prefix, in a shell that is root of a user
/// namespace.
fn started_by(sandbox: &Sandbox, prefix: &str) -> [Outcome; 2] {
    let root = sandbox.rootfs.path.display();
    [format!("run {root} -- touch /mark"), "doctor".into()]
        .map(|words| in_shell(sandbox, &format!("{prefix} subroot {words}")))
}

/// The outcome of a script in a shell that is root of a user namespace.
fn in_shell(sandbox: &Sandbox, script: &str) -> Outcome {
    let mut command = sandbox.alice.command("unshare");
    sandbox.host.output(command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]))
}

/// Fails the test unless both name this cause and this fix.
#[track_caller]
fn assert_both(sandbox: &Sandbox, [launch, doctor]: &[Outcome; 2], cause: &str, fix: &str) {
    assert_refused(launch, 125, &["creating namespaces", cause]);
    assert!(launch.stderr.contains(&format!("\nsubroot: fix: {fix}")), "{launch:?}");
    assert!(!sandbox.has_mark());
    assert_found(doctor, 2, cause, fix);
}

#[test]
fn a_limit_is_zero_or_used_up() {
    let sandbox = Sandbox::bare();
    for kind in ["user", "mnt", "pid", "ipc", "uts", "cgroup"] {
        let limit = format!("user.max_{kind}_namespaces");
        let outcomes = after(&sandbox, &format!("echo 0 >/proc/sys/user/max_{kind}_namespaces"));
        assert_both(&sandbox, &outcomes, &format!("{limit} is 0"), &format!("as root: sysctl {limit}=15000"));
        let (_, fix) = outcomes[0].stderr.split_once("fix: as root: ").expect("a fix");
        let fixed = format!("echo 0 >/proc/sys/user/max_{kind}_namespaces && {} >/dev/null", fix.trim_end());
        assert_eq!(in_shell(&sandbox, &format!("{fixed} && subroot run / -- echo yes")).ok(), "yes\n");
    }
    let used = after(&sandbox, "echo 1 >/proc/sys/user/max_user_namespaces; unshare -U sleep 3 & sleep 1");
    assert_both(
        &sandbox,
        &used,
        "user.max_user_namespaces is 1, and all of them are in use",
        "as root: sysctl",
    );
}

#[test]
fn a_limit_of_what_is_made_on_request_alone_takes_nothing_else() {
    let sandbox = Sandbox::bare();
    let [launch, doctor] = after(&sandbox, "echo 0 >/proc/sys/user/max_net_namespaces");
    assert_eq!(launch.code(), 0, "{launch:?}");
    assert_found(&doctor, 1, "user.max_net_namespaces is 0", "sysctl user.max_net_namespaces");
}

#[test]
fn a_limit_of_what_is_asked_for_is_named() {
    let sandbox = Sandbox::bare();
    let script = "echo 0 >/proc/sys/user/max_net_namespaces; exec subroot run --network none / -- true";
    let outcome = in_shell(&sandbox, script);
    assert_refused(&outcome, 125, &["creating namespaces"]);
    let fix = "\nsubroot: fix: as root: sysctl user.max_net_namespaces=15000";
    assert!(outcome.stderr.contains(fix), "{outcome:?}");
}

/// Creates another user namespace, in which no limit is set.
const ENTER_ANOTHER: &str = "exec unshare --user --map-root-user";

#[test]
fn a_limit_of_a_user_namespace_around_it_is_reached() {
    let sandbox = Sandbox::bare();
    for kind in ["mnt", "pid", "ipc", "uts", "cgroup"] {
        let limit = |value| format!("echo {value} >/proc/sys/user/max_{kind}_namespaces");
        let outcomes = started_by(&sandbox, &format!("{}; {ENTER_ANOTHER}", limit(0)));
        let cause = format!("user.max_{kind}_namespaces of a user namespace around this one is reached");
        let fix = format!("as root outside of it: raise user.max_{kind}_namespaces there by sysctl");
        assert_both(&sandbox, &outcomes, &cause, &fix);
        let raised = format!("{}; {}; {ENTER_ANOTHER} subroot run / -- echo yes", limit(0), limit(15000));
        assert_eq!(in_shell(&sandbox, &raised).ok(), "yes\n");
    }
    let outcomes =
        started_by(&sandbox, &format!("echo 1 >/proc/sys/user/max_user_namespaces; {ENTER_ANOTHER}"));
    let fix = "start it with fewer sandboxes or containers around it; or as root outside of them: raise user.max_user";
    assert_both(&sandbox, &outcomes, "or user.max_user_namespaces of one of them is reached", fix);
}

/// The outcome of a launch and of `doctor` in a user namespace with as many nested levels of these kinds as
/// the kernel allows.
fn nested(sandbox: &Sandbox, kinds: &str) -> [Outcome; 2] {
    let unshare = format!("unshare {kinds} --fork");
    let text = format!("{unshare} true 2>/dev/null && exec {unshare} \"$0\" \"$@\"; exec subroot \"$@\"");
    let nested = script(&sandbox.alice, "nested", &text);
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    [["run", root, "--", "touch", "/mark"].as_slice(), &["doctor"]].map(|words| {
        let mut command = sandbox.alice.command("unshare");
        sandbox.host.output(command.args(["--user", "--map-root-user", &nested]).args(words))
    })
}

#[test]
fn namespaces_are_nested_as_deep_as_the_kernel_allows() {
    let sandbox = Sandbox::bare();
    let fix = "start it with fewer sandboxes or containers around it";
    let outcomes = nested(&sandbox, "--pid");
    assert_both(&sandbox, &outcomes, "32 PID namespaces are nested here", fix);
    let outcomes = nested(&sandbox, "--user --map-root-user");
    assert_both(&sandbox, &outcomes, "33 user namespaces are nested here", fix);
}

/// No kernel here has these two switches. A directory with a file like theirs covers /proc/sys/kernel, and a
/// filter responds as the kernel would.
#[test]
fn a_distributions_switch_is_set() {
    let sandbox = Sandbox::bare();
    for (name, value, fix) in [
        ("unprivileged_userns_clone", "0", "as root: sysctl kernel.unprivileged_userns_clone=1"),
        ("apparmor_restrict_unprivileged_userns", "1", "as root: install subroot's AppArmor profile"),
    ] {
        let prepared =
            format!("mount -t tmpfs none /proc/sys/kernel && echo {value} >/proc/sys/kernel/{name}");
        let cause = format!("kernel.{name} is {value}");
        let outcomes = ["run / -- true", "doctor"].map(|words| forbidden(&sandbox, &prepared, words));
        assert_both(&sandbox, &outcomes, &cause, fix);
    }
}

/// The outcome of a subroot command in a sandbox whose filter forbids user namespaces, after this line in a
/// shell there.
fn forbidden(sandbox: &Sandbox, line: &str, words: &str) -> Outcome {
    refused(sandbox, Errno::EPERM, "", line, words)
}

/// The same if clone(2) fails with this errno, and with more rules.
fn refused(sandbox: &Sandbox, errno: Errno, rules: &str, line: &str, words: &str) -> Outcome {
    let errno = errno as i32;
    let filter = format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rules}
        {{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}},
        {{"names": ["clone", "unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": {errno},
         "args": [{{"index": 0, "value": 268435456, "valueTwo": 268435456, "op": "SCMP_CMP_MASKED_EQ"}}]}}]}}"#
    );
    let place = sandbox.alice.home.join("filter.json");
    fs::write(&place, filter).expect("writing a profile");
    give(&place, &sandbox.alice, 0o644);
    let option = format!("--security-opt=seccomp={}", place.display());
    let script = format!("{line}; exec subroot {words}");
    let around = ["run", "--cap-add=ALL", &option, "--", "sh", "-c", &script];
    sandbox.host.output(sandbox.alice.command("subroot").args(around))
}

#[test]
fn a_filter_forbids_them() {
    let sandbox = Sandbox::bare();
    let outcomes = ["run / -- true", "doctor"].map(|words| forbidden(&sandbox, "true", words));
    assert_both(
        &sandbox,
        &outcomes,
        "a seccomp filter of subroot forbids user namespaces",
        "start subroot with a filter that allows them",
    );
}

/// The behaviour of qemu-user: no clone3(2), EINVAL for a clone(2) with namespaces, and EINVAL for
/// PR_GET_SECCOMP (21).
#[test]
fn an_emulator_makes_none() {
    const NO_SECCOMP: &str = r#"{"names": ["prctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
        "args": [{"index": 0, "value": 21, "op": "SCMP_CMP_EQ"}]},"#;
    let sandbox = Sandbox::bare();
    let both = |rules: &str| {
        ["run / -- true", "doctor"].map(|words| refused(&sandbox, Errno::EINVAL, rules, "true", words))
    };
    assert_both(
        &sandbox,
        &both(NO_SECCOMP),
        "an emulator such as qemu-user runs this program",
        "start a subroot that is built for",
    );
    // EINVAL from the kernel itself, as without CONFIG_USER_NS, does not mean that there is an emulator.
    assert_both(
        &sandbox,
        &both(""),
        "a chroot into a mount point, a security module",
        "start from outside of the chroot",
    );
}

#[test]
fn the_process_is_in_a_chroot() {
    let sandbox = Sandbox::new();
    let place = sandbox.rootfs.path.join("usr/local/bin");
    fs::create_dir_all(&place).expect("a directory");
    // A static build of the launcher would run alone. A dynamic one needs the host's libraries, so the chroot
    // has all of the host.
    let dir = sandbox.alice.home.join("chroot");
    fs::create_dir(&dir).expect("a directory");
    for name in ["bin", "lib", "lib64", "usr", "etc", "proc", "tmp", "home"] {
        let (source, target) = (format!("/{name}"), dir.join(name));
        if std::path::Path::new(&source).is_dir() {
            fs::create_dir(&target).expect("a mount point");
            let flags = nix::mount::MsFlags::MS_BIND | nix::mount::MsFlags::MS_REC;
            nix::mount::mount(Some(source.as_str()), &target, None::<&str>, flags, None::<&str>)
                .expect("binding");
        }
    }
    let outcomes = [["run", "/", "--", "true"].as_slice(), &["doctor"]].map(|words| {
        let mut command = sandbox.host.user("root").command("chroot");
        command.arg("--userspec=1000:1000").arg(&dir).arg("/usr/local/bin/subroot").args(words);
        sandbox.host.output(&mut command)
    });
    assert_both(&sandbox, &outcomes, "this process is in a chroot", "start from outside of it");
}

#[test]
fn there_may_be_no_more_processes() {
    let sandbox = Sandbox::bare();
    let outcomes = [["run", "/", "--", "true"].as_slice(), &["doctor"]].map(|words| {
        let mut command = sandbox.alice.command("subroot");
        sandbox.host.output(start_with(command.args(words), vec![Step::Limit(Resource::RLIMIT_NPROC, 0)]))
    });
    assert_both(&sandbox, &outcomes, "RLIMIT_NPROC is 0", "raise it with ulimit -u");
}

#[test]
fn a_container_around_is_named() {
    let sandbox = Sandbox::new();
    let outcome = forbidden(&sandbox, "true", "doctor");
    assert!(outcome.stdout.contains("the inside of a container of "), "{outcome:?}");
}
