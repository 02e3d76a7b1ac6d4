//! Mounts that the kernel or the rootfs does not allow: each is refused with the rule and a fix that works.

use nix::mount::{MsFlags, mount};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use subroot_tests::Outcome;
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// `subroot WORDS`, by alice in her home.
fn line(sandbox: &Sandbox, words: &str) -> Outcome {
    sandbox.host.output(&mut sandbox.alice.shell(&format!("subroot {words}")))
}

/// Fails the test unless the line is refused for this reason, and the fixed line works.
#[track_caller]
fn assert_fixed_by(sandbox: &Sandbox, words: &str, (why, fix): (&[&str], &str), fixed: &str) {
    let outcome = line(sandbox, words);
    assert_refused(&outcome, 125, why);
    assert!(outcome.stderr.ends_with(&format!("\nsubroot: fix: {fix}\n")), "{outcome:?}");
    let outcome = line(sandbox, fixed);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
}

fn mount_memory(path: impl AsRef<Path>) {
    mount(Some("tmpfs"), path.as_ref(), Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect("mounting");
}

#[test]
fn an_overlay_over_mounts_is_refused_with_the_kernels_rule() {
    let sandbox = Sandbox::new();
    mount_memory(sandbox.rootfs.path.join("var"));
    let why =
        "/home/alice/rootfs/var is mounted below ./rootfs, and over such a directory the kernel makes no";
    for overlay in ["--overlay", "--overlay=kept"] {
        let words = format!("run {overlay} ./rootfs -- true");
        assert_fixed_by(&sandbox, &words, (&[why], "run without --overlay"), "run ./rootfs -- true");
    }
    let report = sandbox.says(&["doctor", "./rootfs"]);
    assert!(report.code() == 1 && report.stdout.contains(why), "{report:?}");
    let fix = "run without ROOTFS, which puts layers over the host's own system";
    let why = "is mounted below /, and over such a directory the kernel makes no overlay";
    assert_fixed_by(&sandbox, "run --overlay / -- true", (&[why], fix), "run -- true");
}

/// Mounts an overlay over a directory of alice's, with its changes beside it, as a container engine does.
fn layer(sandbox: &Sandbox, path: &Path, number: u32) {
    let [upper, work] = ["upper", "work"].map(|kind| sandbox.dir(&format!("{kind}{number}"), &[]));
    let options = format!(
        "lowerdir={},upperdir={},workdir={},userxattr",
        path.display(),
        upper.display(),
        work.display()
    );
    mount(Some("overlay"), path, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .expect("an overlay");
}

#[test]
fn a_directory_of_changes_is_refused_for_what_it_is_on_or_around() {
    let sandbox = Sandbox::new();
    let inside = sandbox.dir("container", &[]);
    layer(&sandbox, &inside, 0);
    let why = [
        "keeping the changes to the rootfs in /home/alice/container/kept: ",
        "is on an overlay, which cannot",
    ];
    let outcome = line(&sandbox, "run --overlay=container/kept ./rootfs -- true");
    assert_refused(&outcome, 125, &why);
    let fix = "keep the changes elsewhere: --overlay=$(mktemp -d ";
    assert!(outcome.stderr.contains(fix) && !Path::new("/home/alice/container/kept").exists(), "{outcome:?}");
    let option = outcome.stderr.rsplit(": ").next().expect("a fix").trim_end();
    let script = format!(
        "option={option}; subroot run $option ./rootfs -- true && rm -r ${{option#--overlay=}} && echo worked"
    );
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&script));
    assert_eq!(outcome.stdout, "worked\n", "{outcome:?}");

    sandbox.dir("around", &[]);
    let around = sandbox.dir("around/upper", &[]);
    fs::rename(&sandbox.rootfs.path, around.join("rootfs")).expect("moving the rootfs");
    let words = "run --overlay=around ./around/upper/rootfs -- true";
    let why = "the rootfs is inside the directory of --overlay, among its changes";
    let fix = "name another directory for the changes";
    assert_fixed_by(&sandbox, words, (&[why], fix), &words.replacen("around", "kept", 1));
}

#[test]
fn a_third_overlay_on_top_of_two_is_refused_with_the_kernels_rule() {
    let sandbox = Sandbox::new();
    (1..=2).for_each(|number| layer(&sandbox, &sandbox.rootfs.path, number));
    let why = "./rootfs is on an overlay, and the kernel stacks only two of them";
    for overlay in ["--overlay", "--overlay=kept"] {
        let words = format!("run {overlay} ./rootfs -- true");
        assert_fixed_by(&sandbox, &words, (&[why], "run without --overlay"), "run ./rootfs -- true");
    }
}

#[test]
fn a_layer_or_a_bind_alone_over_mounts_is_refused_with_the_kernels_rule() {
    let sandbox = Sandbox::new();
    mount_memory(sandbox.dir("data/inner", &[]));
    symlink("data", "/home/alice/link").expect("a symlink");
    let rule = "/home/alice/data/inner is mounted below /home/alice/";
    for source in ["data", "link"] {
        let words = format!("run -v ./{source}:/srv:O ./rootfs -- true");
        let why =
            ["layering changes over /home/alice/", "Invalid argument", rule, "the kernel makes no overlay"];
        let fix = "bind it without a layer: leave O out; ro protects it";
        assert_fixed_by(&sandbox, &words, (&why, fix), &words.replace(":O", ":ro"));
        let words = format!("run --mount src=./{source},dst=/srv,bind-nonrecursive ./rootfs -- true");
        let why = ["binding /home/alice/", "Invalid argument", rule, "does not let a user namespace bind"];
        let fix = "bind it with all mounts below: leave out bind and bind-nonrecursive";
        assert_fixed_by(&sandbox, &words, (&why, fix), &words.replace(",bind-nonrecursive", ""));
    }
    sandbox.dir("other", &[]);
    let words = "run --mount type=overlay,lowerdir=./other:./data,dst=/srv ./rootfs -- true";
    assert_refused(&line(&sandbox, words), 125, &["layering changes over /home/alice/data", rule]);
}

#[test]
fn a_file_and_a_directory_do_not_cover_each_other() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let fixed = "run -v ./data/x:/tmp/x -v ./data:/srv ./rootfs -- test -e /srv/x -a -f /tmp/x";
    let (why, fix) =
        ("/tmp is a directory in the sandbox, and a file", "name another target, such as a new name in /tmp");
    assert_fixed_by(
        &sandbox,
        "run -v ./data/x:/tmp ./rootfs -- true",
        (&["Is a directory", why], fix),
        fixed,
    );
    for (target, why) in [
        ("/etc/group", "/etc/group is a file in the sandbox, and a directory is to be mounted there"),
        ("/etc/group/below", "a directory above /etc/group/below is a file in the sandbox"),
    ] {
        let words = format!("run -v ./data:{target} ./rootfs -- true");
        assert_fixed_by(&sandbox, &words, (&["Not a directory", why], "name another target"), fixed);
    }
}

#[test]
fn a_false_proc_is_named() {
    let sandbox = Sandbox::new();
    let proc = sandbox.rootfs.path.join("proc");
    for is_link in [false, true] {
        fs::remove_dir(&proc).or_else(|_| fs::remove_file(&proc)).expect("removing it");
        if is_link {
            symlink("/tmp", &proc).expect("a symlink");
        } else {
            fs::write(&proc, "").expect("a file");
        }
        let outcome = line(&sandbox, "run ./rootfs -- true");
        let why = "/proc of the rootfs is a file or a symlink, and must be a directory";
        assert_refused(&outcome, 125, &["making mount point /proc: Not a directory", why]);
    }
    fs::remove_file(&proc).expect("removing it, as the fix says");
    assert_eq!(line(&sandbox, "run ./rootfs -- true").code(), 0);
}

#[test]
fn a_mount_point_that_cannot_be_made_is_named_by_its_path_inside() {
    let sandbox = Sandbox::new();
    for changes in [&[][..], &["--overlay"], &["--read-only"]] {
        let outcome = sandbox.output(&[changes, &["-v/home/alice:/proc/nothere/x"]].concat(), "true");
        assert_eq!(outcome.code(), 125, "{outcome:?}");
        assert!(outcome.stderr.contains("mount point /proc/nothere/x: "), "{outcome:?}");
    }
}

#[test]
fn a_host_without_a_null_device_cannot_cover_files() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let script =
        format!("mount -t tmpfs tmpfs /dev && subroot run --security-opt mask=/etc/group {root} -- true");
    let outcome = sandbox.host.output(sandbox.alice.command("unshare").args(["-rm", "sh", "-c", &script]));
    assert_eq!(outcome.code(), 125, "{outcome:?}");
    let why =
        "mounting /etc/group: No such file or directory (the host has no /dev/null, which covers a file)";
    assert!(outcome.stderr.contains(why), "{outcome:?}");
}

/// Values in quotes, as docker reads them.
#[test]
fn a_path_with_a_comma_and_a_colon_is_quoted() {
    let sandbox = Sandbox::new();
    for (name, field) in
        [("a,b:c", "\"source=/home/alice/a,b:c\""), ("q\"x", "\"source=/home/alice/q\"\"x\"")]
    {
        sandbox.dir(name, &[("x", "x\n")]);
        for mount in [format!("type=bind,{field},target=/srv"), format!("target=/srv,{field}")] {
            assert_eq!(sandbox.prints(&["--mount", &mount], "cat /srv/x"), "x\n", "{mount}");
        }
    }
}
