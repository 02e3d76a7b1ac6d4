//! What is kept of a detached sandbox after its end: `--rm`, `ps --all` and `rm`.

use crate::detached::{assert_status, detach, directory, listed};
use std::fs;
use std::time::{Duration, SystemTime};
use subroot_tests::sandbox::{Sandbox, assert_refused};

#[test]
fn it_is_kept_until_its_name_is_taken() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "echo one; exit 2");
    assert_status(&sandbox, &name, "exited (2)");
    assert!(!sandbox.says(&["ps"]).ok().contains(&name));
    let json = sandbox.says(&["ps", "--all", "--json"]).ok();
    for part in ["\"state\":\"exited\"", "\"status\":2", "\"detached\":true", &format!("/{name}/log\"")] {
        assert!(json.contains(part), "{part} is not in {json}");
    }
    sandbox.output(&["-d", "--name", &name], "echo two").ok();
    sandbox.says(&["wait", &name]).ok();
    assert_eq!(sandbox.says(&["logs", &name]).ok(), "two\n");
}

#[test]
fn rm_false_keeps_it_until_it_is_removed() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["--rm=false"], "exit 2");
    assert_status(&sandbox, &name, "exited (2)");
    let refused = sandbox.output(&["-d", "--name", &name], "touch /mark");
    assert_refused(&refused, 125, &["the record of an ended sandbox with that name is kept"]);
    assert!(refused.stderr.contains(&format!("fix: subroot rm {name}")) && !sandbox.has_mark());
    age(&sandbox, &name);
    detach(&sandbox, &[], "true");
    assert!(listed(&sandbox, &name).is_some());
    sandbox.says(&["rm", &name]).ok();
    assert_eq!(listed(&sandbox, &name), None);
    assert_refused(&sandbox.says(&["rm", &name]), 125, &[&name, "no ended sandbox has that name"]);
    assert_refused(&sandbox.says(&["rm", "../detached"]), 125, &["removing ../detached", "No such file"]);
}

#[test]
fn rm_removes_it_at_the_end() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["--rm"], "sleep 0.3; exit 2");
    assert_eq!(sandbox.says(&["wait", &name]).ok(), "2\n");
    assert_eq!(fs::read_dir(directory(&sandbox)).expect("the directory").count(), 0);
}

/// Makes the record of an ended sandbox older than a day.
fn age(sandbox: &Sandbox, name: &str) {
    let record = fs::File::options().write(true).open(directory(sandbox).join(name).join("record"));
    let before = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    record.and_then(|record| record.set_modified(before)).expect("changing the time of a record");
}

#[test]
fn the_next_start_removes_what_ended_a_day_ago() {
    let sandbox = Sandbox::new();
    let (old, young) = (detach(&sandbox, &[], "true"), detach(&sandbox, &[], "true"));
    let running = detach(&sandbox, &[], "sleep 1000");
    for name in [&old, &young] {
        assert_status(&sandbox, name, "exited (0)");
    }
    age(&sandbox, &old);
    age(&sandbox, &running);
    detach(&sandbox, &[], "true");
    assert_eq!(listed(&sandbox, &old), None);
    assert!(listed(&sandbox, &young).is_some());
    assert_status(&sandbox, &running, "running");
    assert!(directory(&sandbox).join(&running).join("log").exists());
    sandbox.says(&["kill", &running]).ok();
}

#[test]
fn what_runs_is_not_removed() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "sleep 1000");
    let refused = sandbox.says(&["rm", &name]);
    assert_refused(&refused, 125, &[&name, "it is running"]);
    assert!(refused.stderr.contains(&format!("fix: subroot stop {name}")), "{refused:?}");
    sandbox.says(&["stop", &name]).ok();
    sandbox.says(&["rm", &name]).ok();
}
