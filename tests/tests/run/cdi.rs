//! Devices of the Container Device Interface: `--device VENDOR/CLASS=NAME` and `--gpus`. Nodes of other kinds
//! stand for GPUs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use subroot_tests::Outcome;
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned};

/// As nvidia-ctk generates it.
const NVIDIA: &str = r#"---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  deviceNodes:
  - path: /dev/nvidiactl
    hostPath: /dev/null
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, create-symlinks, --link, libdriver.so.1::/usr/lib/x86_64-linux-gnu/libdriver.so]
  - hookName: createContainer
    path: /usr/bin/nvidia-ctk
    args: ["nvidia-ctk", "hook", "update-ldcache", "--folder", "/usr/lib/x86_64-linux-gnu"]
  mounts:
  - hostPath: /srv/driver/libdriver.so.535.1
    containerPath: /usr/lib/x86_64-linux-gnu/libdriver.so.535.1
    options: [ro, nosuid, nodev, bind]
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      hostPath: /dev/zero
- name: "1"
  containerEdits:
    deviceNodes:
    - {path: /dev/nvidia1, hostPath: /dev/full, permissions: rw}
- name: all
  containerEdits:
    deviceNodes:
    - {path: /dev/nvidia0, hostPath: /dev/zero}
    - {path: /dev/nvidia1, hostPath: /dev/full}
"#;

/// A host with these specifications.
fn with(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, text) in files {
        fs::create_dir_all(path.rsplit_once('/').expect("a path").0).expect("a directory");
        sandbox.host.write(path, text);
    }
    sandbox
}

/// A specification with one device, `x.org/y=z`, and these edits.
fn spec(edits: &str) -> String {
    format!(
        r#"{{"cdiVersion": "1.1.0", "kind": "x.org/y", "annotations": {{"a": "b"}}, "devices": [{{"name": "z", "containerEdits": {edits}}}]}}"#
    )
}

fn used(sandbox: &Sandbox, script: &str) -> Outcome {
    sandbox.output(&["--device", "x.org/y=z"], script)
}

/// A host with the driver of [`NVIDIA`]: a library of this machine whose soname is libz.so.1.
fn with_nvidia() -> Option<Sandbox> {
    let library = fs::read("/usr/lib/x86_64-linux-gnu/libz.so.1").ok()?;
    let text = NVIDIA.replace("/srv/driver", "/etc/driver").replace("libdriver.so.1:", "libz.so.1:");
    let sandbox = with(&[("/etc/cdi/nvidia.yaml", &text)]);
    fs::create_dir("/etc/driver").expect("a directory");
    sandbox.host.write("/etc/driver/libdriver.so.535.1", library);
    Some(sandbox)
}

#[test]
fn a_gpu_has_its_nodes_libraries_and_variables() {
    let Some(sandbox) = with_nvidia() else {
        subroot_tests::skip!("there is no library to take for a driver");
    };
    let script = "cd /dev; ls nvidia*; cd /usr/lib/x86_64-linux-gnu; ls; cmp libz.so.1 libdriver.so; cmp libz.so.1 libdriver.so.535.1; echo $NVIDIA_VISIBLE_DEVICES; echo x >libz.so.1";
    let libraries = "libdriver.so\nlibdriver.so.535.1\nlibz.so.1\nvoid\n";
    for (option, nodes) in [
        ("--gpus=all", "nvidia0\nnvidia1\nnvidiactl\n"),
        ("--device=nvidia.com/gpu=all", "nvidia0\nnvidia1\nnvidiactl\n"),
        ("--gpus=2", "nvidia0\nnvidia1\nnvidiactl\n"),
        ("--gpus=1", "nvidia0\nnvidiactl\n"),
        ("--gpus=device=1", "nvidia1\nnvidiactl\n"),
        ("--gpus=\"device=0,1\"", "nvidia0\nnvidia1\nnvidiactl\n"),
    ] {
        let outcome = sandbox.output(&[option], script);
        assert_eq!(outcome.stdout, format!("{nodes}{libraries}"), "{option}: {outcome:?}");
        assert!(outcome.stderr.contains("Read-only file system"), "{option}: {outcome:?}");
    }
    let nodes = "head -c 2 /dev/nvidia0 | od -An -tx1; echo x >/dev/nvidia1";
    let outcome = sandbox.output(&["--gpus", "all"], nodes);
    assert!(
        outcome.stdout == " 00 00\n" && outcome.stderr.contains("No space left on device"),
        "{outcome:?}"
    );
}

#[test]
fn what_a_specification_adds_is_in_the_plan() {
    let edits = r#"{"env": ["A=b"], "deviceNodes": [{"path": "/dev/fuse"}], "mounts": [{"hostPath": "/etc/group", "containerPath": "/g", "options": ["ro", "rbind", "rslave"]}]}"#;
    let sandbox = with(&[("/etc/cdi/x.json", &spec(edits))]);
    let plan =
        sandbox.host.output(&mut sandbox.run(&["--print-plan", "--device", "x.org/y=z"], &["true"])).ok();
    for line in [
        "mount /dev/fuse: rbind /dev/fuse (nosuid,noexec)",
        "mount /g: rbind /etc/group (ro,nosuid,nodev,slave)",
    ] {
        assert!(plan.lines().any(|found| found == line), "{line}: {plan}");
    }
    assert!(plan.contains("set the environment: PATH TERM container debian_chroot A"), "{plan}");
    assert_eq!(used(&sandbox, "test -c /dev/fuse && grep -c root /g && echo $A").ok(), "1\nb\n");
}

#[test]
fn a_later_directory_takes_precedence_and_equals_conflict() {
    let node = |name: &str| spec(&format!(r#"{{"env": ["FROM={name}"]}}"#));
    let sandbox = with(&[("/etc/cdi/a.json", &node("etc")), ("/run/cdi/a.json", &node("run"))]);
    assert_eq!(used(&sandbox, "echo $FROM").ok(), "run\n");
    sandbox.host.write("/run/cdi/b.json", node("other"));
    assert_refused(
        &used(&sandbox, "true"),
        125,
        &["/var/run/cdi/a.json and /var/run/cdi/b.json both have x.org/y=z"],
    );
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let sandbox = with(&[]);
    let refused = |option: &str, why: &str| assert_refused(&sandbox.output(&[option], "true"), 125, &[why]);
    refused(
        "--gpus=all",
        "no specification in /etc/cdi or /var/run/cdi has a device of nvidia.com/gpu; nvidia-ctk cdi generate",
    );
    fs::create_dir("/etc/cdi").expect("a directory");
    sandbox.host.write("/etc/cdi/x.json", spec("{}"));
    refused("--device=x.org/y=other", "there is no x.org/y=other; the devices of x.org/y are z");
    for wrong in ["0", "-1", "none", "device=", "device=0,,1", "device=0,capabilities=utility"] {
        refused(&format!("--gpus={wrong}"), "is none of all, a number of GPUs, and device=N[,N…]");
    }
}

/// Each field that cannot be followed is named, with its file.
#[test]
fn a_specification_that_cannot_be_followed_is_refused_by_its_field() {
    let sandbox = with(&[]);
    fs::create_dir("/etc/cdi").expect("a directory");
    let field = |edits: &str| spec(edits);
    let cases = [
        (spec("{}").replace("1.1.0", "2.0.0"), "cdiVersion: unknown version 2.0.0"),
        (spec("{}").replace("annotations", "other"), "other: unknown field"),
        (spec("{}").replace("\"z\"", "5"), "devices[0].name: it must be a string"),
        (spec("{}").replace("\"kind\"", "\"annotations\""), "kind: it is missing"),
        ("{".into(), "EOF while parsing"),
        (field(r#"{"new": 1}"#), "devices[0].containerEdits.new: unknown field"),
        (field(r#"{"env": ["A"]}"#), "devices[0].containerEdits.env[0]: it is not NAME=VALUE"),
        (
            field(r#"{"additionalGids": [44]}"#),
            "devices[0].containerEdits.additionalGids: this needs privilege",
        ),
        (field(r#"{"netDevices": [{}]}"#), "devices[0].containerEdits.netDevices: this needs privilege"),
        (field(r#"{"intelRdt": {}}"#), "devices[0].containerEdits.intelRdt: this needs privilege"),
        (field(r#"{"deviceNodes": [{}]}"#), "deviceNodes[0].path: it is missing"),
        (field(r#"{"deviceNodes": [{"path": "dev/x"}]}"#), "deviceNodes[0].path: it is not an absolute path"),
        (
            field(r#"{"deviceNodes": [{"path": "/dev/x", "permissions": "r"}]}"#),
            "deviceNodes[0].permissions: the rights are the device node's own",
        ),
        (
            field(r#"{"mounts": [{"hostPath": "/etc", "containerPath": "/"}]}"#),
            "mounts[0].containerPath: / is the root itself",
        ),
        (
            field(r#"{"mounts": [{"hostPath": "/etc", "containerPath": "/e", "type": "tmpfs"}]}"#),
            "mounts[0].type: only bind is supported",
        ),
        (
            field(r#"{"mounts": [{"hostPath": "/etc", "containerPath": "/e", "options": ["sync"]}]}"#),
            "mounts[0].options[0]: unknown option sync",
        ),
        (
            field(
                r#"{"hooks": [{"hookName": "createContainer", "path": "/bin/touch", "args": ["touch", "/mark"]}]}"#,
            ),
            "hooks[0]: subroot cannot run the hook /bin/touch",
        ),
        (
            field(
                r#"{"hooks": [{"hookName": "createContainer", "path": "/usr/bin/nvidia-ctk", "args": ["nvidia-ctk", "hook", "new"]}]}"#,
            ),
            "hooks[0]: subroot does not know the hook new of /usr/bin/nvidia-ctk",
        ),
    ];
    for (text, why) in cases {
        sandbox.host.write("/etc/cdi/x.json", &text);
        assert_refused(&used(&sandbox, "touch /mark"), 125, &["reading /etc/cdi/x.json: ", why]);
    }
    sandbox.host.write("/etc/cdi/x.json", spec(r#"{"deviceNodes": [{"path": "/dev/nothere"}]}"#));
    assert_refused(&used(&sandbox, "true"), 125, &["/dev/nothere: No such file or directory"]);
    sandbox.host.remove("/etc/cdi/x.json");
    sandbox.host.write("/etc/cdi/x.yaml", "kind: x.org/y\nkind: x.org/z\n");
    assert_refused(
        &used(&sandbox, "true"),
        125,
        &["reading /etc/cdi/x.yaml: line 2: this name is there twice"],
    );
    assert!(!sandbox.has_mark());
}

/// A user who can write a specification decides what of the host the users of its devices show to programs.
#[test]
fn specifications_that_others_can_write_are_refused() {
    let sandbox = with(&[("/etc/cdi/x.json", &spec("{}"))]);
    let file = "/etc/cdi/x.json";
    let mode =
        |path: &str, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    assert_eq!(used(&sandbox, "echo used").ok(), "used\n");
    mode(file, 0o664);
    assert_refused(
        &used(&sandbox, "true"),
        125,
        &["reading /etc/cdi/x.json: it is writable by group or others"],
    );
    mode(file, 0o644);
    mode("/etc/cdi", 0o777);
    assert_refused(&used(&sandbox, "true"), 125, &["reading /etc/cdi: it is writable by group or others"]);
    mode("/etc/cdi", 0o755);
    chown(file, Some(sandbox.alice.uid), None).expect("chown");
    assert_refused(&used(&sandbox, "true"), 125, &["reading /etc/cdi/x.json: it is not owned by root"]);
    chown(file, Some(0), None).expect("chown");
    mode(file, 0o600);
    assert_refused(&used(&sandbox, "true"), 125, &["reading /etc/cdi/x.json: Permission denied"]);
    fs::remove_file(file).expect("removing a file");
    symlink("/dev/zero", file).expect("a symlink");
    assert_refused(&used(&sandbox, "true"), 125, &["reading /etc/cdi/x.json: not a regular file"]);
    // Without such a device, nothing of it is read.
    assert_eq!(sandbox.output(&[], "echo ran").ok(), "ran\n");
}

#[test]
fn what_a_hook_would_have_done_and_is_not_done_is_said() {
    let hook = |args: &str| {
        format!(
            r#"{{"hooks": [{{"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook", "args": ["nvidia-cdi-hook", {args}]}}]}}"#
        )
    };
    let sandbox =
        with(&[("/etc/cdi/x.json", &spec(&hook(r#""update-ldcache", "--folder", "/opt/driver""#)))]);
    assert_warned(
        &used(&sandbox, "true"),
        &["the loader's cache inside is not updated", "-e LD_LIBRARY_PATH=/opt/driver"],
    );
    sandbox.host.write("/etc/cdi/x.json", spec(&hook(r#""create-symlinks", "--link", "a.so.1::/opt/a.so""#)));
    assert_warned(&used(&sandbox, "true"), &["/opt/a.so is not made: it would be a link to a.so.1"]);
    for args in [r#""chmod", "--mode", "755", "--path", "/dev/dri""#, r#""enable-cuda-compat""#] {
        sandbox.host.write("/etc/cdi/x.json", spec(&hook(args)));
        assert_eq!(used(&sandbox, "echo ran").ok(), "ran\n");
    }
}
