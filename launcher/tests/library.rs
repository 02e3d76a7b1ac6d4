//! Uses the library as a program with several threads does. Runs in the host's own system, so nothing has to
//! be installed.
#![allow(clippy::unwrap_used)]

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{SigSet, Signal};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use subroot::{
    Dev, Error, ExitStatus, Landlock, Limit, Mount, Namespace, OsError, Overlay, Resource, Running, Sandbox,
    Seccomp,
};

fn shell(script: &str) -> Sandbox {
    Sandbox::host().command(["sh", "-c", script])
}

/// The output of the sandbox, and its exit status.
fn output(sandbox: Sandbox) -> (String, u8) {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let mut running = sandbox.stdout(writer).spawn().unwrap();
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    (printed, running.wait().unwrap().into())
}

/// Each descriptor has another number in the calling program, also one that another of them gets inside.
#[test]
fn descriptors_become_3_and_up_in_their_order() {
    let pairs: Vec<_> = (0..7).map(|_| UnixStream::pair().unwrap()).collect();
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let script = "for fd in 3 4 5 6 7 8 9; do echo $fd >&$fd; done; ls /proc/self/fd | wc -l";
    let passing = theirs.into_iter().rev().fold(shell(script), Sandbox::preserve_fd);
    assert_eq!(output(passing), ("11\n".into(), 0));
    for (number, mut stream) in (3..).zip(ours.into_iter().rev()) {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("{number}\n"));
    }
    let directory = std::fs::File::open("/tmp").unwrap();
    assert!(
        matches!(shell("true").preserve_fd(directory).spawn(), Err(Error::Monitored { why, .. }) if why.contains("descriptor 3: it is a directory"))
    );
}

/// The children that this thread started; tests in other threads start some too.
fn own_children() -> String {
    std::fs::read_to_string("/proc/thread-self/children").unwrap()
}

#[test]
fn many_threads_start_sandboxes_at_once() {
    thread::scope(|scope| {
        for at in 0_u8..16 {
            scope.spawn(move || {
                let (printed, status) = output(shell(&format!("echo {at}; exit {at}")));
                assert_eq!((printed, status), (format!("{at}\n"), at));
            });
        }
    });
}

#[test]
fn what_cannot_be_started_is_an_error_with_its_status() {
    let status = |sandbox: Sandbox| sandbox.spawn().map(drop).map_err(|error| error.status());
    assert_eq!(status(Sandbox::host().command(["/nothere"])), Err(127));
    assert_eq!(status(Sandbox::host().command(["/etc/passwd"])), Err(126));
    assert_eq!(status(Sandbox::new("/nothere")), Err(125));
    assert_eq!(status(shell("true").bind("/nothere", "/mnt")), Err(125));
    let said = Sandbox::host().command(["/nothere"]).spawn().map(drop);
    assert!(matches!(said, Err(Error::Monitored { why, status: 127, .. }) if why.contains("/nothere")));
}

#[test]
fn a_lock_held_by_another_thread_does_not_block_a_launch() {
    let (ended, end) = mpsc::channel();
    let held = std::io::stderr().lock();
    thread::spawn(move || ended.send(shell("true").workdir("/nothere").spawn().is_err()));
    let end = end.recv_timeout(Duration::from_secs(20));
    drop(held);
    assert_eq!(end, Ok(true));
}

#[test]
fn the_target_of_a_mount_is_a_path_inside() {
    let target = |target: &str| shell("test -e /tmp/new").bind("/etc/passwd", target).spawn();
    assert_eq!(target("/nothere/../../tmp/./new").unwrap().wait().unwrap().code(), Some(0));
    for wrong in ["new", "", "/", "/tmp/.."] {
        assert!(matches!(target(wrong), Err(Error::Usage { what: "the target of a mount", .. })), "{wrong}");
    }
}

#[test]
fn a_signal_reaches_the_command_and_a_drop_ends_everything() {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let script = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done";
    let mut running = shell(script).stdout(writer).spawn().unwrap();
    reader.read_exact(&mut [0; 6]).unwrap();
    running.signal(Signal::SIGUSR1 as i32).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(7));
    assert_eq!(running.wait().unwrap().code(), Some(7), "asked again");
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let running = shell("sleep 1000 & setsid sleep 1000 & wait").stdout(writer).spawn().unwrap();
    drop(running);
    reader.set_nonblocking(true).unwrap();
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "a process with the writing end is left");
}

#[test]
fn another_command_joins_it() {
    let running = shell("sleep 1000").env("COLOUR", "red").spawn().unwrap();
    let mut joined = running.exec(["sh", "-c", "test $COLOUR = red && exit 5"]).unwrap();
    assert_eq!(joined.wait().unwrap().code(), Some(5));
    let empty = running.exec(Vec::<String>::new()).map(drop).map_err(|error| error.to_string());
    assert_eq!(empty, Err("reading the command: it is empty".to_owned()));
    assert_eq!(running.exec(["/nothere"]).map(drop).map_err(|error| error.status()), Err(127));
}

#[test]
fn the_calling_program_is_not_changed() {
    let mask = || SigSet::thread_get_mask().unwrap();
    let before = mask();
    let (_reader, writer) = UnixStream::pair().unwrap();
    assert_eq!(
        output(shell("ls /proc/self/fd | wc -l")),
        ("4\n".to_owned(), 0),
        "0 to 2, and the listing itself"
    );
    drop(writer);
    assert_eq!(mask(), before);
    let running = shell("sleep 1000").spawn().unwrap();
    assert_eq!(own_children().split_whitespace().count(), 1);
    drop(running);
    assert_eq!(own_children(), "", "a child is left, or has not been reaped");
}

/// Runs an ignored test of this file in a process of its own, and returns its standard error.
fn alone(test: &str, dir: &Path) -> String {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]).current_dir(dir);
    let output = program.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains(" 1 passed"), "{printed}{errors}");
    errors
}

#[test]
fn a_launch_that_fails_prints_nothing() {
    assert_eq!(alone("failing_launches", Path::new("/")), "");
}

#[test]
#[ignore = "run by a_launch_that_fails_prints_nothing"]
fn failing_launches() {
    let error = Sandbox::host().command(["/nothere"]).spawn().unwrap_err();
    let fix = error.fix().unwrap();
    assert_eq!(fix, "install it there, or name it by its path");
    assert_eq!(error.to_string(), "running /nothere: command not found");
    let error = shell("true").env("A", "\0").spawn().unwrap_err();
    assert!(matches!(error, Error::Usage { .. }), "{error}");
    let error = shell("true").workdir("/nothere").spawn().unwrap_err();
    let missing = "changing to working directory /nothere: No such file or directory \
                   (the sandbox has no /nothere, and subroot does not create it)";
    assert_eq!(error.to_string(), missing);
    assert_eq!(shell("exit 3").spawn().unwrap().wait().unwrap().code(), Some(3));
}

#[test]
fn relative_paths_start_at_the_callers_directory() {
    let dir = std::env::temp_dir().join(format!("subroot-relative-{}", std::process::id()));
    for path in ["one", "two", "rootfs/usr", "rootfs/mnt", "rootfs/tmp"] {
        std::fs::create_dir_all(dir.join(path)).unwrap();
    }
    std::fs::write(dir.join("one/x"), "").unwrap();
    std::fs::write(dir.join("two/y"), "").unwrap();
    let errors = alone("relative_paths", &dir);
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(errors, "");
}

#[test]
#[ignore = "run by relative_paths_start_from_where_the_caller_is"]
fn relative_paths() {
    let own = || {
        let system = ["/bin", "/lib", "/lib64"].into_iter().filter(|path| Path::new(path).exists());
        let rootfs = Sandbox::new("rootfs").command(["/bin/sh", "-c", "test -e /mnt/x && test ! -e /mnt/z"]);
        system.fold(rootfs.bind_read_only("/usr", "/usr"), |rootfs, path| rootfs.bind_read_only(path, path))
    };
    let host = || shell("test -e /mnt/x && test ! -e /mnt/z");
    let bases: [&dyn Fn() -> Sandbox; 3] = [&host, &own, &|| own().overlay(Overlay::Memory)];
    let mounts = [
        Mount::bind("one", "/mnt"),
        Mount::bind("./one", "/mnt").read_only(),
        Mount::layered("one/../one", "/mnt"),
        Mount::overlay(["one", "two"], None, "/mnt"),
    ];
    for (at, base) in bases.iter().enumerate() {
        for mount in &mounts {
            let status = base().mount(mount.clone()).spawn().unwrap().wait().unwrap();
            assert!(status.success(), "{mount:?} on base {at}: {status}");
        }
    }
    let missing = shell("true").helper("one/nothere").spawn().unwrap_err().to_string();
    assert!(missing.contains("/one/nothere: No such file"), "{missing}");
}

#[test]
fn the_end_can_be_awaited_with_poll() {
    let mut running = shell("sleep 1000").spawn().unwrap();
    let is_ready = |running: &Running, timeout: u16| {
        poll(&mut [PollFd::new(running.as_fd(), PollFlags::POLLIN)], timeout).unwrap() == 1
    };
    assert_eq!(running.try_wait().unwrap(), None);
    assert!(!is_ready(&running, 0));
    running.kill().unwrap();
    assert!(is_ready(&running, 20_000));
    let ended = running.try_wait().unwrap().unwrap();
    assert_eq!((ended.signal(), ended.code(), u8::from(ended)), (Some(9), None, 137));
    running.kill().unwrap();
    assert_eq!(running.wait().unwrap(), ended);
}

#[test]
fn an_exit_status_and_a_signal_are_reported() {
    let ended = |script: &str| shell(script).spawn().unwrap().wait().unwrap();
    let facts = |status: ExitStatus| (status.success(), status.code(), status.signal());
    assert_eq!(facts(ended("kill -TERM $$")), (false, None, Some(15)));
    assert_eq!(facts(ended("exit 0")), (true, Some(0), None));
    assert_eq!(facts(ended("exit 255")), (false, Some(255), None));
    assert_eq!(ended("exit 7"), ExitStatus::from(7));
}

#[test]
fn every_setting_reaches_the_command() {
    let printed = |script: &str, change: &dyn Fn(Sandbox) -> Sandbox| output(change(shell(script))).0;
    let same = |script: &str, change: &dyn Fn(Sandbox) -> Sandbox, expected: &str| {
        assert_eq!(printed(script, change).trim_end(), expected, "{script}");
    };
    same("ulimit -n", &|sandbox| sandbox.ulimit(Limit::new(Resource::OpenFiles, 64, 64)), "64");
    same("umask", &|sandbox| sandbox.umask(0o27), "0027");
    same("cat /proc/self/oom_score_adj", &|sandbox| sandbox.oom_score_adj(500), "500");
    same(
        "grep CapEff /proc/self/status | cut -f 2",
        &|sandbox| sandbox.cap_drop(["ALL"]),
        "0000000000000000",
    );
    same(
        "grep CapEff /proc/self/status | cut -f 2",
        &|sandbox| sandbox.cap_drop(["ALL"]).cap_add(["KILL", "CHOWN"]),
        "0000000000000021",
    );
    same("grep NoNew /proc/self/status | cut -f 2", &Sandbox::no_new_privileges, "1");
    same("grep Seccomp: /proc/self/status | cut -f 2", &|sandbox| sandbox.seccomp(Seccomp::Unconfined), "0");
    same("hostname || uname -n", &|sandbox| sandbox.hostname("inside"), "inside");
    same("echo $$", &Sandbox::as_pid_1, "1");
    same("cat /proc/keys | wc -c", &Sandbox::mask_default, "0");
    same("wc -c </etc/passwd", &|sandbox| sandbox.mask("/etc/passwd"), "0");
    same("touch /tmp/x 2>&1 && echo made", &|sandbox| sandbox.read_only().writable_tmpfs(["/tmp"]), "made");
    same("touch /mnt/x && echo made", &|sandbox| sandbox.read_only().tmpfs("/mnt"), "made");
    same("ls /dev | wc -l", &|sandbox| sandbox.dev(Dev::None).tmpfs("/dev"), "0");
    same("test -t 1 && echo terminal", &Sandbox::tty, "terminal");
    same(
        "/usr/bin/env | sort | tr '\\n' ' '",
        &|sandbox| sandbox.env_clear().env("A", "b").workdir("/"),
        "A=b HOME=/root PWD=/",
    );
    same("readlink /proc/self/ns/ipc", &|sandbox| sandbox.ipc(Namespace::Host), &own_namespace("ipc"));
    same("readlink /proc/self/ns/pid", &|sandbox| sandbox.pid(Namespace::Host), &own_namespace("pid"));
    same("readlink /proc/self/ns/uts", &|sandbox| sandbox.uts(Namespace::Host), &own_namespace("uts"));
    same(
        "readlink /proc/self/ns/cgroup",
        &|sandbox| sandbox.cgroupns(Namespace::Host),
        &own_namespace("cgroup"),
    );
}

fn own_namespace(kind: &str) -> String {
    std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn start_and_end_are_reported_on_request() {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let mut running = shell("exit 3").status_stream(writer).spawn().unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(3));
    let mut told = String::new();
    reader.read_to_string(&mut told).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("\"event\":\"started\""), "{told}");
    assert_eq!(lines[1], "{\"event\":\"ended\",\"signal\":null,\"status\":3}");
}

#[test]
fn warnings_are_returned_and_not_printed() {
    if Sandbox::host().landlock(Landlock::read_only()).command(["true"]).spawn().is_err() {
        return skip("this kernel has no Landlock");
    }
    assert_eq!(alone("warnings", Path::new("/")), "");
}

#[test]
#[ignore = "run by warnings_are_returned_and_not_printed"]
fn warnings() {
    let running = shell("true").landlock(Landlock::read_only().writable("/srv")).spawn().unwrap();
    let said = running.warnings().iter().find(|line| line.starts_with("landlock"));
    assert!(said.unwrap().contains(" /srv"), "{:?}", running.warnings());
}

fn skip(why: &str) {
    std::io::stderr().write_all(format!("\nSKIPPED: {why}\n").as_bytes()).unwrap();
}

/// Programs send errors between threads and box them.
#[test]
fn an_error_can_go_to_another_thread() {
    fn assert_goes_anywhere<E: std::error::Error + Send + Sync + 'static>() {}
    assert_goes_anywhere::<Error>();
    assert_goes_anywhere::<OsError>();
}

#[test]
fn arguments_and_paths_may_be_any_bytes() {
    let odd = OsString::from_vec(b"odd\xff\n".to_vec());
    let dir = std::env::temp_dir().join(format!("subroot-test-{}", std::process::id())).join(&odd);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("x"), "x").unwrap();
    let target = std::path::Path::new("/mnt").join(&odd);
    let words = [OsString::from("cat"), target.join("x").into()];
    let (printed, status) = output(Sandbox::host().bind(&dir, &target).command(words));
    std::fs::remove_dir_all(dir.parent().unwrap()).unwrap();
    assert_eq!((printed.as_str(), status), ("x", 0));
}

/// The file of a program that uses the library must be as unreachable as the launcher's: CVE-2019-5736.
#[test]
fn a_script_does_not_run_the_calling_program_as_its_interpreter() {
    let script = std::env::temp_dir().join(format!("subroot-again-{}", std::process::id()));
    std::fs::write(&script, "#!/proc/self/exe --list\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (printed, status) = output(Sandbox::host().command([&script]));
    std::fs::remove_file(&script).unwrap();
    assert_eq!((printed.as_str(), status), ("", 126));
}
