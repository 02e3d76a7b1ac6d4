//! The caller's own mounts, namespaces and procfs: nothing that she arranges there is trusted (properties P2,
//! P5).

use crate::GRANTED;
use crate::target::of_a_pidfd;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::{Host, MAPPER, Maps, Outcome, Started, Step, Target, User, start_with};

/// A process of this user in its own namespaces, in which a script has run to its end.
struct Elsewhere(Started);

impl Elsewhere {
    /// In the script, `$0` is the target's PID and descriptor 5 is `passed`.
    fn new(user: &User, flags: &[&str], target: &Target, passed: Option<OwnedFd>, script: &str) -> Elsewhere {
        let done = user.home.join("done");
        let script = format!("{script} && touch done && exec sleep 1000");
        let mut unshare = user.command("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]).args(flags).args(["sh", "-ec", &script]);
        unshare.arg(target.pid().to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut steps = vec![Step::DieWithParent];
        steps.extend(passed.map(|file| Step::Pass(file, 5)));
        let elsewhere = Elsewhere(Started::with_own_descriptors(start_with(&mut unshare, steps)));
        for _ in 0..500 {
            if done.exists() {
                fs::remove_file(done).expect("the script's mark");
                return elsewhere;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("not arranged: {script}");
    }

    /// The file at this path as the process sees it.
    fn open(&self, path: &str) -> OwnedFd {
        let path = format!("/proc/{}/root{path}", self.0.pid());
        open(path.as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
            .expect("opening a file in another mount namespace")
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _already_gone = self.0.child().kill();
        let _status = self.0.child().wait();
    }
}

fn through(host: &Host, user: &User, descriptor: OwnedFd) -> Outcome {
    let mut command = user.mapper();
    command.arg("fd:7").args(GRANTED.split(' '));
    host.output(start_with(&mut command, vec![Step::Pass(descriptor, 7)]))
}

#[track_caller]
fn assert_unfit(outcome: &Outcome, why: &str) {
    let line = format!("newidmap-helper: opening target fd:7: {why}\n");
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (3, line.as_str()));
}

/// `ns/user` is opened even if something is mounted over it. The caller must then also own the namespace that
/// is found.
#[test]
fn a_namespace_of_somebody_elses_put_over_ones_own_is_refused() {
    let host = Host::new();
    let (alice, bob) = (host.user("alice"), host.user("bob"));
    let (target, bobs) = (Target::new(&alice), Target::new(&bob));
    let cover = "mount -t tmpfs tmpfs /proc/$0/ns; touch /proc/$0/ns/user; mount --bind /proc/self/fd/5 /proc/$0/ns/user";
    let elsewhere = Elsewhere::new(&alice, &[], &target, Some(bobs.namespace()), cover);
    let covered = elsewhere.open(&format!("/proc/{}", target.pid()));
    assert_unfit(&through(&host, &alice, covered), "its user namespace is not owned by you");
    assert_eq!((target.maps(), bobs.maps()), (Maps::untouched(), Maps::untouched()));
}

#[test]
fn a_directory_that_only_looks_like_a_process_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let fill = "for file in uid_map gid_map setgroups; do touch $fake/$file; done; mkdir $fake/ns; touch $fake/ns/user";
    let cover = "mount --bind /proc/self/ns/user $fake/ns/user || true";
    let over_proc = format!("/proc/{}", target.pid());
    for (fake, mount) in [
        ("/mnt", "mount -t tmpfs tmpfs /mnt"),
        (
            "/mnt/d",
            "mount -t tmpfs tmpfs /mnt; cd /mnt; mkdir a b c d; mount -t overlay -o lowerdir=a,upperdir=b,workdir=c o d; cd",
        ),
        (&over_proc, "mount -t tmpfs tmpfs /proc; mkdir /proc/$0"),
    ] {
        let mount = format!("{mount}; fake={fake}");
        let elsewhere = Elsewhere::new(&alice, &[], &target, None, &format!("{mount}; {fill}; {cover}"));
        assert_unfit(
            &through(&host, &alice, elsewhere.open(fake)),
            "not an open descriptor of a /proc/PID directory or a pidfd",
        );
        assert_eq!(
            fs::metadata(format!("/proc/{}/root{fake}/uid_map", elsewhere.0.pid())).expect("a fake").size(),
            0
        );
    }
    assert_eq!(target.maps(), Maps::untouched());
}

#[test]
fn a_procfs_of_ones_own_shows_no_more_than_ones_own_processes() {
    let host = Host::new();
    let (alice, bob) = (host.user("alice"), host.user("bob"));
    let bobs = Target::new(&bob);
    let flags = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let elsewhere = Elsewhere::new(&alice, &flags, &bobs, None, "true");
    // Process 1 in that procfs is in a namespace that already has its maps.
    assert_unfit(&through(&host, &alice, elsewhere.open("/proc/1")), "its gid_map is already written");
    assert_eq!(bobs.maps(), Maps::untouched());
}

#[test]
fn from_a_user_namespace_of_ones_own_no_process_outside_is_mapped_whatever_is_mounted() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    for arrange in [
        "true",
        "mount -t tmpfs tmpfs /etc; echo 0:1:200000 | tee /etc/subuid >/etc/subgid",
        "echo alice:1:100000 >mine; mount --bind mine /etc/subuid",
        "mount -t tmpfs tmpfs /proc",
        "touch mine; mount --bind mine /proc/$0/uid_map; mount --bind mine /proc/$0/gid_map",
    ] {
        let run = format!("{arrange}; exec {} $0 {GRANTED}", MAPPER);
        let mut unshare = alice.command("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-ec", &run, &target.pid().to_string()]);
        let outcome = host.output(&mut unshare);
        assert_ne!(outcome.code(), 0, "{arrange}: {outcome:?}");
        assert_eq!(target.maps(), Maps::untouched(), "{arrange}: {outcome:?}");
    }
}

/// The owner of a namespace may examine every process in it, including other users'.
#[test]
fn a_process_of_roots_in_a_namespace_of_ones_own_is_refused() {
    let host = Host::new();
    let alice = host.user("alice");
    let own = Target::new(&alice);
    let roots = Target::after(&host.user("root"), vec![Step::Enter(own.namespace())]);
    let line = format!("newidmap-helper: opening target {}: no process of yours\n", roots.pid());
    let outcome = host.output(&mut alice.maps(&roots, GRANTED));
    assert_eq!((outcome.code(), outcome.stderr), (3, line));
    assert_unfit(&through(&host, &alice, roots.dir()), "no process of yours");
    assert_unfit(&through(&host, &alice, roots.pidfd()), of_a_pidfd(&alice, "no process of yours"));
    assert_eq!(own.maps(), Maps::untouched());
}

/// Two checks prevent this: root owns the files in the directory, because the process is not dumpable, and
/// root owns the namespace that covers the process's own. The kernel would also refuse the write, so the
/// mapper must not get that far.
#[test]
fn roots_mapper_does_not_try_a_users_process_whatever_covers_its_namespace() {
    let host = Host::new();
    for path in ["/etc/subuid", "/etc/subgid"] {
        host.write(path, "root:100000:65536\n");
    }
    let (root, roots) = (host.user("root"), Target::new(&host.user("root")));
    let target = not_dumpable(&host.user("bob"));
    let cover = "mount -t tmpfs tmpfs /proc/$0/ns && touch /proc/$0/ns/user && mount --bind /proc/$1/ns/user /proc/$0/ns/user";
    let mut shell = root.shell(cover);
    host.output(shell.args([target.pid().to_string(), roots.pid().to_string()])).ok();
    let line = format!("newidmap-helper: opening target {}: no process of yours\n", target.pid());
    let outcome = host.output(&mut root.maps(&target, GRANTED));
    assert_eq!((outcome.code(), outcome.stderr), (3, line));
    assert_unfit(&through(&host, &root, target.dir()), "no process of yours");
    assert_eq!((target.maps(), roots.maps()), (Maps::untouched(), Maps::untouched()));
}

/// Its files in /proc are owned by root: it may hold secrets from its user.
#[test]
fn a_process_that_is_not_dumpable_is_no_target() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = not_dumpable(&alice);
    assert_ne!(fs::metadata(target.path("uid_map")).expect("its uid_map").uid(), alice.uid);
    let line = format!("opening target {}: no process of yours", target.pid());
    let outcome = host.output(&mut alice.maps(&target, GRANTED));
    assert_eq!((outcome.code(), outcome.stderr), (3, format!("newidmap-helper: {line}\n")));
    assert_unfit(&through(&host, &alice, target.dir()), "no process of yours");
    assert_unfit(&through(&host, &alice, target.pidfd()), of_a_pidfd(&alice, "no process of yours"));
    assert_eq!(target.maps(), Maps::untouched());
}

/// A process that became non-dumpable after it executed its program in the new namespace, so that the owner
/// could still examine it before.
fn not_dumpable(user: &User) -> Target {
    let script = format!(
        "syscall({}, {}, 0, 0, 0, 0) == 0 or die; sleep 1000;",
        libc::SYS_prctl,
        libc::PR_SET_DUMPABLE
    );
    let target = Target::running(user, &["/usr/bin/perl", "-e", &script]);
    for _ in 0..500 {
        // Owned by root of the initial user namespace, which another namespace shows as nobody.
        if fs::metadata(target.path("uid_map")).is_ok_and(|file| file.uid() != user.uid) {
            return target;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("a process that is not dumpable");
}
