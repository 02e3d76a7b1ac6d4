//! `cargo install subroot`, for users with cargo and a host with its own newuidmap.

use crate::built::{target, version};
use crate::root::{IMPORT, IMPORTED};
use std::fs::{self, DirEntry};
use std::path::PathBuf;
use std::process::Command;
use subroot_tests::{Host, Install, Rootfs, workspace};

fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace("")).env("CARGO_TARGET_DIR", target());
    cargo
}

/// The programs that cargo installs from the sources.
fn installed() -> [(&'static str, Vec<u8>); 2] {
    let root = target().join("cargo-install");
    [("subroot", "launcher"), ("subroot-image", "image")].map(|(name, path)| {
        let mut install = cargo();
        install.args(["install", "--quiet", "--locked", "--offline", "--debug", "--force", "--path", path]);
        let installed = install.arg("--root").arg(&root).output().expect("starting cargo");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        (name, fs::read(root.join("bin").join(name)).expect("an installed program"))
    })
}

/// They ask the C library for names, find each other in one directory, and contain no mapper.
#[test]
fn the_installed_programs_map_by_the_hosts_own_newuidmap() {
    let programs = installed();
    let host = Host::new();
    host.install_mapper(Install::None);
    host.remove("/usr/libexec/subroot/newidmap-helper");
    let alice = host.user("alice");
    Rootfs::busybox(&alice);
    fs::create_dir_all("/home/alice/built").expect("a directory");
    for (name, program) in programs {
        fs::write(format!("/home/alice/built/{name}"), program).expect("writing a program");
    }
    let mut run = alice.shell("install -D -t bin built/*; bin/subroot run rootfs -- cat /proc/self/uid_map");
    let map = host.output(&mut run).ok();
    assert_eq!(map.split_whitespace().collect::<Vec<_>>(), ["0", "1000", "1", "1", "100000", "65536"]);
    let mut import = alice.shell(&format!("PATH=~/bin:$PATH; {IMPORT}"));
    assert_eq!(host.output(&mut import).ok(), IMPORTED);
}

/// A program that uses the library does not compile a command line parser.
#[test]
fn the_library_alone_takes_nothing_of_the_command_line() {
    let dependencies = |options: &[&str]| {
        let mut tree = cargo();
        tree.args([
            "tree",
            "--locked",
            "--offline",
            "--package",
            "subroot",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ]);
        let listed = tree.args(options).output().expect("starting cargo");
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        String::from_utf8(listed.stdout).expect("names")
    };
    let (all, alone) = (dependencies(&[]), dependencies(&["--no-default-features"]));
    for name in ["anyhow", "clap", "env_logger"] {
        let is_line = |line: &str| line.starts_with(&format!("{name} v"));
        assert!(all.lines().any(is_line), "{name} is not in\n{all}");
        assert!(!alone.lines().any(is_line), "{name} is in\n{alone}");
    }
}

/// What is uploaded for `cargo install`: the mapper is not included, because root installs it.
#[test]
fn all_crates_are_built_from_what_is_packed_alone() {
    forget_packed();
    let mut package = cargo();
    package.args([
        "package",
        "--locked",
        "--offline",
        "--allow-dirty",
        "--package",
        "subroot-idmap",
        "--package",
        "subroot",
        "--package",
        "subroot-image",
    ]);
    let packed = package.output().expect("starting cargo");
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    for name in ["subroot-idmap", "subroot", "subroot-image"] {
        let dir = target().join(format!("package/{name}-{}", version()));
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
            let size = fs::metadata(dir.join(file)).map(|facts| facts.len()).unwrap_or_default();
            assert!(size > 500, "{file} of {name}");
        }
    }
}

/// Removes what cargo has kept of these crates: it unpacks a version only once, whatever was packed since. Its
/// registry of packed crates has no host, so the name of its directory begins with a dash.
fn forget_packed() {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    let kept = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
    let begins = |entry: &DirEntry, prefix| entry.file_name().to_string_lossy().starts_with(prefix);
    for kind in ["cache", "src"] {
        let registries = kept(home.as_ref().expect("a home directory").join("registry").join(kind));
        for registry in registries.filter(|registry| begins(registry, "-")) {
            for packed in kept(registry.path()).filter(|packed| begins(packed, "subroot")) {
                let path = packed.path();
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.expect("removing a crate that cargo has kept");
            }
        }
    }
}
