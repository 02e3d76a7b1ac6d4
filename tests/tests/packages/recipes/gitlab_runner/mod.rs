//! gitlab-runner: a custom executor, driven as GitLab's runner drives one.

mod runner;

use nix::sys::signal::Signal;
use runner::{End, Job, Runner, signal};
use std::fs;
use subroot_tests::running::{Running, assert_all_gone, unique_word};
use subroot_tests::{Host, Started, skip};

#[test]
fn a_job_succeeds_and_leaves_nothing() {
    let runner = Runner::with_busybox();
    let mut job = Job::new(
        12,
        "small",
        "pwd; id -u; hostname; echo $CI; cat /of-the-sources; test -e /cache/kept || touch /cache/kept",
    );
    job.scripts.push((
        "get_sources",
        "touch /builds/group/project/source; echo fetched >/of-the-sources; chown 5:6 source; mkdir /of-others; touch /of-others/file; chown -R 5:6 /of-others".into(),
    ));
    job.scripts
        .push(("after_script", "ls; stat -c %u:%g source; ls /cache; test ! -e /proc/1/root/home".into()));
    let (end, log) = runner.perform(&job);
    let seen: Vec<&str> = log.lines().skip(1).collect();
    let expected = ["/builds/group/project", "0", "job-12", "true", "fetched", "source", "5:6", "kept"];
    assert_eq!((end, &seen[..]), (End::Success, &expected[..]), "{log}");
    assert_eq!(runner.left(), [] as [std::path::PathBuf; 0]);
    assert!(!runner.alice.home.join("rootfs/of-the-sources").exists(), "the shared root has changed");
    // A cache belongs to the project.
    let mut other = Job::new(13, "small", "ls /cache");
    assert_eq!(runner.perform(&other).1.lines().nth(1), Some("kept"));
    (other.id, other.project) = (14, 8);
    assert_eq!(runner.perform(&other).1.lines().nth(1), None);
}

#[test]
fn a_failing_script_is_a_build_failure_with_its_own_status() {
    let runner = Runner::with_busybox();
    // 125 is the status of a launch that fails.
    for status in [1, 3, 125, 137] {
        let mut job = Job::new(20, "small", format!("echo before; (exit {status}); echo not reached"));
        job.scripts.push(("after_script", "echo after".into()));
        let (end, log) = runner.perform(&job);
        assert_eq!(end, End::BuildFailure, "{log}");
        assert!(log.contains("before\nafter\n") && !log.contains("not reached"), "{log}");
        assert_eq!(runner.exit_code(&job), format!("{status}\n"));
    }
}

#[test]
fn what_stops_a_job_before_its_script_is_a_system_failure() {
    let runner = Runner::with_busybox();
    let (end, log) = runner.perform(&Job::new(30, "no-such-root", "echo run"));
    assert_eq!(end, End::SystemFailure);
    assert!(log.contains("there is no root file system /home/alice/roots/no-such-root"), "{log}");
    fs::remove_file(runner.alice.home.join("rootfs/bin/sh")).expect("taking the shell away");
    let (end, log) = runner.perform(&Job::new(31, "small", "echo run"));
    assert_eq!(end, End::SystemFailure);
    assert!(log.contains("running /bin/sh: command not found"), "{log}");
    assert!(log.contains("the stage prepare_script could not be started"), "{log}");
}

#[test]
fn a_cancelled_script_is_ended_by_the_first_signal() {
    let runner = Runner::with_busybox();
    let word = unique_word();
    let job = Job::new(40, "small", format!("echo ready; sleep {word}"));
    assert_eq!(runner.begin(&job).code(), 0);
    let running = Running::new(&mut runner.run(&job, "step_script"));
    signal(running.pid(), Signal::SIGTERM);
    assert_eq!(runner.take(running.end(), &mut String::new()), End::BuildFailure);
    assert_eq!(runner.exit_code(&job), "143\n");
    assert_all_gone(&word);
    runner.clean_up(&job);
}

#[test]
fn a_cancelled_script_that_does_not_care_is_killed_and_cleaned_up() {
    let runner = Runner::with_busybox();
    let word = unique_word();
    let script = "trap : TERM INT HUP; touch /tmp/1; chown 5:6 /tmp/1; (setsid sh -c \"while :; do echo >/of-a-daemon; done\" WORD &); echo ready; while :; do sleep WORD; done";
    let job = Job::new(50, "small", script.replace("WORD", &word));
    assert_eq!(runner.begin(&job).code(), 0);
    let running = Running::new(&mut runner.run(&job, "step_script"));
    signal(running.pid(), Signal::SIGTERM);
    signal(running.pid(), Signal::SIGKILL);
    assert_eq!(running.end().code(), 137);
    // At once, as the runner does.
    runner.clean_up(&job);
    assert_all_gone(&word);
    assert!(!runner.dir(&job).exists());
}

/// A runner that has lost track of a stage continues with the cleanup.
#[test]
fn cleanup_ends_what_still_runs() {
    let runner = Runner::with_busybox();
    let word = unique_word();
    let job = Job::new(55, "small", format!("echo ready; sleep {word}"));
    assert_eq!(runner.begin(&job).code(), 0);
    let running = Running::new(&mut runner.run(&job, "step_script"));
    runner.clean_up(&job);
    assert_all_gone(&word);
    running.end();
}

#[test]
fn two_jobs_at_once_see_nothing_of_each_other() {
    let runner = Runner::with_busybox();
    let script = "echo ready; while [ ! -e /builds/go ]; do sleep 0.05; done; ls /; ls /builds/group/project; hostname; ls /proc/ | grep -c ^[0-9]";
    let waiting = Job::new(60, "small", format!("touch /of-60 mine; {script}"));
    assert_eq!(runner.begin(&waiting).code(), 0);
    let running = Running::new(&mut runner.run(&waiting, "step_script"));
    let (end, log) = runner.perform(&Job::new(61, "small", "touch /of-61 theirs; ls / | grep of-; ls"));
    assert_eq!(end, End::Success);
    assert!(log.ends_with("of-61\ntheirs\n"), "{log}");
    fs::write(runner.dir(&waiting).join("builds/go"), "").expect("a file");
    let seen = running.end().ok();
    assert!(seen.contains("of-60\n") && !seen.contains("of-61") && !seen.contains("theirs"), "{seen}");
    assert!(seen.contains("mine\njob-60\n"), "{seen}");
    runner.clean_up(&waiting);
}

/// An author of a pipeline can set any variables, including the job's number.
#[test]
fn hostile_variables_reach_nothing() {
    let runner = Runner::with_busybox();
    let victim = Job::new(70, "small", "");
    assert_eq!(runner.begin(&victim).code(), 0);
    let hostile = "$(touch /tmp/pwned);`touch /tmp/pwned`' \"\n--volume=/:/host ../../x";
    for image in
        ["../../../etc", "..", ".", "/etc", "-v", "--help", "small/../../..", "a\nb", "small ", hostile]
    {
        let (end, log) = runner.perform(&Job::new(71, image, "echo run"));
        assert_eq!(end, End::SystemFailure, "{image:?} {log}");
        assert!(log.contains("not a valid name of a root file system"), "{image:?} {log}");
    }
    let mut job = Job::new(72, "small", "ls / | grep -c host; hostname");
    for name in [
        "CI_JOB_NAME",
        "CI_COMMIT_REF_NAME",
        "CI_PROJECT_PATH",
        "CI_BUILDS_DIR",
        "GIT_STRATEGY",
        "PATH",
        "IFS",
    ] {
        job.variables.push((name, hostile));
    }
    job.variables.extend([
        ("CI_JOB_ID", "70"),
        ("CI_PROJECT_ID", "../../.."),
        ("JOB_RESPONSE_FILE", "/tmp/response-70"),
    ]);
    let (end, log) = runner.perform(&job);
    assert_eq!((end, log.lines().last()), (End::BuildFailure, Some("0")), "{log}");
    assert!(runner.dir(&victim).exists() && !fs::exists("/tmp/pwned").expect("looking"), "{log}");
    runner.clean_up(&victim);
}

#[test]
fn packages_installed_before_are_there_in_the_script() {
    let Some((host, root)) = Host::with_everyday_root() else {
        skip!("no Debian root: see what packaging/test says of it")
    };
    let runner = Runner::new(host, "debian:12", &root);
    let mut job = Job::new(80, "debian:12", "command -v nginx; stat -c %G /var/log/nginx; id -u www-data");
    job.scripts.push((
        "prepare_script",
        "cd /srv/packages; dpkg-scanpackages --multiversion . >Packages 2>/dev/null
        echo \"deb [trusted=yes] file:/srv/packages ./\" >/etc/apt/sources.list
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update; apt-get -qq install --yes --no-install-recommends nginx >/dev/null 2>&1"
            .into(),
    ));
    let (end, log) = runner.perform(&job);
    assert_eq!(end, End::Success, "{log}");
    let seen: Vec<&str> = log.lines().rev().take(3).collect();
    assert_eq!(seen, ["33", "adm", "/usr/sbin/nginx"], "{log}");
    assert!(!root.path.join("usr/sbin/nginx").exists(), "the shared root has changed");
}

/// If a runner sends no copy of the job, its settings cannot be distinguished from the author's.
#[test]
fn without_the_runners_own_copy_of_a_job_nothing_is_started() {
    let runner = Runner::with_busybox();
    let mut command = runner.run(&Job::new(90, "small", "echo run"), "step_script");
    let outcome =
        Started::new(command.env_remove("JOB_RESPONSE_FILE")).end_within(subroot_tests::running::PATIENCE);
    assert!(outcome.stderr.contains("JOB_RESPONSE_FILE can't be read"), "{outcome:?}");
    assert_eq!(runner.take(outcome, &mut String::new()), End::SystemFailure);
}
