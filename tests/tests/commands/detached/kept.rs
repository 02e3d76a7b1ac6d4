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
fn a_start_that_fails_keeps_the_earlier_one() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "echo one; exit 2");
    assert_status(&sandbox, &name, "exited (2)");
    let refused = sandbox.output(&["-d", "--name", &name, "-w", "/nowhere"], "true");
    assert_refused(&refused, 125, &["/nowhere"]);
    assert_status(&sandbox, &name, "exited (2)");
    assert_eq!(sandbox.says(&["logs", &name]).ok(), "one\n");
    // What a supervisor leaves that was killed at its start.
    let dir = directory(&sandbox);
    fs::rename(dir.join(&name), dir.join(format!(".{name}"))).expect("setting a record aside");
    let other = detach(&sandbox, &[], "true");
    assert_eq!(sandbox.says(&["logs", &name]).ok(), "one\n");
    assert_status(&sandbox, &other, "exited (0)");
    sandbox.output(&["-d", "--name", &name], "sleep 1000").ok();
    let entries =
        fs::read_dir(&dir).expect("the directory").map(|entry| entry.expect("an entry").file_name());
    assert!(entries.into_iter().all(|entry| entry == *name || entry == *other), "something is left");
    sandbox.says(&["kill", &name]).ok();
}

#[test]
fn a_record_that_cannot_be_read_hides_no_other() {
    let sandbox = Sandbox::new();
    let (broken, sound) = (detach(&sandbox, &[], "true"), detach(&sandbox, &[], "true"));
    for name in [&broken, &sound] {
        assert_status(&sandbox, name, "exited (0)");
    }
    let dir = directory(&sandbox).join(&broken);
    fs::write(dir.join("record"), "x\n").expect("breaking a record");
    for options in [&["--all"][..], &["--all", "-q"], &["--all", "--json"]] {
        let outcome = sandbox.says(&[&["ps"], options].concat());
        assert!(outcome.stdout.contains(&sound) && !outcome.stdout.contains(&broken), "{outcome:?}");
        let expected = format!("subroot: reading {}: Bad message", dir.display());
        assert!(outcome.code() == 125 && outcome.stderr.starts_with(&expected), "{outcome:?}");
    }
    sandbox.says(&["rm", &broken]).ok();
    assert!(listed(&sandbox, &broken).is_none() && listed(&sandbox, &sound).is_some());
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
