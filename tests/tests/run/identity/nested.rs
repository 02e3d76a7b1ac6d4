//! Sandboxes in sandboxes, and in containers that cover parts of /proc.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::linux::fs::MetadataExt;
use subroot_tests::sandbox::{Sandbox, map_lines};

/// A launch in the host's own system, three levels deep: each level maps all IDs of the one before.
#[test]
fn three_deep_every_id_is_still_there() {
    let sandbox = Sandbox::new();
    let innermost = "cat /proc/self/uid_map; touch /mnt/probe; chown 65536:65536 /mnt/probe; stat -c %u:%g /mnt/probe; ps | wc -l";
    let mut command = sandbox.alice.command("subroot");
    command.args([
        "run",
        "--cap-add",
        "ALL",
        "-v",
        "/home/alice:/mnt",
        "--",
        "subroot",
        "run",
        "--cap-add",
        "ALL",
        "-v",
        "/mnt:/mnt",
        "--",
    ]);
    command.args(["subroot", "run", "-v", "/mnt:/mnt", "--", "sh", "-c", innermost]);
    let outcome = sandbox.host.output(&mut command);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let (maps, rest) = lines.split_at(lines.len().saturating_sub(2));
    assert_eq!(rest.first(), Some(&"65536:65536"), "{outcome:?}");
    let ids: u32 = maps.iter().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u32>().ok()).sum();
    assert_eq!(ids, 65537, "{outcome:?}");
    let probe = std::fs::metadata("/home/alice/probe").expect("the innermost file");
    assert_eq!((probe.st_uid(), probe.st_gid()), (165_535, 165_535));
}

/// The user's IDs are read before the maps are written, because they change afterwards.
#[test]
fn root_of_a_sandbox_is_kept_as_who_was_asked_for() {
    let sandbox = Sandbox::new();
    for (mode, expected) in
        [("keep-id:uid=5,gid=5", "5\n5\n"), ("keep-id", "0\n0\n"), ("keep-id:uid=70,gid=1", "70\n1\n")]
    {
        let inner = format!("exec subroot run --userns {mode} -- sh -c 'id -u; id -g'");
        let mut command = sandbox.alice.command("subroot");
        command.args(["run", "--cap-add", "ALL", "--", "sh", "-c", &inner]);
        assert_eq!(sandbox.host.output(&mut command).ok(), expected, "{mode}");
    }
}

/// As in podman and docker: the kernel then refuses a new proc (mount_too_revealing() in fs/namespace.c).
#[test]
fn where_proc_is_partly_covered_the_one_there_is_used() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let line = |options: &str| {
        format!(
            "unshare -Urmpf --mount-proc sh -c 'mount --bind /dev/null /proc/timer_list && exec subroot run {options} {root} -- sh -c \"id -u; cat /proc/self/uid_map; ls -d /proc/1\"'"
        )
    };
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&line("")));
    assert!(outcome.stderr.contains("refuses a new /proc"), "{outcome:?}");
    assert_eq!(map_lines(&outcome.ok()), ["0", "0 0 1", "/proc/1"]);
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&line("--proc bind")));
    assert_eq!((outcome.code(), outcome.stderr.contains("refuses")), (0, false), "{outcome:?}");
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&line("--proc new")));
    assert!(
        outcome.code() == 125 && outcome.stderr.contains("mounting /proc: Operation not permitted"),
        "{outcome:?}"
    );
}

/// podman masks parts of /proc, limits capabilities, and has its own filter.
#[test]
fn inside_podman_a_sandbox_starts() {
    let sandbox = Sandbox::new();
    // podman keeps its locks in /dev/shm, and crun refuses hosts that have both versions of control groups.
    sandbox.host.cover("/dev/shm", 0o1777);
    sandbox.host.cover("/sys/fs/cgroup", 0o755);
    let inner = sandbox.rootfs.path.join("srv/inner");
    let made = sandbox.host.output(&mut sandbox.alice.shell(&format!(
        "mkdir -p {0}/proc {0}/dev {0}/sys && cp -a rootfs/bin {0}/bin && for file in /usr/local/bin/subroot $(ldd /usr/local/bin/subroot | grep -o '/[^ ]*'); do
            mkdir -p rootfs$(dirname $file) && cp -L $file rootfs$file; done",
        inner.display()
    )));
    assert_eq!(made.code(), 0, "{made:?}");
    let line = "podman --storage-driver vfs --runtime crun run --rm --network none --cgroups disabled \
        --rootfs /home/alice/rootfs /usr/local/bin/subroot run /srv/inner -- sh -c 'id -u; cat /proc/self/uid_map; exit 7'";
    sandbox.host.make_dir("/run/user/1000", &sandbox.alice);
    let outcome = sandbox.host.output(sandbox.alice.shell(line).env("XDG_RUNTIME_DIR", "/run/user/1000"));
    // podman leaves a process running that holds its user namespace open for the next run.
    let pause = std::fs::read_to_string("/run/user/1000/libpod/tmp/pause.pid");
    if let Some(pid) = pause.ok().and_then(|pid| pid.trim().parse().ok()).filter(|pid: &i32| *pid > 1) {
        let _already_gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    assert_eq!(
        (outcome.code(), map_lines(&outcome.stdout)),
        (7, ["0", "0 0 1", "1 1 65536"].map(str::to_owned).to_vec()),
        "{outcome:?}"
    );
    assert!(outcome.stderr.contains("refuses a new /proc"), "{outcome:?}");
}
