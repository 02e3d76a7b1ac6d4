//! `subroot login` and `logout`.

use crate::registry::World;
use crate::registry::real::Registry;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use subroot_tests::sandbox::{assert_refused, give};
use subroot_tests::{Outcome, Started};

/// Longer than anything but a hang takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A registry that only alice can use.
fn with_password() -> (World, Registry) {
    let world = World::new();
    let made = Command::new("htpasswd").args(["-Bbn", "-C", "4", "alice", "secret"]).output();
    let line = String::from_utf8(made.expect("starting htpasswd").stdout).expect("UTF-8");
    let registry = Registry::start(Some(&line));
    let source = "oci:made:docker.io/library/web:latest";
    registry.push(&world, &["--dest-creds", "alice:secret"], source, "web");
    (world, registry)
}

fn login(world: &World, registry: &str, password: &str) -> Outcome {
    let input = world.alice.home.join("password");
    fs::write(&input, format!("{password}\n")).expect("writing a password");
    let mut command = world.command(&["login", "-u", "alice", "--password-stdin", registry]);
    world.host.output(command.stdin(fs::File::open(input).expect("the password")))
}

fn auth_file(world: &World) -> PathBuf {
    world.alice.home.join("containers/auth.json")
}

#[test]
fn a_password_is_checked_kept_used_and_removed() {
    let (world, registry) = with_password();
    let pull = || world.says(&["-q", "pull", &registry.image("web")]);
    let refused = pull();
    assert_refused(&refused, 125, &["asks for a login"]);
    assert!(
        refused.stderr.ends_with(&format!("subroot: fix: subroot login {}\n", registry.name)),
        "{refused:?}"
    );
    assert_refused(&login(&world, &registry.name, "wrong"), 125, &["logging in to", "asks for a login"]);
    assert!(!auth_file(&world).exists());
    let kept = login(&world, &registry.name, "secret");
    assert!(kept.stderr.contains("as alice") && !kept.stderr.contains("secret"), "{kept:?}");
    kept.ok();
    let found = fs::metadata(auth_file(&world)).expect("the file");
    assert_eq!(found.permissions().mode() & 0o7777, 0o600);
    pull().ok();
    let logout = |registry: &str| {
        let mut command = crate::subroot(&world.alice, &["logout", registry]);
        world.host.output(command.env("XDG_RUNTIME_DIR", &world.alice.home))
    };
    logout(&registry.name).ok();
    assert_refused(&pull(), 125, &["asks for a login"]);
    assert_refused(&logout(&registry.name), 125, &["no credentials are kept"]);
}

#[test]
fn credentials_come_from_the_files_of_docker_and_from_its_helpers() {
    let (world, registry) = with_password();
    let home = &world.alice.home;
    let pull = || world.says(&["-q", "pull", &registry.image("web")]);
    let configure = |config: Value| {
        fs::create_dir_all(home.join(".docker")).expect("a directory");
        fs::write(home.join(".docker/config.json"), config.to_string()).expect("writing a file");
    };
    configure(json!({"auths": {format!("http://{}/v2/", registry.name): {"auth": "YWxpY2U6c2VjcmV0"}}}));
    pull().ok();
    let helper = PathBuf::from("/usr/local/bin/docker-credential-test");
    fs::write(&helper, "#!/bin/sh\necho '{\"Username\": \"alice\", \"Secret\": \"secret\"}'\n")
        .expect("a helper");
    give(&helper, &world.host.user("root"), 0o755);
    configure(json!({"credsStore": "test"}));
    pull().ok();
    configure(json!({"credHelpers": {registry.name.clone(): "../../tmp/x"}}));
    assert_refused(&pull(), 125, &["../../tmp/x is not the name of a credential helper"]);
    fs::write(home.join(".docker/config.json"), "{").expect("writing a file");
    assert_refused(&pull(), 125, &[".docker/config.json: it is malformed"]);
}

#[test]
fn only_a_registry_can_be_logged_in_to() {
    let world = World::new();
    for registry in ["https://127.0.0.1:1", "127.0.0.1:1/web", "web"] {
        assert_refused(&login(&world, registry, "secret"), 125, &["not the name of a registry"]);
    }
    let asked = Started::in_a_session(&mut world.command(&["login", "127.0.0.1:1"]));
    assert_refused(&asked.end_within(PATIENCE), 125, &["--password-stdin"]);
}
