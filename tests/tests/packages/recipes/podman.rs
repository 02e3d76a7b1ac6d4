//! packaging/image, built by podman from a Debian that needs no registry, and containers of it.

use std::fs::{self, File, Permissions};
use std::io::copy;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use subroot_tests::{Host, Install, Outcome, User, archive, end_pause_process, release_program};

const CONTAINERFILE: &str = include_str!("../../../../packaging/image/Containerfile");
const PROGRAMS: [&str; 3] = ["subroot", "subroot-image", "newidmap-helper"];
const PATIENCE: Duration = Duration::from_secs(180);
/// Podman's directory for files that others must not see.
const RUNTIME_DIR: &str = "/run/podman-of-the-test";
/// As defaults, because podman makes capabilities of `--cap-add` ambient for a user other than root. The
/// limits need no privilege.
const CONFIGURATION: &str = r#"[containers]
default_capabilities = [CAPABILITIES]
default_ulimits = ["nofile=1024:1024", "nproc=4000:4000"]
cgroups = "disabled"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
runtime = "crun"
events_logger = "none"
"#;
/// docker's default capabilities. They are effective only for root.
const DOCKERS: &str = "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW \
     SETFCAP SETGID SETPCAP SETUID SYS_CHROOT";

/// A host with podman, and the image in a user's storage.
pub(crate) struct Podman {
    pub(crate) host: Host,
    user: User,
    context: PathBuf,
}

impl Podman {
    /// Builds the image as this user. Containers have docker's capabilities. `None` if there is no archive of
    /// a Debian.
    pub(crate) fn new(user: &str) -> Option<Podman> {
        Podman::with_mapper(user, Install::SetuidRoot)
    }

    /// The same with a mapper that gets its privilege from its file: setuid, as in the Containerfile, or
    /// capabilities instead.
    pub(crate) fn with_mapper(user: &str, how: Install) -> Option<Podman> {
        // Opened first, because the host may cover the directories.
        let mut debian = archive("debian.tar")?;
        let programs = PROGRAMS.map(|name| fs::read(release_program(name)).expect("`packaging/build` first"));
        let host = Host::new();
        set_up(&host);
        let user = host.user(user);
        let context = user.home.join("context");
        for dir in [&context, Path::new(RUNTIME_DIR)] {
            host.make_dir(dir, &user);
        }
        fs::set_permissions(RUNTIME_DIR, Permissions::from_mode(0o700)).expect("a mode");
        for (name, program) in PROGRAMS.iter().zip(programs) {
            fs::write(context.join(name), program).expect("copying a program");
        }
        let by_file = how == Install::FileCapabilities;
        let containerfile = CONTAINERFILE.replace("4755", if by_file { "755" } else { "4755" });
        fs::write(context.join("Containerfile"), containerfile).expect("copying a file");
        let podman = Podman { host, user, context };
        if by_file {
            let setcap = "setcap cap_setuid,cap_setgid=p context/newidmap-helper";
            podman.host.output(&mut podman.user.shell(setcap)).ok();
        }
        podman.build(&mut debian);
        Some(podman)
    }

    fn build(&self, debian: &mut File) {
        let base = self.user.home.join("debian.tar");
        copy(debian, &mut File::create(&base).expect("a file")).expect("copying a Debian");
        self.output(&["import", "--quiet", "../debian.tar", "base"]).ok();
        fs::remove_file(base).expect("removing a file");
        let build = "build --isolation=chroot --layers=false --build-arg=BASE=localhost/base --tag=subroot .";
        self.output(&build.split(' ').collect::<Vec<_>>()).ok();
    }

    /// Gives containers only these capabilities.
    pub(crate) fn limit(&self, capabilities: &str) {
        configure(&self.host, capabilities);
    }

    fn output(&self, words: &[&str]) -> Outcome {
        let mut command: Command = self.user.command("podman");
        command.current_dir(&self.context).env("XDG_RUNTIME_DIR", RUNTIME_DIR);
        command.env("TMPDIR", "/tmp").args(["--storage-driver=vfs", "--runroot=/tmp/podman", "--root"]);
        command.arg(self.user.home.join("storage")).args(words);
        self.host.output_within(PATIENCE, &mut command)
    }

    /// The outcome of a script in a container started with these options.
    pub(crate) fn inside(&self, options: &[&str], script: &str) -> Outcome {
        let words = [&["run", "--rm"], options, &["localhost/subroot", "bash", "-c", script]].concat();
        self.output(&words)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        end_pause_process(Path::new(RUNTIME_DIR).join("libpod/tmp/pause.pid"));
    }
}

/// Podman's configuration, in addition to what it needs on any host.
fn set_up(host: &Host) {
    host.cover_what_podman_uses();
    fs::create_dir_all("/etc/containers").expect("a directory");
    host.write("/etc/containers/policy.json", r#"{"default": [{"type": "insecureAcceptAnything"}]}"#);
    configure(host, DOCKERS);
}

fn configure(host: &Host, capabilities: &str) {
    let list: Vec<String> = capabilities.split_whitespace().map(|name| format!("{name:?}")).collect();
    host.write("/etc/containers/containers.conf", CONFIGURATION.replace("CAPABILITIES", &list.join(", ")));
}
