//! `subroot run IMAGE`.

use crate::stored::{MAP, Stored, canonical, id, key, link, put, run_file};
use crate::subroot;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{Mode, SFlag, mknod};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use subroot_tests::running::{Running, unique_word};
use subroot_tests::sandbox::{assert_refused, give};
use subroot_tests::{Outcome, Rootfs};

#[test]
fn an_image_runs_with_its_configuration_below_the_command_line() {
    let stored = Stored::with(json!({
        "env": ["PATH=/bin", "A=image", "B=image", "=x", "C"], "entrypoint": ["sh", "-c"],
        "cmd": ["echo $A $B $0 $PWD; stat -c %u:%a ."], "workdir": "/made/here",
    }));
    assert_eq!(stored.prints(&["run", "busybox"]), "image image sh /made/here\n0:755\n");
    assert_eq!(
        stored.prints(&["run", "-e", "B=mine", "-w", "/tmp", "busybox", "echo $A $B $PWD"]),
        "image mine /tmp\n"
    );
    assert_eq!(stored.prints(&["run", "-w", "/new", "busybox:latest", "--", "pwd"]), "/new\n");
    assert_eq!(stored.prints(&["run", "--entrypoint", "echo", "docker.io/busybox"]), "\n");
    assert_eq!(stored.prints(&["run", "--entrypoint", "echo", "busybox", "a", "b"]), "a b\n");
    assert_eq!(stored.prints(&["run", "--entrypoint", "", "busybox", "echo", "$A"]), "$A\n");
    assert_eq!(stored.prints(&["run", "--entrypoint", r#"["echo","x"]"#, "busybox", "y"]), "x y\n");
    assert_eq!(
        stored.prints(&["run", "--read-only", "busybox", "touch /made/here/x 2>&1; echo $?"]).lines().last(),
        Some("1")
    );
    assert!(!stored.store.join("layers").join(key(MAP)).join(id('0')).join("fs/made").exists());
}

/// The archive of a docker image has no entry for the root.
#[test]
fn other_users_can_search_a_root_that_is_not_in_the_archive() {
    let (host, alice) = crate::host();
    Rootfs::busybox_without(&alice, &["proc", "dev", "sys"]);
    host.output(&mut alice.shell("cd rootfs && tar -czf ../x.tgz --owner=0 --group=0 * && rm -r ../rootfs"))
        .ok();
    host.output(&mut subroot(&alice, &["import", "x.tgz", "web"])).ok();
    host.output(&mut subroot(&alice, &["import", "x.tgz", "./dir"])).ok();
    for image in ["web", "./dir"] {
        let words = ["run", "-u", "7:7", image, "sh", "-c", "id -u; stat -c %a /"];
        assert_eq!(host.output(&mut subroot(&alice, &words)).ok(), "7\n755\n");
    }
}

/// With the real subroot-image.
#[test]
fn an_archive_runs_by_its_path_and_by_the_name_that_it_was_imported_with() {
    let (host, alice) = crate::host();
    Rootfs::busybox_without(&alice, &["proc", "dev", "sys"]);
    host.output(&mut alice.shell("tar -C rootfs -czf x.tgz --owner=0 --group=0 . && rm -r rootfs")).ok();
    let run = |words: &[&str]| host.output(&mut subroot(&alice, &[&["run"], words].concat())).ok();
    host.output(&mut subroot(&alice, &["import", "x.tgz", "web"])).ok();
    let script = ["sh", "-c", "id -u; stat -c %u /bin/busybox; touch /new; ls /new"];
    for _ in 0..2 {
        assert_eq!(run(&[&["web"], &script[..]].concat()), "0\n0\n/new\n");
        assert_eq!(run(&[&["./x.tgz"], &script[..]].concat()), "0\n0\n/new\n");
        let kept = run(&["--userns=keep-id", "web", "sh", "-c", "id -u; stat -c %u /bin/busybox"]);
        assert_eq!(kept, "1000\n0\n");
    }
}

#[test]
fn the_user_of_an_image_is_looked_up_in_its_own_accounts() {
    let stored = Stored::with(json!({"user": "web:www"}));
    let fs = stored.layer(MAP, '1');
    put(&stored, &fs, "etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:7:8::/srv:/bin/sh\n");
    put(&stored, &fs, "etc/group", "root:x:0:\nwww:x:9:\n");
    stored.image("busybox", MAP, "01", json!({"user": "web:www"}));
    let script = ["busybox", "sh", "-c", "id -u; id -g; echo $HOME"];
    assert_eq!(stored.prints(&[&["run"], &script[..]].concat()), "7\n9\n/srv\n");
    assert_eq!(stored.prints(&[&["run", "-u", "web"], &script[..]].concat()), "7\n8\n/srv\n");
    stored.image("busybox", MAP, "01", json!({"user": "nobody-here"}));
    assert_refused(&stored.says(&["run", "busybox", "id"]), 125, &["nobody-here", "has no such user"]);
}

#[test]
fn hostile_account_files_refuse_the_launch() {
    let stored = Stored::new();
    fs::write("/tmp/outside", "web:x:7:8::/srv:/bin/sh\n").expect("a file of the host");
    let fs = stored.layer(MAP, '1');
    put(&stored, &fs, "etc/passwd", "");
    stored.image("busybox", MAP, "01", json!({"user": "web"}));
    let passwd = fs.join("etc/passwd");
    let run = || stored.says(&["run", "busybox", "id"]);
    File::options().write(true).open(&passwd).and_then(|file| file.set_len(5 << 20)).expect("a large file");
    assert_refused(&run(), 125, &["/etc/passwd of the rootfs cannot be read: File too large"]);
    link(&stored, &fs, "etc/passwd", "/tmp/outside");
    assert_refused(&run(), 125, &["has no such user"]);
    fs::remove_file(&passwd).expect("removing a link");
    nix::unistd::mkfifo(&passwd, Mode::S_IRWXU).expect("a fifo");
    nix::unistd::chown(&passwd, Some(stored.alice.uid.into()), Some(stored.alice.gid.into())).expect("chown");
    assert_refused(&run(), 125, &["/etc/passwd of the rootfs cannot be read: Invalid argument"]);
}

#[test]
fn upper_layers_change_replace_and_remove() {
    let stored = Stored::new();
    let base = stored.layer(MAP, '1');
    for name in ["data/kept", "data/removed", "opaque/hidden"] {
        put(&stored, &base, name, "lower\n");
    }
    let top = stored.layer(MAP, '2');
    put(&stored, &top, "data/kept", "upper\n");
    put(&stored, &top, "opaque/new", "upper\n");
    mknod(&top.join("data/removed"), SFlag::S_IFCHR, Mode::empty(), 0).expect("a whiteout");
    let mut mark = Command::new("setfattr");
    mark.args(["-n", "user.overlay.opaque", "-v", "y"]).arg(top.join("opaque"));
    assert!(mark.status().expect("setfattr").success());
    stored.image("layered", MAP, "012", json!({}));
    let script = "cat /data/kept; ls /data /opaque";
    assert_eq!(
        stored.prints(&["run", "layered", "sh", "-c", script]),
        "upper\n/data:\nkept\n\n/opaque:\nnew\n"
    );
}

/// Their paths are longer than one option of fsconfig(2) can be.
#[test]
fn an_image_of_many_layers_runs() {
    let stored = Stored::new();
    let digits = "123456789abcdefghijklmnopqrstuvw";
    let mut layers = vec![id('0')];
    for digit in digits.chars() {
        let fs = stored.layer(MAP, digit);
        put(&stored, &fs, &format!("dir/file-{digit}"), "");
        let hex = format!("{:02x}", u32::from(digit)).repeat(32);
        let dir = stored.store.join("layers").join(key(MAP));
        fs::rename(dir.join(id(digit)), dir.join(&hex)).expect("renaming a layer");
        layers.push(hex);
    }
    let mut file = run_file(&canonical("many"), MAP, "0", json!({}));
    file["layers"] = json!(layers);
    stored.write_run_file(&canonical("many"), MAP, &file);
    let script = "ls /dir | wc -l; touch /dir/new /bin/new; echo $?";
    for options in [&[][..], &["--overlay=changes"]] {
        assert_eq!(stored.prints(&[&["run"], options, &["many", "sh", "-c", script]].concat()), "32\n0\n");
    }
    let name = format!("image-{}", unique_word());
    let option = format!("--name={name}");
    let running =
        Running::new(&mut stored.subroot(&["run", &option, "many", "sh", "-c", "echo ready; sleep 1000"]));
    assert_eq!(stored.prints(&["exec", &name, "ls", "/dir/file-1"]), "/dir/file-1\n");
    running.signal(15);
    running.end();
}

#[test]
fn changes_are_discarded_unless_a_directory_keeps_them() {
    let stored = Stored::new();
    let touch = ["busybox", "sh", "-c", "echo x >/new; rm /etc/hosts; cat /new"];
    assert_eq!(stored.prints(&[&["run"], &touch[..]].concat()), "x\n");
    let look = ["busybox", "sh", "-c", "ls /new /bin/sh 2>/dev/null; true"];
    assert_eq!(stored.prints(&[&["run"], &look[..]].concat()), "/bin/sh\n");
    stored.prints(&[&["run", "--overlay=changes"], &touch[..]].concat());
    assert_eq!(stored.prints(&[&["run", "--overlay=changes"], &look[..]].concat()), "/bin/sh\n/new\n");
    assert_eq!(stored.prints(&[&["run"], &look[..]].concat()), "/bin/sh\n");
    let outcome = stored.says(&["run", "--read-only", "busybox", "touch", "/new"]);
    assert!(outcome.code() == 1 && outcome.stderr.contains("Read-only"), "{outcome:?}");
    assert_eq!(stored.prints(&["run", "--read-only", "busybox", "touch", "/tmp/x"]), "");
}

#[test]
fn layers_in_use_are_locked_by_the_launcher_only() {
    let name = format!("image-{}", unique_word());
    let option = format!("--name={name}");
    for options in [&["run"][..], &["run", "-d", &option]] {
        let stored = Stored::new();
        let dir = stored.store.join("layers").join(key(MAP)).join(id('0'));
        let lock = || Flock::lock(File::open(&dir).expect("the layer"), FlockArg::LockExclusiveNonblock);
        let script = ["busybox", "sh", "-c", "echo ready; ls -l /proc/self/fd; echo end; sleep 1000"];
        let mut command = stored.subroot(&[options, &script[..]].concat());
        if options.len() == 1 {
            let mut running = Running::new(&mut command);
            let lines: Vec<String> =
                std::iter::repeat_with(|| running.line()).take_while(|line| line != "end").collect();
            assert!(!lines.concat().contains("layers"), "{lines:?}");
            assert!(lock().is_err(), "the layer is not locked");
            running.signal(15);
            assert_eq!(running.end().code(), 128 + 15);
        } else {
            stored.host.output(&mut command).ok();
            assert!(lock().is_err(), "the layer is not locked");
            assert!(stored.says(&["ps", "--json"]).ok().contains("docker.io/library/busybox:latest"));
            assert_eq!(stored.prints(&["exec", &name, "echo", "in"]), "in\n");
            stored.says(&["stop", &name]).ok();
        }
        assert!(lock().is_ok(), "the layer is still locked");
    }
}

#[test]
fn the_stop_signal_of_an_image_replaces_term() {
    let stored = Stored::with(json!({"stop_signal": "SIGQUIT"}));
    let script = [
        "busybox",
        "sh",
        "-c",
        "trap 'echo quit; exit 3' QUIT; trap '' TERM; echo ready; while :; do sleep 0.1; done",
    ];
    let mut running = Running::new(&mut stored.subroot(&[&["run"], &script[..]].concat()));
    running.signal(15);
    assert_eq!(running.line(), "quit");
    assert_eq!(running.end().code(), 3);
    let name = format!("image-{}", unique_word());
    let option = format!("--name={name}");
    stored.host.output(&mut stored.subroot(&[&["run", "-d", &option], &script[..]].concat())).ok();
    while !stored.says(&["logs", &name]).ok().contains("ready") {}
    assert_eq!(stored.says(&["stop", &name]).ok(), format!("{name}: ended, exit status 3\n"));
}

#[test]
fn hostile_run_files_are_refused() {
    let stored = Stored::new();
    let name = canonical("busybox");
    let good = run_file(&name, MAP, "0", json!({}));
    let with = |key: &str, value: Value| {
        let mut changed = good.clone();
        changed[key] = value;
        changed
    };
    for (file, why) in [
        (with("layers", json!(["../../../../../../rootfs"])), "is not a diff ID"),
        (with("layers", json!(["/"])), "/ is not a diff ID"),
        (with("layers", json!([])), "it has no layers"),
        (with("map", json!("0:0:1;0:0:1")), "it is for the maps 0:0:1;0:0:1"),
        (
            with("name", json!("docker.io/library/other:latest")),
            "it is of image docker.io/library/other:latest",
        ),
        (with("version", json!(2)), "it has version 2"),
        (json!([]), "it is invalid"),
    ] {
        stored.write_run_file(&name, MAP, &file);
        assert_refused(&stored.says(&["run", "busybox", "true"]), 125, &["using the image store", why]);
    }
    let path = stored.run_file(&name, MAP);
    fs::remove_file(&path).expect("removing a run file");
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a fifo");
    nix::unistd::chown(&path, Some(stored.alice.uid.into()), Some(stored.alice.gid.into())).expect("chown");
    assert_refused(&stored.says(&["run", "busybox", "true"]), 125, &["it is not a file"]);
}

#[test]
fn a_store_that_others_can_enter_is_refused_with_the_command_that_closes_it() {
    let stored = Stored::new();
    fs::set_permissions(&stored.store, fs::Permissions::from_mode(0o750)).expect("opening the store");
    let outcome = stored.says(&["run", "busybox", "true"]);
    assert_refused(&outcome, 125, &["other users can enter it"]);
    stored.host.output(&mut stored.alice.shell(fix_of(&outcome))).ok();
    stored.prints(&["run", "busybox", "true"]);
    let bob = stored.host.user("bob");
    let mut command = bob.command("subroot");
    command.args(["run", "busybox", "true"]).env("SUBROOT_STORE", &stored.store);
    assert_refused(&stored.host.output(&mut command), 125, &["using the image store"]);
}

/// The script stands for subroot-image: it records its arguments, and makes a prepared run file visible.
#[test]
fn an_image_that_is_not_unpacked_for_a_map_is_prepared() {
    let stored = Stored::new();
    let map = "0:100000:1000,1000:1000:1,1001:101000:64536;0:100000:1000,1000:1000:1,1001:101000:64536";
    let name = canonical("busybox");
    stored.layer(map, '1');
    let fs = stored.store.join("layers").join(key(map)).join(id('1')).join("fs");
    copy(&stored.files('0'), &fs.join(".."));
    stored.write_run_file(&name, map, &run_file(&name, map, "1", json!({})));
    let (path, aside) = (stored.run_file(&name, map), stored.store.join("aside"));
    fs::rename(&path, &aside).expect("hiding a run file");
    let script = format!(
        "echo \"$@\" >>/home/alice/words; [ -e {0} ] || exit 125; mv {0} {1}",
        aside.display(),
        path.display()
    );
    stored.install_script(&script);
    stored.prints(&["run", "busybox", "true"]);
    assert!(!Path::new("/home/alice/words").exists(), "the image was ready");
    let plan = stored.prints(&["run", "--userns=keep-id", "--print-plan", "busybox", "true"]);
    let step =
        format!("make the new root of {name}, an image that is unpacked first, for the maps {map}, and ");
    assert!(plan.contains(&step), "{plan}");
    assert!(!Path::new("/home/alice/words").exists(), "a plan changes nothing");
    let run = ["run", "--userns=keep-id", "busybox", "id", "-u"];
    assert_eq!(stored.prints(&run), "1000\n");
    assert_eq!(stored.prints(&run), "1000\n");
    let words = fs::read_to_string("/home/alice/words").expect("the words");
    assert_eq!(words, format!("prepare --pull=missing --userns=keep-id -- {name}\n"));
    let plan = stored.prints(&["run", "--userns=keep-id", "--print-plan", "busybox", "true"]);
    let step = format!(
        "make the new root of {name}, an image with the layers {}; changes are discarded\n",
        fs.display()
    );
    assert!(plan.contains(&step), "{plan}");
    // A failure has been reported by the other program.
    let outcome = stored.says(&["run", "--userns=auto:size=5", "busybox", "true"]);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (125, ""));
}

#[test]
fn a_signal_ends_what_prepares_an_image() {
    let stored = Stored::new();
    stored.install_script("trap 'echo ended; exit 1' TERM; echo ready; while :; do sleep 0.1; done");
    let mut running = Running::new(&mut stored.subroot(&["run", "--userns=keep-id", "busybox", "true"]));
    running.signal(15);
    assert_eq!(running.line(), "ended");
    assert_eq!(running.end().code(), 128 + 15);
}

/// A file that has changed since it was copied is copied again.
#[test]
fn an_archive_is_prepared_again_after_a_change() {
    let stored = Stored::new();
    let archive = Path::new("/home/alice/x.tar");
    stored.host.output(&mut stored.alice.shell("tar -cf x.tar -C /etc passwd")).ok();
    let name = "archive:/home/alice/x.tar";
    let found = fs::metadata(archive).expect("the archive");
    let stamp = |size: u64| json!({"dev": found.dev(), "ino": found.ino(), "size": size, "mtime": [found.mtime(), found.mtime_nsec()]});
    let mut file = run_file(name, MAP, "0", json!({}));
    file["stamp"] = stamp(1);
    stored.write_run_file(name, MAP, &file);
    let ready = stored.store.join("ready");
    file["stamp"] = stamp(found.size());
    fs::write(&ready, file.to_string()).expect("writing a run file");
    give(&ready, &stored.alice, 0o644);
    let path = stored.run_file(name, MAP);
    stored.install_script(&format!(
        "echo \"$@\" >>/home/alice/words; mv {} {}",
        ready.display(),
        path.display()
    ));
    for argument in ["x.tar", "./x.tar", "/home/alice/x.tar"] {
        assert_eq!(stored.prints(&["run", argument, "echo", "in"]), "in\n");
    }
    let words = fs::read_to_string("/home/alice/words").expect("the words");
    assert_eq!(words, format!("prepare --pull=missing -- {name}\n"));
}

#[test]
fn a_name_of_nothing_is_refused_with_the_nearest_one() {
    let stored = Stored::new();
    stored.install_script("echo subroot: pulling failed >&2; exit 1");
    for (name, fix) in
        [("busybx", "name busybox instead"), ("ls", "put -- before the command: subroot run -- ls")]
    {
        let outcome = stored.says(&["run", name, "true"]);
        assert_refused(&outcome, 125, &["pulling failed"]);
        assert_eq!(fix_of(&outcome), fix);
    }
    assert_eq!(stored.says(&["run", "alpine", "true"]).stderr, "subroot: pulling failed\n");
    for (words, why) in [
        (&["run", "--pull=never", "alpine", "true"][..], "no directory or stored image is named alpine"),
        (&["run", "oci:missing", "true"], "missing/index.json: No such file or directory"),
    ] {
        assert_refused(&stored.says(words), 125, &[why]);
    }
    let outcome = stored.says(&["doctor", "busybox"]);
    assert!([outcome.stdout, outcome.stderr].concat().contains("busybox is an image"));
    // A directory comes first.
    copy(&stored.files('0'), Path::new("/home/alice/busybox"));
    assert_eq!(stored.prints(&["run", "busybox", "sh", "-c", "touch /here"]), "");
    assert!(Path::new("/home/alice/busybox/here").exists());
}

/// A filter forbids the only flag that fsconfig(2) sets, which is overlayfs's userxattr.
#[test]
fn without_overlays_the_fix_makes_a_directory() {
    let stored = Stored::new();
    let filter = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["fsconfig"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
         "args": [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#;
    fs::write("/home/alice/filter.json", filter).expect("writing a profile");
    fs::set_permissions("/home/alice/filter.json", fs::Permissions::from_mode(0o644)).expect("its mode");
    let map = "0:0:65537;0:0:65537";
    copy(&stored.files('0'), &stored.layer(map, '1').join(".."));
    stored.image("busybox", map, "1", json!({}));
    let variable = format!("SUBROOT_STORE={}", stored.store.display());
    let profile = "--security-opt=seccomp=/home/alice/filter.json";
    let outer =
        ["run", "--cap-add=ALL", profile, "-v/home/alice:/home/alice", "-e", &variable, "--", "subroot"];
    let fix = "subroot import oci:/home/alice/.local/share/subroot/store:docker.io/library/busybox:latest ./busybox && subroot run ./busybox";
    for options in [&[][..], &["--read-only"]] {
        let outcome = stored.says(&[&outer[..], &["run"], options, &["busybox", "true"]].concat());
        assert_refused(&outcome, 125, &["using image busybox: the kernel refuses an overlay of its layers"]);
        assert_eq!(fix_of(&outcome), fix);
    }
}

fn fix_of(outcome: &Outcome) -> &str {
    let last = outcome.stderr.lines().last().unwrap_or_default();
    last.strip_prefix("subroot: fix: ").unwrap_or_else(|| panic!("no fix: {outcome:?}"))
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().expect("cp").success());
}
