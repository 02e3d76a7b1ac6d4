//! Names and entries belong to this user: no other user and no payload can take, forge or hide one (property
//! L14).

use crate::running::{READY, unique_name};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{Uid, mkfifo, setfsuid};
use std::fs::{self, File, Permissions, hard_link};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use subroot_tests::running::{GONE_WITHIN, PATIENCE, Running, soon};
use subroot_tests::sandbox::{Sandbox, assert_refused, give, listing};
use subroot_tests::{Outcome, Started, Step, User, as_root_first, start_with};

const SESSION: &str = "/tmp/session";
const STATE: &str = "/home/alice/.local/state";

/// Creates a directory owned by a user.
fn directory(path: &str, user: &User, mode: u32) {
    fs::create_dir(path).expect("a directory");
    give(path.as_ref(), user, mode);
}

/// The outcome of a launch with this name.
fn launch(sandbox: &Sandbox, name: &str) -> Outcome {
    sandbox.output(&["--name", name], "true")
}

/// A launch with a name whose lock can only be in [`SESSION`].
fn launch_in_session(sandbox: &Sandbox, name: &str) -> Command {
    let mut command = sandbox.shell(&["--name", name], "true");
    command.env("XDG_RUNTIME_DIR", SESSION).env_remove("HOME");
    command
}

/// A program that binds an abstract socket, which older versions used for names.
fn binding(name: &str) -> String {
    format!(
        "socket(S, AF_UNIX, SOCK_SEQPACKET, 0) or die; bind(S, pack_sockaddr_un(\"\\0subroot/1000/{name}\")) or die $!;
        $| = 1; print \"ready\\n\"; sleep 1000"
    )
}

#[test]
fn another_user_cannot_take_a_name() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    let bob = sandbox.host.user("bob");
    let binder = Running::new(bob.command("perl").args(["-MSocket", "-e", &binding(&name)]));
    launch(&sandbox, &name).ok();
    binder.signal(9);
}

#[test]
fn a_payload_on_the_hosts_network_cannot_take_a_name() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    let binder =
        Running::new(&mut sandbox.subroot(&["run", "--", "perl", "-MSocket", "-e", &binding(&name)]));
    launch(&sandbox, &name).ok();
    binder.signal(9);
}

/// A read lock would prevent others from taking a write lock, and needs no write permission. In the host's
/// own system, the payload sees the file through an overlay, which has its own locks.
#[test]
fn a_payload_in_the_hosts_system_cannot_lock_the_users_names() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    launch(&sandbox, &name).ok();
    // F_SETLK with F_RDLCK on all bytes: fcntl(2), and struct flock of 64-bit machines.
    let script = format!(
        "my @names = glob(\"{STATE}/subroot/names.*\"); @names or die;
        for (@names) {{ my $lock = pack('ssx4qqix4', 0, 0, 0, 0, 0);
            open($f{{$_}}, '<', $_) or die; fcntl($f{{$_}}, 6, $lock) or die $! }}
        $| = 1; print \"ready\\n\"; sleep 1000"
    );
    let locker = Running::new(&mut sandbox.subroot(&["run", "--", "perl", "-e", &script]));
    launch(&sandbox, &name).ok();
    locker.signal(9);
}

#[test]
fn of_two_launches_at_one_instant_exactly_one_gets_the_name() {
    let sandbox = Sandbox::new();
    for round in 0..50 {
        let name = unique_name();
        // The one that runs does not end before the other has.
        let start = || {
            let mut command = sandbox.shell(&["--name", &name], "echo ran; read line");
            Started::new(command.stdin(Stdio::piped()))
        };
        let mut started = [start(), start()];
        let inputs = started.each_mut().map(|started| started.child().stdin.take());
        let one_ended =
            || started.iter_mut().any(|started| started.child().try_wait().expect("a look at it").is_some());
        assert!(soon(PATIENCE, one_ended), "round {round}");
        drop(inputs);
        let mut ends = started.map(|started| started.end_within(PATIENCE));
        ends.sort_by_key(|end| end.code());
        let [ran, refused] = ends;
        assert_eq!((ran.code(), ran.stdout.as_str()), (1, "ran\n"), "round {round}: {ran:?}, {refused:?}");
        assert_refused(
            &refused,
            125,
            &[&format!("reserving the name {name}: a sandbox with that name is already running")],
        );
    }
}

#[test]
fn the_death_of_the_launcher_frees_the_name_at_once() {
    let sandbox = Sandbox::new();
    // Without this, the terminal would also add a carriage return to the line.
    let script = "[ ! -t 1 ] || stty -opost; echo ready; exec sleep 1000";
    for options in [[].as_slice(), &["--as-pid-1"], &["-t"], &["--pid", "host"]] {
        let name = unique_name();
        let options = [&["--name", name.as_str()], options].concat();
        let running = Running::new(&mut sandbox.shell(&options, script));
        assert_refused(&launch(&sandbox, &name), 125, &["already running"]);
        running.signal(9);
        assert!(soon(GONE_WITHIN, || launch(&sandbox, &name).code() == 0), "{options:?}");
    }
}

#[test]
fn names_are_locked_in_one_file_that_only_the_user_can_read() {
    let sandbox = Sandbox::new();
    let facts = |path: &Path| {
        let facts = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (facts.mode() & 0o7777, facts.uid(), facts.len())
    };
    for _ in 0..2 {
        launch(&sandbox, &unique_name()).ok();
    }
    let host = nix::unistd::gethostname().expect("the host's name").into_string().expect("UTF-8");
    let directories = ["/home/alice/.local", STATE, &format!("{STATE}/subroot")].map(str::to_owned);
    assert!(directories.iter().all(|path| facts(path.as_ref()).0 == 0o700), "{directories:?}");
    let file = format!("{STATE}/subroot/names.{host}");
    assert_eq!(facts(file.as_ref()), (0o600, sandbox.alice.uid, 0));
    assert_eq!(fs::read_dir(format!("{STATE}/subroot")).expect("the directory").count(), 1);
    // The session's directories come first, and the state directory can be set.
    for (variable, path, file) in [
        ("XDG_STATE_HOME", "/home/alice/state", format!("subroot/names.{host}")),
        ("OTHER", "/run/user/1000", "subroot/names".to_owned()),
        ("XDG_RUNTIME_DIR", SESSION, "subroot/names".to_owned()),
    ] {
        fs::create_dir_all(path).expect("a directory");
        give(path.as_ref(), &sandbox.alice, 0o700);
        let mut command = sandbox.shell(&["--name", &unique_name()], "true");
        sandbox.host.output(command.env(variable, path)).ok();
        assert_eq!(facts(&Path::new(path).join(file)), (0o600, sandbox.alice.uid, 0), "{variable}");
    }
}

/// A session's directory is removed with the session and created again; a program such as cron has none.
#[test]
fn a_name_is_taken_whichever_directory_of_a_session_there_is() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    directory(SESSION, &sandbox.alice, 0o700);
    directory("/tmp/other", &sandbox.alice, 0o700);
    let command = |session: Option<&str>, script| {
        let mut command = sandbox.shell(&["--name", &name], script);
        if let Some(session) = session {
            command.env("XDG_RUNTIME_DIR", session);
        }
        command
    };
    for [first, second] in [[None, Some(SESSION)], [Some(SESSION), None], [Some(SESSION), Some("/tmp/other")]]
    {
        let running = Running::new(&mut command(first, READY));
        assert_refused(&sandbox.host.output(&mut command(second, "true")), 125, &["already running"]);
        running.signal(9);
        drop(running.end());
        sandbox.host.output(&mut command(second, "true")).ok();
    }
}

#[test]
fn an_unsafe_directory_or_file_is_passed_over_and_nothing_in_it_changes() {
    type Setting = (&'static str, &'static str, fn(&User, &User));
    let settings: [Setting; 13] = [
        ("nothing", "No such file or directory", |_, _| {}),
        ("another user's", "another user owns it", |_, bob| directory(SESSION, bob, 0o777)),
        ("writable by others", "its group or others can write to it", |alice, _| {
            directory(SESSION, alice, 0o777);
        }),
        ("writable by the group", "its group or others can write to it", |alice, _| {
            directory(SESSION, alice, 0o770);
        }),
        ("a symlink", "Not a directory", |_, bob| {
            directory("/tmp/elsewhere", bob, 0o777);
            symlink("/tmp/elsewhere", SESSION).expect("a symlink");
        }),
        ("a file", "Not a directory", |alice, _| {
            File::create(SESSION).expect("a file");
            give(SESSION.as_ref(), alice, 0o600);
        }),
        ("another user's below", "another user owns it", |alice, bob| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/session/subroot", bob, 0o777);
        }),
        ("a symlink below", "Not a directory", |alice, bob| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/elsewhere", bob, 0o777);
            symlink("/tmp/elsewhere", "/tmp/session/subroot").expect("a symlink");
        }),
        ("a symlink as the file", "Too many levels of symbolic links", |alice, bob| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/session/subroot", alice, 0o700);
            directory("/tmp/elsewhere", bob, 0o777);
            symlink("/tmp/elsewhere/new", "/tmp/session/subroot/names").expect("a symlink");
        }),
        ("a fifo as the file", "it is not a regular file", |alice, _| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/session/subroot", alice, 0o700);
            mkfifo("/tmp/session/subroot/names", nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
            give("/tmp/session/subroot/names".as_ref(), alice, 0o600);
        }),
        ("a file with another link", "it has more than one link", |alice, _| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/session/subroot", alice, 0o700);
            File::create("/tmp/session/other").expect("a file");
            give("/tmp/session/other".as_ref(), alice, 0o600);
            hard_link("/tmp/session/other", "/tmp/session/subroot/names").expect("a link");
        }),
        ("another user's file", "another user owns it", |alice, bob| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/session/subroot", alice, 0o700);
            File::create("/tmp/session/subroot/names").expect("a file");
            give("/tmp/session/subroot/names".as_ref(), bob, 0o666);
        }),
        ("a file that others can write", "its group or others can write to it", |alice, _| {
            directory(SESSION, alice, 0o700);
            directory("/tmp/session/subroot", alice, 0o700);
            File::create("/tmp/session/subroot/names").expect("a file");
            give("/tmp/session/subroot/names".as_ref(), alice, 0o666);
        }),
    ];
    for (what, why, set_up) in settings {
        let sandbox = Sandbox::new();
        set_up(&sandbox.alice, &sandbox.host.user("bob"));
        let before = listing("/tmp".as_ref());
        let refused = sandbox.host.output(&mut launch_in_session(&sandbox, &unique_name()));
        assert_refused(&refused, 125, &["reserving the name", why]);
        // With a home directory, there is another candidate.
        let mut command = launch_in_session(&sandbox, &unique_name());
        sandbox.host.output(command.env("HOME", "/home/alice")).ok();
        assert_eq!(listing("/tmp".as_ref()), before, "{what}");
    }
}

#[test]
fn nothing_is_created_in_another_users_home() {
    let sandbox = Sandbox::new();
    let before = listing("/home".as_ref());
    let mut command = sandbox.shell(&["--name", &unique_name()], "true");
    give("/home/bob".as_ref(), &sandbox.host.user("bob"), 0o777);
    let refused = sandbox.host.output(command.env("HOME", "/home/bob"));
    give("/home/bob".as_ref(), &sandbox.host.user("bob"), 0o755);
    assert_refused(&refused, 125, &["/home/bob/.local: No such file or directory"]);
    assert_eq!(listing("/home".as_ref()), before);
}

#[test]
fn without_any_directory_a_name_is_refused_and_the_fix_works() {
    let (sandbox, name) = (Sandbox::new(), unique_name());
    let run = format!("subroot run --name {name} {} -- touch /mark", sandbox.rootfs.path.display());
    let refused = sandbox.host.output(sandbox.alice.shell(&run).env_remove("HOME"));
    assert_refused(
        &refused,
        125,
        &[&format!("reserving the name {name}: /run/user: No such file or directory")],
    );
    assert!(!sandbox.has_mark());
    let fix = refused.stderr.lines().find_map(|line| line.strip_prefix("subroot: fix: ")).expect("a fix");
    sandbox.host.output(sandbox.alice.shell(&format!("{fix}; {run}")).env_remove("HOME")).ok();
    assert!(sandbox.has_mark());
}

/// As on a network filesystem without a lock service.
#[test]
fn a_name_that_cannot_be_locked_is_not_taken_for_a_free_one() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.leaving_a_mark(&["--name", &unique_name()]);
    let failing = Step::FailCall(nix::libc::SYS_fcntl, nix::libc::ENOLCK);
    let outcome = sandbox.host.output(as_root_first(&mut command, &sandbox.alice, vec![failing]));
    assert_refused(&outcome, 125, &["reserving the name", "No locks available"]);
    assert!(!sandbox.has_mark());
}

/// A setuid program's process belongs to root, but has the descriptors of the user who started it.
#[test]
fn another_user_cannot_forge_an_entry_for_root() {
    let sandbox = Sandbox::new();
    let (root, bob) = (sandbox.host.user("root"), sandbox.host.user("bob"));
    let name = unique_name();
    let real = Running::new(&mut sandbox.shell(&["--name", &name], READY));
    let text = fs::read_to_string(format!("/proc/{}/fd/63", real.pid())).expect("a real entry");
    let link = fs::read_link(format!("/proc/{}/fd/63", real.pid())).expect("the link of a real entry");
    let link = link.to_str().and_then(|link| link.strip_prefix("/memfd:")?.strip_suffix(" (deleted)"));
    fs::copy("/bin/sleep", "/tmp/setuid-sleep").expect("a copy");
    fs::set_permissions("/tmp/setuid-sleep", Permissions::from_mode(0o4755)).expect("changing a mode");
    for (user, is_listed) in [(&root, true), (&bob, false)] {
        setfsuid(Uid::from_raw(user.uid));
        let forged = memfd_create(link.expect("an entry's link"), MFdFlags::MFD_CLOEXEC).expect("a memfd");
        setfsuid(Uid::from_raw(0));
        let mut file = File::from(forged.try_clone().expect("a copy"));
        let mut command = user.command("/tmp/setuid-sleep");
        let started = Started::new(start_with(command.arg("1000"), vec![Step::Pass(forged, 63)]));
        let owner = fs::metadata(format!("/proc/{}", started.pid())).expect("the process").uid();
        assert_eq!(owner, 0, "the setuid bit does not count");
        let own = format!("\"launcher\":{}", started.pid());
        let text = text.replace(&format!("\"launcher\":{}", real.pid()), &own);
        file.write_all(text.as_bytes()).expect("writing");
        let list = sandbox.host.output(root.command("subroot").args(["ps", "--json"])).ok();
        assert_eq!(list.contains(&own), is_listed, "{}: {list}", user.name);
        nix::sys::signal::kill(started.pid(), nix::sys::signal::Signal::SIGKILL).expect("killing it");
        drop(started.end_within(PATIENCE));
    }
    real.signal(9);
}

#[test]
fn what_cannot_be_looked_at_is_not_taken_for_nothing() {
    let sandbox = Sandbox::new();
    let hidden = "unshare -Urm sh -c 'mount -t tmpfs none /proc && exec subroot \"$@\"' -";
    for words in ["ps", "kill web", "exec web true"] {
        for (line, why) in [
            (format!("{hidden} {words}"), "No such file or directory"),
            (format!("ulimit -n 4; exec subroot {words}"), "Too many open files"),
        ] {
            let outcome = sandbox.host.output(&mut sandbox.alice.shell(&line));
            assert_refused(&outcome, 125, &["looking for running sandboxes in /proc", why]);
        }
    }
}
