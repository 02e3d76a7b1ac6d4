//! Overlays on kernels whose tmpfs has no user.* attributes, as before Linux 6.6: their changes are on disk
//! until the sandbox ends.
//!
//! A filter makes the launcher's fsetxattr(2) fail with EOPNOTSUPP, so that it behaves as on such a kernel.
//! The guest tests run such a kernel, and show that directories can then be removed.

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount, umount};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use subroot_tests::running::{PATIENCE, Running, soon};
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned, give, listing};
use subroot_tests::{Outcome, Step, User, as_root_first, children};

const STORE: &str = "/home/alice/.cache/subroot";
const WARNED: [&str; 2] = ["changes go to /home/alice/.cache/subroot/overlay-", "before Linux 6.6"];

/// Makes a system call fail for a command of alice.
fn failing<'c>(
    sandbox: &Sandbox,
    command: &'c mut Command,
    call: libc::c_long,
    errno: Errno,
) -> &'c mut Command {
    as_root_first(command, &sandbox.alice, vec![Step::FailCallOfAll(call, errno as i32)])
}

/// Makes memory appear to have no attributes.
fn without_attributes<'c>(sandbox: &Sandbox, command: &'c mut Command) -> &'c mut Command {
    failing(sandbox, command, libc::SYS_fsetxattr, Errno::EOPNOTSUPP)
}

fn output_without(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    sandbox.host.output(without_attributes(sandbox, &mut sandbox.shell(options, script)))
}

/// A launch that ends when it reads a line of input.
fn waiting(sandbox: &Sandbox, script: &str) -> Running {
    let script = format!("{script}; echo ready; read line");
    Running::new(
        without_attributes(sandbox, &mut sandbox.shell(&["--overlay"], &script)).stdin(Stdio::piped()),
    )
}

/// The C library's text for an errno: strerror(3).
fn reason(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    text.split(" (os error").next().expect("a text").to_owned()
}

fn go_on(running: &mut Running) {
    std::io::Write::write_all(&mut running.input(), b"\n").expect("telling it to go on");
}

/// The directories of all launches.
fn on_disk() -> Vec<PathBuf> {
    let entries = fs::read_dir(STORE).into_iter().flatten();
    entries.map(|entry| entry.expect("reading a directory").path()).collect()
}

#[test]
fn changes_are_on_disk_until_the_end() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let before = listing(&sandbox.rootfs.path);
        let mut running =
            waiting(&sandbox, "rm -rf /etc && mkdir /etc && echo x >/etc/new && chown 33:33 /etc/new");
        let dirs = on_disk();
        let files: Vec<String> = dirs.iter().flat_map(|dir| listing(dir).into_keys()).collect();
        assert!(dirs.len() == 1 && files.iter().any(|file| file.ends_with("/upper/etc/new")), "{files:?}");
        go_on(&mut running);
        assert_warned(&running.end(), &WARNED);
        assert_eq!((on_disk(), listing(&sandbox.rootfs.path)), (Vec::new(), before));
    }
}

#[test]
fn layers_over_bound_directories_are_there_too() {
    let sandbox = Sandbox::new();
    sandbox.dir("one", &[("a", "1\n")]);
    sandbox.dir("two", &[("b", "2\n")]);
    let options = ["-v", "/home/alice/one:/srv:O", "-v", "/home/alice/two:/mnt/x:O", "--overlay"];
    let outcome = output_without(
        &sandbox,
        &options,
        "cat /srv/a /mnt/x/b && rm /srv/a /mnt/x/b && touch /srv/c /mnt/x/c",
    );
    assert_warned(&outcome, &WARNED);
    assert_eq!((outcome.stdout.as_str(), on_disk()), ("1\n2\n", Vec::new()));
    assert_eq!(listing(Path::new("/home/alice/one")).len() + listing(Path::new("/home/alice/two")).len(), 2);
}

/// The directories are in the home directory, which is then a lower layer, including those of other launches.
#[test]
fn the_hosts_system_has_its_layers_there_and_does_not_show_them() {
    let sandbox = Sandbox::new();
    sandbox.dir("data/inner", &[("x", "x\n")]);
    give(Path::new("/home/alice/data"), &sandbox.alice, 0o755);
    let mut other = waiting(&sandbox, "touch /other");
    let script = "rm -rf data && mkdir data && touch data/new /etc/new && ls -A data .cache/subroot";
    let outcome = sandbox.host.output(without_attributes(
        &sandbox,
        &mut sandbox.alice.shell(&format!("subroot run -- sh -c '{script}'")),
    ));
    assert_warned(&outcome, &WARNED);
    assert_eq!(outcome.stdout, ".cache/subroot:\n\ndata:\nnew\n");
    go_on(&mut other);
    assert_warned(&other.end(), &WARNED);
    assert_eq!(on_disk(), Vec::<PathBuf>::new());
    assert_eq!(fs::read_to_string("/home/alice/data/inner/x").expect("the file"), "x\n");
    assert!(!Path::new("/etc/new").exists());
}

/// The directory of the layers must not be visible below a layer either.
#[test]
fn a_layer_over_the_cache_does_not_show_them() {
    let sandbox = Sandbox::new();
    let mut other = waiting(&sandbox, "touch /other");
    let script = "cd /srv/.cache/subroot && ls -A && ! touch x 2>/dev/null && echo hidden";
    let outcome = output_without(&sandbox, &["-v", "/home/alice:/srv:O"], script);
    assert_warned(&outcome, &WARNED);
    assert_eq!(outcome.stdout, "hidden\n");
    go_on(&mut other);
    assert_warned(&other.end(), &WARNED);
}

/// Removing this many files takes a while.
#[test]
fn the_end_is_reported_once_nothing_is_left() {
    let sandbox = Sandbox::new();
    let fill = "mkdir /mark && cd /mark && for n in $(seq 2000); do : >$n; done";
    let line = format!(
        "subroot run --json-status 3 --overlay {} -- sh -c '{fill}' 3>&1 >/dev/null 2>&1 | while read -r line; do
            case $line in *ended*) echo end; ls -A {STORE};; esac; done",
        sandbox.rootfs.path.display()
    );
    let outcome = sandbox.host.output(without_attributes(&sandbox, &mut sandbox.alice.shell(&line)));
    assert_eq!(outcome.stdout, "end\n", "{outcome:?}");
}

/// A sandbox with changes on disk, including some that alice cannot remove herself.
fn doomed(sandbox: &Sandbox) -> (Running, Vec<PathBuf>) {
    let running = waiting(sandbox, "mkdir -p /etc/a/b && chown -R 33:33 /etc/a && chmod 000 /etc/a");
    let dirs = on_disk();
    assert_eq!(dirs.len(), 1);
    (running, dirs)
}

/// The child of a launcher that holds its directory open.
fn guard_of(running: &Running, dir: &Path) -> Pid {
    let holds = |pid: &Pid| {
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == dir))
    };
    let guards: Vec<Pid> = children(running.pid()).into_iter().filter(holds).collect();
    assert_eq!(guards.len(), 1);
    guards[0]
}

/// As timeout(1) and shells kill it.
#[test]
fn a_killed_process_group_leaves_nothing() {
    let sandbox = Sandbox::new();
    let (running, _) = doomed(&sandbox);
    killpg(running.pid(), Signal::SIGKILL).expect("killing the group");
    running.end();
    assert!(soon(PATIENCE, || on_disk().is_empty()), "{:?}", on_disk());
}

#[test]
fn a_killed_launcher_leaves_nothing() {
    let sandbox = Sandbox::new();
    let (running, _) = doomed(&sandbox);
    running.signal(9);
    running.end();
    assert!(soon(PATIENCE, || on_disk().is_empty()), "{:?}", on_disk());
}

#[test]
fn what_all_killed_processes_leave_goes_with_the_next_start_and_what_is_in_use_stays() {
    let sandbox = Sandbox::new();
    let (running, left) = doomed(&sandbox);
    let mut other = waiting(&sandbox, "touch /etc/other");
    let in_use: Vec<PathBuf> = on_disk().into_iter().filter(|dir| !left.contains(dir)).collect();
    kill(guard_of(&running, &left[0]), Signal::SIGKILL).expect("killing the guard");
    running.signal(9);
    running.end();
    assert_eq!((in_use.len(), on_disk().len()), (1, 2));
    // The sandbox may take a moment to end. A directory that it still changes is left for the next launch.
    let is_removed = || {
        output_without(&sandbox, &["--overlay"], "true").ok();
        on_disk() == in_use
    };
    assert!(soon(PATIENCE, is_removed), "{:?}", on_disk());
    assert!(
        in_use.iter().flat_map(|dir| listing(dir).into_keys()).any(|file| file.ends_with("/upper/etc/other"))
    );
    go_on(&mut other);
    assert_warned(&other.end(), &WARNED);
    assert_eq!(on_disk(), Vec::<PathBuf>::new());
}

fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").expect("the host's name").trim_end().replace('/', "-")
}

/// A filesystem may be shared by hosts that do not see each other's locks.
#[test]
fn what_another_host_may_use_stays() {
    let sandbox = Sandbox::new();
    output_without(&sandbox, &["--overlay"], "true").ok();
    let [own, others, longer] = ["", "other-", "1-2-"]
        .map(|prefix| Path::new(STORE).join(format!("overlay-1-2-{prefix}{}", host_name())));
    for dir in [&own, &others, &longer] {
        fs::create_dir(dir).expect("a directory");
        give(dir, &sandbox.alice, 0o777);
    }
    output_without(&sandbox, &["--overlay"], "true").ok();
    let mut left = on_disk();
    left.sort_unstable();
    assert_eq!(left, [longer, others]);
}

/// The launcher removes it instead.
#[test]
fn a_killed_guard_leaves_nothing_either() {
    let sandbox = Sandbox::new();
    let (mut running, dirs) = doomed(&sandbox);
    kill(guard_of(&running, &dirs[0]), Signal::SIGKILL).expect("killing the guard");
    let still = output_without(&sandbox, &["--overlay"], "true");
    assert_eq!((still.code(), on_disk()), (0, dirs));
    go_on(&mut running);
    assert_warned(&running.end(), &WARNED);
    assert_eq!(on_disk(), Vec::<PathBuf>::new());
}

/// Symlinks, nesting deeper than any path, modes without permissions, other owners, names of all kinds.
#[test]
fn hostile_content_is_removed_and_nothing_outside_of_it() {
    let sandbox = Sandbox::new();
    sandbox.dir("outside", &[("precious", "x\n")]);
    let script = r#"
        name=$(printf '%0200d' 0); mkdir /top && cd /top && mkdir deep && touch deep/file
        for n in $(seq 50); do mkdir next && mv deep next/$name && mv next deep; done
        for link in 1 2 overlay-1-1 upper; do ln -s /home/alice/outside $link; done
        mkdir 3 && ln -s ../../../../../../../outside 3/1 && mkfifo 3/fifo && touch "3/$(printf 'a\nb')" 3/-rf 3/2
        mkdir -p a/1/2/3 b/1/2/3 c/1 && ln -s / a/1/2/root && chown -R 100:100 a && chmod 1000 b && chmod 4755 3/2 && chmod -R 000 a c"#;
    let outcome = output_without(&sandbox, &["--overlay"], script);
    assert_warned(&outcome, &WARNED);
    assert_eq!(on_disk(), Vec::<PathBuf>::new());
    assert_eq!(fs::read_to_string("/home/alice/outside/precious").expect("the file"), "x\n");
}

/// A filesystem of the host at the top, and one in a directory that the command created.
#[test]
fn what_is_mounted_in_it_or_put_in_its_place_is_left_alone() {
    let sandbox = Sandbox::new();
    let outside = sandbox.dir("outside", &[("precious", "x\n")]);
    let mut running = waiting(&sandbox, "mkdir /etc/mounted");
    let dir = on_disk().pop().expect("its directory");
    let inner = listing(&dir).into_keys().find(|path| path.ends_with("/upper/etc/mounted"));
    for place in [inner.expect("the command's directory"), dir.join("0").display().to_string()] {
        mount(Some(&outside), place.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("a mount");
    }
    let link = Path::new(STORE).join(format!("overlay-1-7-{}", host_name()));
    symlink(&outside, &link).expect("a symlink");
    go_on(&mut running);
    let outcome = running.end();
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let said = format!("subroot: removing {}: ", dir.display());
    assert!(outcome.stderr.contains(&said), "{outcome:?}");
    for file in listing(&dir).into_keys().filter(|path| path.ends_with("/precious")) {
        umount(Path::new(&file).parent().expect("its directory")).expect("detaching a mount");
    }
    let outcome = output_without(&sandbox, &["--overlay"], "true");
    let said =
        format!("subroot: removing {}, a leftover of a killed launch: Not a directory", link.display());
    assert!(outcome.code() == 0 && outcome.stderr.contains(&said), "{outcome:?}");
    assert_eq!(on_disk(), [link]);
    assert_eq!(fs::read_to_string(outside.join("precious")).expect("the file"), "x\n");
}

#[test]
fn without_a_directory_nothing_is_started_and_the_fix_works() {
    let sandbox = Sandbox::new();
    sandbox.host.cover("/var/tmp", 0o1777);
    sandbox.dir("open", &[]);
    give(Path::new("/home/alice/open"), &sandbox.alice, 0o755);
    sandbox.dir("open/subroot", &[]);
    give(Path::new("/home/alice/open/subroot"), &sandbox.alice, 0o777);
    fs::create_dir("/home/alice/roots").expect("a directory of root's");
    let run = format!("subroot run --overlay {} -- touch /mark", sandbox.rootfs.path.display());
    for (variables, words) in [
        ("unset HOME;", ["~/.cache", "neither HOME nor XDG_CACHE_HOME is set"]),
        ("export XDG_CACHE_HOME=/proc;", ["/proc", "another user owns it"]),
        ("export XDG_CACHE_HOME=/home/alice/roots;", ["/home/alice/roots", "another user owns it"]),
        ("export HOME=/home/alice/roots;", ["/home/alice/roots", "another user owns it"]),
        ("export XDG_CACHE_HOME=/home/alice/open;", ["/home/alice/open/subroot", "others can write to it"]),
        ("export XDG_CACHE_HOME=/home/alice/a/b;", ["/home/alice/a", "No such file"]),
    ] {
        let line = format!("{variables} {run}");
        let refused = sandbox.host.output(without_attributes(&sandbox, &mut sandbox.alice.shell(&line)));
        assert_refused(
            &refused,
            125,
            &["making a directory for the changes", words[0], words[1], "before Linux 6.6"],
        );
        assert!(!sandbox.has_mark());
        let fix = refused.stderr.lines().find_map(|line| line.strip_prefix("subroot: fix: ")).expect("a fix");
        assert_eq!(fix, "export XDG_CACHE_HOME=$(mktemp -d /var/tmp/XXXXXX)");
        let line = format!("{variables} {fix}; {run}; ls -A $XDG_CACHE_HOME/subroot; rm -r $XDG_CACHE_HOME");
        let outcome = sandbox.host.output(without_attributes(&sandbox, &mut sandbox.alice.shell(&line)));
        assert_warned(&outcome, &["changes go to /var/tmp/"]);
        assert!(outcome.stdout.is_empty() && !sandbox.has_mark(), "{outcome:?}");
    }
    assert_eq!(fs::read_dir("/home/alice/roots").expect("root's directory").count(), 0);
    assert_eq!(fs::read_dir("/var/tmp").expect("the directory").count(), 0);
}

/// procfs cannot hold an upper layer. This is found by trying an overlay, not by the filesystem's name.
#[test]
fn a_directory_that_cannot_hold_a_layer_is_named() {
    let sandbox = Sandbox::new();
    sandbox.host.cover("/var/tmp", 0o755);
    fs::set_permissions("/tmp", fs::Permissions::from_mode(0o755)).expect("closing the test's own /tmp");
    // The upper layer of another overlay does not accept whiteouts.
    for name in ["lower", "upper", "work", "cache"] {
        sandbox.dir(name, &[]);
    }
    let layers = "lowerdir=/home/alice/lower,upperdir=/home/alice/upper,workdir=/home/alice/work,userxattr";
    mount(Some("overlay"), "/home/alice/cache", Some("overlay"), MsFlags::empty(), Some(layers))
        .expect("an overlay");
    let mut command = sandbox.shell(&["--overlay"], "touch /mark");
    let refused =
        sandbox.host.output(without_attributes(&sandbox, command.env("XDG_CACHE_HOME", "/home/alice/cache")));
    assert_refused(
        &refused,
        125,
        &["removing a directory through an overlay in /home/alice/cache/subroot/overlay-", "6.6"],
    );
    assert!(refused.stderr.contains("XDG_CACHE_HOME=DIRECTORY"), "{refused:?}");
    assert_eq!(fs::read_dir("/home/alice/cache/subroot").expect("the directory").count(), 0);
}

#[test]
fn another_error_is_not_taken_for_an_answer() {
    let sandbox = Sandbox::new();
    let calls = [(libc::SYS_fsetxattr, Errno::EIO), (libc::SYS_memfd_create, Errno::EMFILE)];
    for (call, errno) in calls {
        let refused = sandbox.host.output(failing(
            &sandbox,
            &mut sandbox.shell(&["--overlay"], "touch /mark"),
            call,
            errno,
        ));
        assert_refused(&refused, 125, &["attribute of a file in memory", &reason(errno)]);
    }
    // Without an overlay whose changes are discarded, nothing is checked.
    sandbox.dir("kept", &[]);
    for options in [[].as_slice(), &["--overlay=/home/alice/kept"], &["--read-only"]] {
        let mut command = sandbox.shell(options, "echo ran");
        let outcome = sandbox.host.output(failing(&sandbox, &mut command, libc::SYS_fsetxattr, Errno::EIO));
        assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), ("", "ran\n"), "{options:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_locked_or_opened_to_others_is_removed() {
    let sandbox = Sandbox::new();
    let fail = |call, errno: Errno| Step::FailCallOfAll(call, errno as i32);
    for call in [libc::SYS_flock, libc::SYS_fchmodat] {
        let mut command = sandbox.shell(&["--overlay"], "touch /mark");
        let steps = vec![fail(libc::SYS_fsetxattr, Errno::EOPNOTSUPP), fail(call, Errno::EIO)];
        let refused = sandbox.host.output(as_root_first(&mut command, &sandbox.alice, steps));
        assert_refused(
            &refused,
            125,
            &["making a directory for the changes", "overlay-", &reason(Errno::EIO)],
        );
        assert_eq!(on_disk(), Vec::<PathBuf>::new());
    }
}

/// A launch that warns that its changes are on disk, works, and leaves nothing.
fn assert_works(sandbox: &Sandbox, command: &mut Command, user: &User) {
    let steps = vec![Step::FailCallOfAll(libc::SYS_fsetxattr, Errno::EOPNOTSUPP as i32)];
    let outcome = sandbox.host.output(as_root_first(command, user, steps));
    assert_warned(&outcome, &["changes go to ", "before Linux 6.6"]);
    assert_eq!(outcome.stdout, "made\n", "{outcome:?}");
    assert!(!sandbox.has_mark());
}

const MAKE: &str =
    "mkdir -p /mark/dir && touch /mark/dir/file && chown -R 3:3 /mark && chmod 000 /mark && echo made";

/// The first ID is then a different one, so the directory is opened before the process changes to it.
#[test]
fn the_callers_own_id_need_not_be_mapped() {
    let sandbox = Sandbox::new();
    let options = ["--overlay", "-v", "/home/alice/one:/srv:O", "--uidmap", "0:1:9", "--gidmap", "0:1:9"];
    sandbox.dir("one", &[("a", "1\n")]);
    assert_works(&sandbox, &mut sandbox.shell(&options, MAKE), &sandbox.alice);
    assert_eq!(on_disk(), Vec::<PathBuf>::new());
    assert_eq!(fs::metadata(STORE).expect("the store").permissions().mode() & 0o7777, 0o700);
    let line = format!("cd / && subroot run --uidmap 0:1:9 --gidmap 0:1:9 -- sh -c '{MAKE}'");
    assert_works(&sandbox, &mut sandbox.alice.shell(&line), &sandbox.alice);
    assert_eq!(on_disk(), Vec::<PathBuf>::new());
}

/// root's grants never include ID 0.
#[test]
fn root_with_grants_has_its_changes_on_disk_too() {
    let sandbox = Sandbox::new();
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.host.write(file, "root:300000:65536\n");
    }
    fs::create_dir("/home/alice/roots").expect("a cache of root's");
    let root = sandbox.host.user("root");
    let mut run = root.command("subroot");
    run.args(["run", "--overlay"]).arg(&sandbox.rootfs.path).args(["--", "sh", "-c", MAKE]);
    assert_works(&sandbox, run.env("XDG_CACHE_HOME", "/home/alice/roots"), &root);
    let mut examine = root.command("subroot");
    let examine = examine.arg("doctor").env("XDG_CACHE_HOME", "/home/alice/roots");
    let steps = vec![Step::FailCallOfAll(libc::SYS_fsetxattr, Errno::EOPNOTSUPP as i32)];
    let outcome = sandbox.host.output(as_root_first(examine, &root, steps));
    assert!(outcome.stdout.contains("with its changes in /home/alice/roots/subroot"), "{outcome:?}");
    assert_eq!(fs::read_dir("/home/alice/roots/subroot").expect("the store").count(), 0);
}

/// The directories in it are accessible to all users.
#[test]
fn the_store_is_closed_to_everyone_else() {
    let sandbox = Sandbox::new();
    sandbox.dir(".cache/subroot", &[]);
    for dir in ["/home/alice/.cache", STORE] {
        give(Path::new(dir), &sandbox.alice, 0o755);
    }
    let mut running = waiting(&sandbox, "touch /mark");
    let line = format!("ls -d {} && ls {STORE}/*", on_disk().pop().expect("its directory").display());
    let seen = sandbox.host.output(&mut sandbox.host.uid(2000).shell(&line));
    assert!(seen.code() != 0 && seen.stdout.is_empty(), "{seen:?}");
    go_on(&mut running);
    assert_warned(&running.end(), &WARNED);
}

/// Without IDs, its content could not be removed.
#[test]
fn a_launch_without_ids_leaves_no_directory() {
    let sandbox = Sandbox::new();
    let options = ["--overlay", "--uidmap", "0:1:9", "--gidmap", "0:1:9", "--helper", "/bin/false"];
    let refused = output_without(&sandbox, &options, "touch /mark");
    assert_refused(&refused, 125, &["mapping IDs with /bin/false"]);
    assert_eq!((refused.stderr.contains("removing"), on_disk()), (false, Vec::new()), "{refused:?}");
}

#[test]
fn a_directory_for_kept_changes_has_to_take_attributes() {
    let sandbox = Sandbox::new();
    sandbox.host.cover("/var/tmp", 0o1777);
    sandbox.dir("kept", &[]);
    let mut command = sandbox.shell(&["--overlay=/home/alice/kept"], "touch /mark");
    let refused = sandbox.host.output(failing(&sandbox, &mut command, libc::SYS_setxattr, Errno::EOPNOTSUPP));
    assert_refused(&refused, 125, &["/home/alice/kept", "no user.* attributes"]);
    let fix = "keep the changes elsewhere: --overlay=$(mktemp -d /var/tmp/XXXXXX)";
    assert!(refused.stderr.contains(fix) && !sandbox.has_mark(), "{refused:?}");
}

/// A directory that two overlays change has undefined content, so without a lock the launch fails.
#[test]
fn a_directory_for_kept_changes_that_cannot_be_locked_is_refused() {
    let sandbox = Sandbox::new();
    let kept = sandbox.dir("kept", &[]);
    let output = |command: &mut Command| sandbox.host.output(command);
    for errno in [Errno::ENOLCK, Errno::EIO, Errno::ENOSYS] {
        let mut command = sandbox.shell(&["--overlay=/home/alice/kept"], "touch /mark");
        let refused = output(failing(&sandbox, &mut command, libc::SYS_flock, errno));
        assert_refused(
            &refused,
            125,
            &["locking the directory of --overlay, /home/alice/kept", &reason(errno)],
        );
    }
    give(&kept, &sandbox.alice, 0o300);
    let refused = output(&mut sandbox.shell(&["--overlay=/home/alice/kept"], "touch /mark"));
    assert_refused(
        &refused,
        125,
        &["opening the directory of --overlay, /home/alice/kept", "Permission denied"],
    );
    assert_eq!(fs::read_dir(&kept).expect("the directory").count(), 0);
    assert!(!sandbox.has_mark());
}
