//! The mounts of a test's host: a private /etc, /home, /root, /tmp and /run, and directories for the programs
//! under test.

use crate::accounts::{GRANTS, GROUP, HOMES, PASSWD};
use crate::kit::{DROP_INS, Kit, write_program};
use crate::user::User;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::path::Path;

/// One tmpfs contains everything that is private; bind mounts make it appear elsewhere.
const SCRATCH: &str = "/mnt";
/// Programs that an administrator installs by hand are found here first.
const PROGRAMS: &str = "/usr/local/bin";
const NONE: Option<&str> = None;

/// Files of the real host's /etc that the programs in tests need.
const COPIED: [&str; 17] = [
    "alternatives",
    "apt",
    "ca-certificates.conf",
    "debian_version",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "login.defs",
    "os-release",
    "pam.d",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
];

/// Creates the mounts in the calling thread's mount namespace, which must be its own.
pub(crate) fn build(kit: &Kit) {
    mount_private_memory(SCRATCH);
    for (name, mode, place) in [
        ("etc", 0o755, "/etc"),
        ("home", 0o755, "/home"),
        ("root", 0o700, "/root"),
        ("tmp", 0o1777, "/tmp"),
        ("run", 0o755, "/run"),
        ("programs", 0o755, PROGRAMS),
    ] {
        let dir = new_dir(name, mode);
        match name {
            "etc" => fill_etc(&dir),
            "home" => fill_homes(&dir),
            "programs" => fill_programs(&dir, kit),
            _ => {}
        }
        bind(&dir, place);
    }
    make_mapper_dir();
    for name in DROP_INS {
        own_setuid_program(name);
    }
}

/// Mounts an empty tmpfs on a directory, only in the calling thread's mount namespace.
pub(crate) fn mount_private_memory(path: &str) {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).expect("making / private");
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect("mounting a tmpfs");
}

/// Mounts an overlay of a directory on another directory. The overlay takes all changes, and its top
/// directory belongs to this user.
pub(crate) fn layer_over(lower: &Path, path: &Path, user: &User) {
    let (upper, work) = (new_dir("upper", 0o755), new_dir("work", 0o755));
    chown(&upper, Some(user.uid), Some(user.gid)).expect("giving a layer to its user");
    // In a user namespace, overlayfs can keep its own marks only in user.* attributes: mount(8).
    let layers = format!("lowerdir={},upperdir={upper},workdir={work},userxattr", lower.display());
    mount(Some("overlay"), path, Some("overlay"), MsFlags::empty(), Some(layers.as_str()))
        .unwrap_or_else(|error| panic!("layering {}: {error}", lower.display()));
}

pub(crate) fn new_dir(name: &str, mode: u32) -> String {
    let dir = format!("{SCRATCH}/{name}");
    fs::create_dir(&dir).expect("a directory in a fresh tmpfs");
    set_mode(&dir, mode);
    dir
}

/// Binds an empty directory of the scratch space over a directory of the host.
pub(crate) fn cover(path: &str, mode: u32) {
    bind(&new_dir(&path.trim_start_matches('/').replace('/', "-"), mode), path);
}

/// Binds another node over /dev/null, so that a change of its owner does not reach the device of the real host.
/// In a user namespace, where nodes cannot be made, the owner cannot be changed either.
pub(crate) fn cover_null_device() {
    let node = format!("{SCRATCH}/null");
    if mknod(node.as_str(), SFlag::S_IFCHR, Mode::empty(), makedev(1, 3)).is_ok() {
        set_mode(&node, 0o666);
        bind(&node, "/dev/null");
    }
}

pub(crate) fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changing a mode");
}

pub(crate) fn bind(from: &str, to: &str) {
    mount(Some(from), to, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)
        .unwrap_or_else(|error| panic!("binding {from} to {to}: {error}"));
}

fn fill_etc(dir: &str) {
    for name in COPIED {
        let _missing_here = copy_tree(&Path::new("/etc").join(name), &Path::new(dir).join(name));
    }
    for (name, text) in [
        ("passwd", PASSWD),
        ("group", GROUP),
        ("subuid", GRANTS),
        ("subgid", GRANTS),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ] {
        fs::write(format!("{dir}/{name}"), text).expect("writing a private /etc");
    }
}

fn fill_homes(dir: &str) {
    for (name, uid, gid) in HOMES {
        let home = format!("{dir}/{name}");
        fs::create_dir(&home).expect("a home");
        chown(&home, Some(uid), Some(gid)).expect("giving a home to its user");
    }
}

fn fill_programs(dir: &str, kit: &Kit) {
    if let Some(launcher) = &kit.launcher {
        let path = format!("{dir}/subroot");
        write_program(&path, launcher);
        set_mode(path, 0o755);
    }
}

pub(crate) fn install_image_program(program: &File) {
    let path = format!("{PROGRAMS}/subroot-image");
    let mut content = Vec::new();
    // Other tests read the same file: its offset is not used.
    let size = program.metadata().expect("examining subroot-image").len();
    content.resize(usize::try_from(size).expect("a size"), 0);
    program.read_exact_at(&mut content, 0).expect("reading subroot-image");
    write_program(&path, &content);
    set_mode(path, 0o755);
}

/// Creates /usr/libexec/subroot, which the host lacks, by an overlay over /usr/libexec.
fn make_mapper_dir() {
    let layer = new_dir("libexec", 0o755);
    fs::create_dir(format!("{layer}/subroot")).expect("a directory in a fresh tmpfs");
    let layers = format!("lowerdir={layer}:/usr/libexec");
    mount(Some("overlay"), "/usr/libexec", Some("overlay"), MsFlags::empty(), Some(layers.as_str()))
        .expect("layering /usr/libexec");
    bind(&new_dir("mapper", 0o755), "/usr/libexec/subroot");
}

/// Covers one of shadow's programs by a copy owned by this user namespace's root, so that its setuid bit has
/// an effect here.
fn own_setuid_program(name: &str) {
    let (installed, own) = (format!("/usr/bin/{name}"), format!("{SCRATCH}/{name}"));
    if let Ok(program) = fs::read(&installed) {
        write_program(&own, &program);
        set_mode(&own, 0o4755);
        bind(&own, &installed);
    }
}

/// True if the test's host covers this one of shadow's programs by its own copy.
pub(crate) fn has_own_program(name: &str) -> bool {
    Path::new(SCRATCH).join(name).exists()
}

/// Copies a file (following a symlink only at the top) or a directory, with everything in it that can be
/// read.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::metadata(from)?.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        let _unreadable = match kind.is_symlink() {
            true => symlink(fs::read_link(&from)?, to),
            false if kind.is_dir() || kind.is_file() => copy_tree(&from, &to),
            false => Ok(()),
        };
    }
    Ok(())
}
