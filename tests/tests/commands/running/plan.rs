//! `--print-plan`, and `-v`, which prints the same steps as they happen.

use crate::running::{READY, unique_name};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::schema::faults;
use subroot_tests::{MAPPER, Outcome};

/// Options of `run` that change its steps.
const OPTIONS: &[&[&str]] = &[
    &[],
    &["--as-pid-1", "-w", "/tmp", "-h", "box"],
    &["--name", "planned", "--network", "none"],
    &["--overlay", "-v", "/home/alice/data:/srv:O"],
    &["--read-only", "-v", "/home/alice/data:/srv"],
    &["--overlay=/home/alice/kept", "--tmpfs", "/tmp/a:size=1m,exec", "--tmpfs", "/tmp"],
    &["-v", "/etc/group:/g:ro", "-u", "5:6", "-e", "A=\u{1b}"],
    &["-v", "/home/alice/data:/a/b:rslave,suid", "-u", "root", "--group-add", "root"],
    &[
        "--mount",
        "type=overlay,lowerdir=/home/alice/data:/home/alice/kept,target=/srv",
        "--mount",
        "type=mqueue,target=/mq",
    ],
    &["--mount", "type=devpts,target=/pts", "--mount", "type=proc,target=/p", "--device", "/dev/null:/n"],
    &["--mount", "type=bind,source=/home/alice/data,target=/srv,bind-nonrecursive"],
    &["--dir", "/made:mode=0700", "--symlink", "usr:/made/link", "--file", "0:/f:ro", "--dir", "/usr"],
    &["--security-opt", "mask=default", "--group-add", "7"],
    &["--security-opt", "no-new-privileges", "--security-opt", "seccomp-arch=native"],
    &["--security-opt", "seccomp=unconfined", "--cap-drop", "ALL", "--proc", "none", "--dev", "none"],
    &["--cap-add", "SYS_ADMIN", "--ulimit", "nofile=10:20", "--ulimit", "core=0", "--umask", "027"],
    &["--oom-score-adj", "500", "--userns", "host-id"],
    &["--userns", "keep-id", "--dev", "bind", "--proc", "bind", "--ipc", "host"],
    &["--uidmap", "0:0:2", "--gidmap", "0:0:1", "--uts", "host", "--cgroupns", "host"],
    &["--pid", "host", "--env-host"],
    &["--timens", "monotonic=-5,boottime=100"],
    &["-t", "-e", "HOME=/"],
    // More steps than packets fit in a pipe.
    &[
        "-t",
        "--tmpfs=/a",
        "--tmpfs=/b",
        "--tmpfs=/c",
        "--tmpfs=/d",
        "--tmpfs=/e",
        "--tmpfs=/f",
        "--tmpfs=/g",
        "--tmpfs=/h",
    ],
];

const SCHEMA: &str = include_str!("../../../../docs/plan.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("JSON")
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    sandbox.dir("kept", &[]);
    sandbox
}

/// The plan as text and as JSON, with the same options.
fn plan(sandbox: &Sandbox, options: &[&str], words: &[&str]) -> (Vec<String>, Value) {
    let printed = |form: &str| {
        let outcome = sandbox.host.output(&mut sandbox.run(&[&[form], options].concat(), words));
        assert_eq!(outcome.stderr, "", "{options:?}");
        outcome.ok()
    };
    let json = printed("--print-plan=json");
    let json = serde_json::from_str(&json).unwrap_or_else(|why| panic!("{why}: {json}"));
    (printed("--print-plan").lines().map(str::to_owned).collect(), json)
}

/// `subroot GLOBAL run OPTIONS ROOTFS -- WORDS`.
fn run(sandbox: &Sandbox, global: &[&str], options: &[&str], words: &[&str]) -> Outcome {
    let root = sandbox.rootfs.path.to_str().expect("a path");
    sandbox.says(&[global, &["run"], options, &[root, "--"], words].concat())
}

/// The steps that `-v` printed.
fn steps(stderr: &str) -> Vec<String> {
    let step = |line: &str| {
        let (time, step) = line.strip_prefix("subroot: ")?.split_once(" ms ")?;
        time.parse::<f64>().ok().map(|_| step.to_owned())
    };
    stderr.lines().filter_map(step).collect()
}

#[test]
fn verbose_launches_perform_exactly_the_steps_of_their_plans() {
    let sandbox = sandbox();
    for options in OPTIONS {
        let (planned, _) = plan(&sandbox, options, &["true"]);
        let outcome = run(&sandbox, &["-v"], options, &["true"]);
        assert_eq!(outcome.code(), 0, "{options:?}: {outcome:?}");
        assert_eq!(steps(&outcome.stderr), planned, "{options:?}");
    }
}

#[test]
fn the_same_holds_for_the_hosts_own_system() {
    let sandbox = sandbox();
    let of_run =
        [&["run", "--print-plan", "-w", "/", "--", "true"][..], &["-v", "run", "-w", "/", "--", "true"]];
    let of_empty = [
        "--empty-root",
        "--read-only",
        "--dir=/tmp",
        "-v/usr:/usr",
        "--symlink=usr/lib64:/lib64",
        "--symlink=usr/lib:/lib",
    ];
    let of_empty = [
        &[&["run", "--print-plan"], &of_empty[..], &["--", "/usr/bin/true"]].concat()[..],
        &[&["-v", "run"], &of_empty[..], &["--", "/usr/bin/true"]].concat(),
    ];
    for both in [of_run, of_empty] {
        let [planned, performed] = both.map(|words| sandbox.says(words));
        assert_eq!((planned.code(), performed.code()), (0, 0), "{performed:?}");
        assert_eq!(steps(&performed.stderr), planned.ok().lines().collect::<Vec<_>>());
    }
    let mapping = sandbox.says(&["-v", "unshare", "true"]);
    let kinds: Vec<String> =
        steps(&mapping.stderr).iter().map(|step| step.chars().take(10).collect()).collect();
    assert_eq!(kinds, ["create nam", "map IDs wi", "become use", "leave the ", "set the en", "run true"]);
}

#[test]
fn descriptors_are_passed_as_planned() {
    let sandbox = sandbox();
    let root = sandbox.rootfs.path.display();
    let printed = |options: &str, run: &str| {
        let line = format!(
            "LISTEN_PID=$$ LISTEN_FDS=1 exec subroot {options} run {run} --preserve-fds 2 {root} -- true 3</dev/null 4</dev/null"
        );
        sandbox.host.output(&mut sandbox.alice.shell(&line))
    };
    let planned = printed("", "--print-plan").ok();
    let step = "pass descriptors 3 4; LISTEN_FDS is 1, and LISTEN_PID the command's PID\n";
    assert!(planned.contains(step), "{planned}");
    assert_eq!(steps(&printed("-v", "").stderr), planned.lines().collect::<Vec<_>>());
    let json = serde_json::from_str(&printed("", "--print-plan=json").ok()).expect("JSON");
    assert_eq!(faults(&schema(), &json), [""; 0]);
}

#[test]
fn a_plan_is_json_as_its_schema_says() {
    let sandbox = sandbox();
    let schema = schema();
    let mut seen = BTreeSet::new();
    let empty = sandbox.says(&["run", "--print-plan=json", "--empty-root", "--read-only", "--", "true"]).ok();
    let empty: Value = serde_json::from_str(&empty).expect("JSON");
    assert_eq!(faults(&schema, &empty), [""; 0]);
    let steps = empty["steps"].as_array().expect("steps");
    seen.extend(steps.iter().map(|step| step["step"].as_str().expect("a name").to_owned()));
    let mut check = |options: &[&str]| {
        let (text, json) = plan(&sandbox, options, &["true"]);
        assert_eq!(faults(&schema, &json), [""; 0], "{options:?}");
        let steps = json["steps"].as_array().expect("steps");
        assert_eq!(steps.len(), text.len(), "{options:?}");
        seen.extend(steps.iter().map(|step| step["step"].as_str().expect("a name").to_owned()));
    };
    OPTIONS.iter().for_each(|options| check(options));
    check(&["--security-opt", "landlock=read-only,no-tcp"]);
    check(&["--network", "pasta:--mtu,1500", "-p", "127.0.0.1:8080:80"]);
    sandbox.host.remove(MAPPER);
    check(&["--userns", "auto"]);
    // See descriptors_are_passed_as_planned.
    seen.insert("pass_descriptors".to_owned());
    let known = schema["properties"]["steps"]["items"]["oneOf"].as_array().expect("steps");
    let known =
        known.iter().map(|step| step["properties"]["step"]["const"].as_str().expect("a name").to_owned());
    assert_eq!(seen, known.collect(), "OPTIONS has no example of a step");
}

#[test]
fn a_plan_says_that_the_owner_of_the_root_decides_on_its_ids() {
    let sandbox = sandbox();
    let given = Command::new("chown").args(["-hR", "100000:100000"]).arg(&sandbox.rootfs.path).status();
    assert!(given.expect("chown").success());
    let of_ids = |options: &[&str]| {
        let (_, json) = plan(&sandbox, options, &["true"]);
        assert_eq!(faults(&schema(), &json), [""; 0], "{options:?}");
        let steps = json["steps"].as_array().expect("steps");
        let maps = steps.iter().find(|step| step["step"] == "map_ids").expect("maps").clone();
        (maps["root_owner"].as_u64(), maps["uid_map"].clone())
    };
    let (owner, map) = of_ids(&[]);
    assert_eq!(owner, Some(100_000));
    assert_eq!(of_ids(&["--userns", "subids"]), (None, map));
}

#[test]
fn the_schema_refuses_what_is_not_a_plan() {
    let schema = schema();
    for plan in [
        r#"{"version": 2, "steps": []}"#,
        r#"{"version": 1}"#,
        r#"{"version": 1, "steps": [{"step": "unknown"}]}"#,
        r#"{"version": 1, "steps": [{"step": "mask"}]}"#,
        r#"{"version": 1, "steps": [{"step": "mask", "path": 1}]}"#,
        r#"{"version": 1, "steps": [{"step": "pivot_root", "path": "/"}]}"#,
    ] {
        assert!(!faults(&schema, &serde_json::from_str(plan).expect("JSON")).is_empty(), "{plan}");
    }
}

/// The mounts of a plan are those that the kernel then shows.
#[test]
fn mounts_are_made_as_planned() {
    let sandbox = sandbox();
    for options in OPTIONS.iter().filter(|options| !options.contains(&"none") && !options.contains(&"-t")) {
        let script = &["cat", "/proc/self/mountinfo"];
        let (_, plan) = plan(&sandbox, options, script);
        let shown = run(&sandbox, &[], options, script).ok();
        let mounts = plan["steps"].as_array().expect("steps").iter().filter(|step| step["step"] == "mount");
        for mount in mounts {
            assert_mounted(mount, &shown);
        }
    }
}

#[track_caller]
fn assert_mounted(mount: &Value, mountinfo: &str) {
    let field = |name: &str| mount[name].as_str().expect("a field");
    let is_there = |line: &&str| line.split(' ').nth(4) == Some(field("target"));
    let line = mountinfo.lines().rfind(is_there).unwrap_or_else(|| panic!("{mount} is not in {mountinfo}"));
    let attributes: Vec<&str> = line.split(' ').nth(5).expect("attributes").split(',').collect();
    let options = mount["options"].as_array().expect("options");
    let (is_bind, kind) = (mount.get("source").is_some(), line.split_once(" - ").expect("a type").1);
    for name in ["ro", "nosuid", "nodev", "noexec"] {
        let (is_planned, is_set) = (options.contains(&name.into()), attributes.contains(&name));
        // A bind mount also has the attributes of its source.
        assert!(is_planned == is_set || is_bind && is_set, "{name} of {mount}: {line}");
    }
    let or_other = mount.get("otherwise").is_some();
    // A file in memory is one of a tmpfs.
    let planned = if field("type") == "file" { "tmpfs" } else { field("type") };
    assert!(is_bind || or_other || kind.starts_with(&format!("{planned} ")), "{mount}: {line}");
}

#[test]
fn a_plan_is_printed_and_nothing_done() {
    let sandbox = sandbox();
    let options = ["--name", "planned", "-v", "/etc/group:/g:ro", "-u", "5:6", "-e", "A=\u{1b}"];
    let (text, json) = plan(&sandbox, &options, &["touch", "/mark"]);
    for line in [
        "create namespaces: user mnt pid ipc uts cgroup",
        &format!(
            "map IDs with newidmap-helper {MAPPER}: uid_map 0 1000 1, 1 100000 65536; gid_map 0 1000 1, 1 100000 65536; setgroups allowed; if that fails, with newuidmap own-id"
        ),
        "mount /g: rbind /etc/group (ro,nosuid,nodev)",
        "set the user and groups: user 5 group 6",
        "run touch /mark",
    ] {
        let is_it = |found: &String| found == line || found.replace(" newuidmap own-id", " own-id") == line;
        assert!(text.iter().any(|found| found == line || is_it(found)), "{line} is not in {text:#?}");
    }
    assert!(
        !text.concat().contains('\u{1b}') && !sandbox.has_mark() && !sandbox.rootfs.path.join("g").exists()
    );
    let last = json["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!(last["command"], serde_json::json!(["touch", "/mark"]));
}

/// System calls and flags that start, change or lock something.
const CHANGES: [&str; 16] = [
    "clone",
    "fork(",
    "unshare(",
    "setns(",
    "mount(",
    "fsopen(",
    "open_tree(",
    "mkdir",
    "unlink",
    "O_CREAT",
    "O_RDWR",
    "O_WRONLY",
    "_SETLK",
    "flock(",
    "chmod",
    "connect(",
];

#[test]
fn a_plan_starts_changes_and_locks_nothing() {
    let sandbox = sandbox();
    let mut command = sandbox.host.user("root").command("strace");
    command.args([
        "-f",
        "-qq",
        "-u",
        "alice",
        "-o",
        "/tmp/trace",
        "/usr/local/bin/subroot",
        "run",
        "--print-plan",
    ]);
    command.args(["--overlay=/home/alice/kept", "--name", "planned", "-v", "/etc/group:/missing"]);
    command.arg(&sandbox.rootfs.path).args(["--", "true"]).env("HOME", &sandbox.alice.home);
    sandbox.host.output(&mut command).ok();
    let trace = fs::read_to_string("/tmp/trace").expect("what strace wrote");
    let does_it = |line: &&str| CHANGES.iter().any(|change| line.contains(change));
    assert_eq!(trace.lines().filter(does_it).collect::<Vec<_>>(), [""; 0]);
    assert!(trace.contains("execve(") && trace.contains("write(1, "), "{trace}");
}

#[test]
fn a_plan_is_refused_as_its_launch_is() {
    let sandbox = sandbox();
    for options in [
        &["--as-pid-1", "--pid", "host"][..],
        &["--timens", "monotonic=1", "--as-pid-1"],
        &["-h", "box", "--uts", "host"],
        &["-v", "/nowhere:/srv"],
        &["--security-opt", "seccomp=unconfined", "--security-opt", "seccomp-arch=native"],
        &["--userns", "full", "--helper", "/nowhere"],
        &["--uidmap", "0:0:100000"],
    ] {
        let launched = sandbox.output(options, "touch /mark");
        let planned = sandbox.output(&[&["--print-plan"], options].concat(), "touch /mark");
        assert_refused(&launched, 125, &[]);
        assert_eq!((planned.code(), planned.stdout, planned.stderr), (125, String::new(), launched.stderr));
    }
}

#[test]
fn a_step_that_fails_is_the_last_one_before_the_error() {
    let sandbox = sandbox();
    let outcome = run(&sandbox, &["-v"], &["-w", "/nowhere"], &["true"]);
    assert_eq!(outcome.code(), 125, "{outcome:?}");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let [.., step, error, fix] = lines[..] else { panic!("{outcome:?}") };
    assert!(step.ends_with(" ms change to directory /nowhere"), "{outcome:?}");
    let expected = "subroot: changing to working directory /nowhere: No such file or directory";
    assert!(error.starts_with(expected) && fix.starts_with("subroot: fix: "), "{outcome:?}");
}

#[test]
fn times_only_grow() {
    let sandbox = sandbox();
    let outcome = run(&sandbox, &["-v"], &[], &["true"]);
    let time = |line: &str| line.strip_prefix("subroot: ")?.split_once(" ms ")?.0.parse::<f64>().ok();
    let times: Vec<f64> = outcome.stderr.lines().filter_map(time).collect();
    assert!(times.len() > 10 && times.is_sorted(), "{outcome:?}");
}

#[test]
fn more_detail_is_printed_if_it_is_asked_for_twice() {
    let sandbox = sandbox();
    let said = |global: &[&str]| run(&sandbox, global, &[], &["sh", "-c", "exit 3"]).stderr;
    let (once, twice) = (said(&["-v"]), said(&["-vv"]));
    assert_eq!(steps(&once), steps(&twice));
    assert_eq!(steps(&once).len(), once.lines().count(), "{once}");
    for detail in [
        "the kernel is Linux ",
        "the new process is PID ",
        &format!("executing {MAPPER} fd:0 "),
        &format!("{MAPPER} has ended: exit status 0"),
        "mounts are made by fsopen(2)",
        "the command has ended: exit status 3",
    ] {
        assert!(twice.contains(&format!("subroot: {detail}")), "{detail}: {twice}");
    }
    assert_eq!(said(&[]), "");
}

#[test]
fn the_steps_of_exec_are_printed() {
    let sandbox = sandbox();
    let name = unique_name();
    let running = Running::new(&mut sandbox.run(&["--name", &name], &["sh", "-c", READY]));
    let outcome = sandbox.says(&["-v", "exec", "-w", "/tmp", &name, "true"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let steps = steps(&outcome.stderr);
    assert_eq!(steps.first().map(String::as_str), Some("leave the caller's session keyring"), "{outcome:?}");
    let last: Vec<&str> = steps.iter().rev().take(3).map(String::as_str).collect();
    assert!(last[0] == "run true" && last[2] == "change to directory /tmp", "{outcome:?}");
    running.signal(15);
    drop(running.end());
}
