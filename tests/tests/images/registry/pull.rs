//! `subroot pull`, and `run` of an image that has to be pulled, from a real registry.

use crate::registry::fake::Answer;
use crate::registry::real::Registry;
use crate::registry::{World, index};
use crate::store::{files, images, layers};
use crate::{names, subroot};
use std::fs;
use subroot_tests::sandbox::assert_refused;

const SOURCE: &str = "oci:made:docker.io/library/web:latest";

/// A registry with the image `web`.
fn with_web() -> (World, Registry) {
    let (world, registry) = (World::new(), Registry::start(None));
    registry.push(&world, &[], SOURCE, "web");
    (world, registry)
}

#[test]
fn images_of_every_form_are_pulled_unpacked_and_run() {
    let (world, registry) = with_web();
    registry.push(&world, &["-f", "v2s2"], SOURCE, "web:v2s2");
    world
        .host
        .output(world.alice.command("skopeo").args(["--insecure-policy", "copy", "-q", SOURCE, "dir:plain"]))
        .ok();
    registry.push(&world, &["--dest-compress-format", "zstd"], "dir:plain", "web:zstd");
    for tag in ["latest", "v2s2", "zstd"] {
        let image = registry.image(&format!("web:{tag}"));
        let pulled = world.says(&["pull", &image]);
        let is_first = pulled.stderr.contains("layer 1 of 1: ");
        assert!(is_first || tag != "latest", "{pulled:?}");
        assert!(pulled.stderr.starts_with(&format!("subroot: pulling {image}\n")), "{pulled:?}");
        assert!(pulled.stderr.contains(&format!("\nsubroot: pulled {image}: 1 layer, ")), "{pulled:?}");
        assert_eq!(pulled.ok(), "");
        let run = world.host.output(&mut subroot(&world.alice, &["run", &image, "cat", "/etc/name"]));
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("web\n", ""));
    }
    // They have the same files.
    assert_eq!((images(&world.host, &world.alice).len(), layers(&world.alice).len()), (3, 1));
    assert!(files(&world.alice, "tmp").is_empty());
}

#[test]
fn run_pulls_what_is_missing_once_and_says_so() {
    let (world, registry) = with_web();
    let image = registry.image("web");
    let first = world.says(&["run", &image, "cat", "/etc/name"]);
    assert!(first.stderr.starts_with(&format!("subroot: pulling {image}:latest\n")), "{first:?}");
    assert_eq!(first.ok(), "web\n");
    drop(registry);
    let second = world.says(&["run", &format!("docker://{image}"), "cat", "/etc/name"]);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("web\n", ""));
}

#[test]
fn the_policy_decides_when_the_registry_is_asked() {
    let (world, registry) = with_web();
    let image = registry.image("web");
    let run = |policy: &str| world.says(&["run", "--pull", policy, &image, "cat", "/etc/name"]);
    assert_refused(&run("never"), 125, &["web", "nothing was pulled"]);
    world.assert_intact(0);
    for (policy, lines) in [("missing", 2), ("never", 0), ("missing", 0), ("always", 1), ("newer", 1)] {
        let outcome = run(policy);
        assert_eq!(outcome.stderr.lines().count(), lines, "{policy}: {outcome:?}");
        assert_eq!(outcome.ok(), "web\n");
    }
    drop(registry);
    let newer = run("newer");
    assert!(newer.stderr.contains("Connection refused; the stored image is used"), "{newer:?}");
    assert_eq!(newer.ok(), "web\n");
    let always = world.says(&["-q", "run", "--pull=always", &image, "cat", "/etc/name"]);
    assert_refused(&always, 125, &["pulling ", "Connection refused"]);
    assert!(run("sometimes").stderr.contains("--pull: "));
}

#[test]
fn a_name_that_nothing_has_is_explained_in_one_line() {
    let world = World::new();
    let outcome = world.says(&["-q", "run", "127.0.0.1:1/web"]);
    let words = [
        "running 127.0.0.1:1/web: no directory or stored image has this name",
        "failed: 127.0.0.1:1: Connection refused",
    ];
    assert_refused(&outcome, 125, &words);
    world.assert_intact(0);
}

#[test]
fn an_image_of_a_registry_is_imported_to_a_directory_and_under_another_name() {
    let (world, registry) = with_web();
    let source = format!("docker://{}", registry.image("web"));
    world.says(&["-q", "import", &source, "./tree"]).ok();
    assert_eq!(fs::read(world.alice.home.join("tree/etc/name")).expect("a file"), b"web\n");
    world.says(&["-q", "import", &source, "mine"]).ok();
    assert_eq!(images(&world.host, &world.alice)[0]["name"], "docker.io/library/mine:latest");
    assert_eq!(names(&world.alice), [".local", "made", "tree", "web.tar"]);
}

#[test]
fn a_mirror_is_asked_first_and_the_registry_itself_last() {
    let world = World::new();
    let [fake, broken] = [world.image.served(|_| None), world.image.served(|_| Some(Answer::new(500, "")))];
    let dir = world.alice.home.join(".config/containers");
    fs::create_dir_all(&dir).expect("a directory");
    let mirrors = |first: &str| {
        let second = fake.name();
        format!(
            "[[registry]]\nlocation = \"r.invalid\"\n[[registry.mirror]]\nlocation = \"{first}\"\n[[registry.mirror]]\nlocation = \"{second}\"\n"
        )
    };
    fs::write(dir.join("registries.conf"), mirrors(&broken.name())).expect("writing settings");
    let pulled = world.says(&["-q", "pull", "r.invalid/web"]);
    assert!(
        pulled.stderr.ends_with("answers 500 Internal Server Error; the next registry is tried\n"),
        "{pulled:?}"
    );
    pulled.ok();
    assert_eq!(images(&world.host, &world.alice)[0]["name"], "r.invalid/web:latest");
    fs::write(dir.join("registries.conf"), "[[registry]]\nlocation = \"r.invalid\"\nblocked = true\n")
        .expect("writing");
    assert_refused(&world.says(&["-q", "pull", "r.invalid/web"]), 125, &["registries.conf blocks r.invalid"]);
    fs::write(dir.join("registries.conf"), "[[registry]").expect("writing settings");
    assert_refused(&world.says(&["-q", "pull", "r.invalid/web"]), 125, &["containers/registries.conf: "]);
}

#[test]
fn of_an_index_this_machines_image_is_pulled() {
    let world = World::new();
    let own = world.image.blobs.values().find_map(|blob| {
        let config: serde_json::Value = serde_json::from_slice(blob).ok()?;
        config["architecture"].as_str().map(str::to_owned)
    });
    for (architecture, is_own) in [(own.expect("a config"), true), ("sparc".into(), false)] {
        let content = index(&world.image, &architecture);
        let fake = world.image.served(move |request| {
            let is_tag = request.path.ends_with("/latest");
            is_tag.then(|| Answer::manifest(content.clone()))
        });
        let pulled = world.says(&["-q", "pull", &fake.web()]);
        if is_own {
            pulled.ok();
        } else {
            assert_refused(&pulled, 125, &["pulling ", "no image for linux/", "it has linux/sparc"]);
        }
        world.assert_intact(1);
    }
}
