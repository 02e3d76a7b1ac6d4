//! The image store: what is in it, and `images`, `rmi`, `inspect` and `images prune`.

use crate::{archive, host, subroot};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use subroot_tests::sandbox::assert_refused;
use subroot_tests::{Host, User};

const WEB: &str = "mkdir -p etc home; echo web >etc/name; chown 5:6 etc/name; chown 1000:1000 home; tar -cf $0 --numeric-owner .";

/// The store's directory.
pub(crate) fn store(alice: &User) -> PathBuf {
    alice.home.join(".local/share/subroot/store")
}

/// The JSON of `subroot images`.
pub(crate) fn images(host: &Host, alice: &User) -> Vec<Value> {
    let listed = host.output(&mut subroot(alice, &["images", "-a", "--json"])).ok();
    serde_json::from_str(&listed).expect("a list")
}

/// The directories of unpacked layers.
pub(crate) fn layers(alice: &User) -> Vec<PathBuf> {
    let entries =
        |dir: PathBuf| fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries(store(alice).join("layers")).flat_map(entries).collect()
}

/// The files of a directory of the store.
pub(crate) fn files(alice: &User, dir: &str) -> Vec<String> {
    let entries = fs::read_dir(store(alice).join(dir)).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// A host on which alice has an image `web`.
fn with_web() -> (Host, User) {
    let (host, alice) = host();
    archive(&alice, "web.tar", WEB);
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    (host, alice)
}

#[test]
fn an_import_with_a_name_makes_an_image_with_the_archives_owners() {
    let (host, alice) = host();
    archive(&alice, "web.tar", WEB);
    let outcome = host.output(&mut subroot(&alice, &["import", "web.tar", "web"]));
    assert_eq!(
        outcome.stderr,
        "subroot: imported web.tar into the image store as web: 3 entries, 4 bytes; run it with: subroot run web\n"
    );
    outcome.ok();
    let found = layers(&alice);
    let [layer] = found.as_slice() else { panic!("{found:?}") };
    let name = fs::metadata(layer.join("fs/etc/name")).expect("the file");
    assert_eq!((name.uid(), name.gid()), (100_004, 100_005));
    let mode = |path: PathBuf| fs::metadata(path).expect("a directory").mode() & 0o7777;
    assert_eq!((mode(layer.clone()), mode(store(&alice))), (0o700, 0o700));
    assert!(files(&alice, "tmp").is_empty());
    let image = &images(&host, &alice)[0];
    assert_eq!(image["name"], "docker.io/library/web:latest");
}

#[test]
fn a_run_file_says_what_the_launcher_needs() {
    let (_host, alice) = with_web();
    let found = files(&alice, "run");
    let [name] = found.as_slice() else { panic!("{found:?}") };
    let text = fs::read(store(&alice).join("run").join(name)).expect("the run file");
    let file: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(file["name"], "docker.io/library/web:latest");
    assert_eq!(file["map"], "0:1000:1,1:100000:65536;0:1000:1,1:100000:65536");
    let layer = file["layers"][0].as_str().expect("a layer");
    assert!(layers(&alice)[0].ends_with(layer), "{file}");
}

#[test]
fn a_layer_counts_as_synced_a_minute_after_it_was_unpacked() {
    let (host, alice) = with_web();
    let record = layers(&alice)[0].join("layer.json");
    let read =
        |path: &PathBuf| -> Value { serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON") };
    let run_file = store(&alice).join("run").join(files(&alice, "run").remove(0));
    let again = || host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    again();
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the boot ID");
    assert_eq!(
        (&read(&record)["synced"], &read(&run_file)["boot_id"]),
        (&false.into(), &boot_id.trim().into())
    );
    let touched = std::process::Command::new("touch").args(["-d", "2 minutes ago"]).arg(&record).status();
    assert!(touched.expect("starting touch").success());
    again();
    again();
    assert_eq!((&read(&record)["synced"], &read(&run_file)["boot_id"]), (&true.into(), &Value::Null));
}

#[test]
fn other_tools_read_the_store() {
    let (host, alice) = with_web();
    let layout = format!("oci:{}:docker.io/library/web:latest", store(&alice).display());
    let listed = host.output(alice.command("skopeo").args(["inspect", &layout])).ok();
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((&listed["Os"], listed["Layers"].as_array().map(Vec::len)), (&Value::from("linux"), Some(1)));
    let mut umoci = alice.command("umoci");
    let listed = host.output(umoci.arg("ls").arg("--layout").arg(store(&alice))).ok();
    assert_eq!(listed, "docker.io/library/web:latest\n");
    // skopeo compares every digest when it copies.
    host.output(alice.command("skopeo").args(["--insecure-policy", "copy", "-q", &layout, "oci:copy:web"]))
        .ok();
}

#[test]
fn images_are_listed_as_by_podman() {
    let (host, alice) = with_web();
    let id = images(&host, &alice)[0]["id"].as_str().expect("an ID").to_owned();
    let listed = host.output(&mut subroot(&alice, &["images"])).ok();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    );
    let columns: Vec<&str> = lines[1].split("  ").map(str::trim).filter(|text| !text.is_empty()).collect();
    assert_eq!(columns[..4], ["web", "latest", &id[..12], "less than a minute ago"]);
    assert_eq!(host.output(&mut subroot(&alice, &["images", "-q"])).ok(), format!("{}\n", &id[..12]));
    let described = host.output(&mut subroot(&alice, &["inspect", "web"])).ok();
    let described: Value = serde_json::from_str(&described).expect("JSON");
    assert_eq!(
        (&described[0]["Id"], &described[0]["Os"]),
        (&Value::from(id.as_str()), &Value::from("linux"))
    );
    let by_id = host.output(&mut subroot(&alice, &["inspect", &id[..5]])).ok();
    assert_eq!(serde_json::from_str::<Value>(&by_id).expect("JSON"), described);
    assert_refused(&host.output(&mut subroot(&alice, &["inspect", "other"])), 125, &["inspecting other"]);
}

#[test]
fn a_store_that_does_not_exist_is_empty_and_is_not_made() {
    let (host, alice) = host();
    assert_eq!(host.output(&mut subroot(&alice, &["images", "-q"])).ok(), "");
    host.output(&mut subroot(&alice, &["images", "prune"])).ok();
    assert_refused(&host.output(&mut subroot(&alice, &["rmi", "web"])), 125, &["removing web"]);
    assert!(!store(&alice).exists());
}

#[test]
fn rmi_removes_the_image_and_everything_that_only_it_needs() {
    let (host, alice) = with_web();
    archive(&alice, "other.tar", "echo other >f; tar -cf $0 .");
    host.output(&mut subroot(&alice, &["import", "other.tar", "localhost/other:1"])).ok();
    assert_eq!(host.output(&mut subroot(&alice, &["rmi", "web"])).ok(), "Untagged: web\n");
    assert_eq!(
        (files(&alice, "blobs/sha256").len(), layers(&alice).len(), files(&alice, "run").len()),
        (3, 1, 1)
    );
    let id = images(&host, &alice)[0]["id"].as_str().expect("an ID").to_owned();
    assert_refused(&host.output(&mut subroot(&alice, &["rmi", "web"])), 125, &["removing web"]);
    assert_eq!(host.output(&mut subroot(&alice, &["rmi", &id[..8]])).ok(), "Untagged: localhost/other:1\n");
    assert_eq!(
        (files(&alice, "blobs/sha256").len(), layers(&alice).len(), files(&alice, "run").len()),
        (0, 0, 0)
    );
}

#[test]
fn the_same_archive_with_two_names_is_one_image_that_an_id_does_not_remove() {
    let (host, alice) = with_web();
    host.output(&mut subroot(&alice, &["import", "web.tar", "web:2"])).ok();
    let listed = images(&host, &alice);
    assert_eq!((listed.len(), &listed[0]["id"]), (2, &listed[1]["id"]));
    let id = listed[0]["id"].as_str().expect("an ID");
    let refused = host.output(&mut subroot(&alice, &["rmi", id]));
    assert_refused(&refused, 125, &["several names", "web:2"]);
    host.output(&mut subroot(&alice, &["rmi", "web"])).ok();
    assert_eq!((images(&host, &alice).len(), layers(&alice).len()), (1, 1));
}

#[test]
fn an_image_that_loses_its_name_is_dangling_until_prune() {
    let (host, alice) = with_web();
    archive(&alice, "new.tar", "echo new >f; tar -cf $0 .");
    host.output(&mut subroot(&alice, &["import", "new.tar", "web"])).ok();
    assert_eq!(files(&alice, "run").len(), 1);
    assert_eq!(host.output(&mut subroot(&alice, &["images", "-q"])).ok().lines().count(), 1);
    let listed = host.output(&mut subroot(&alice, &["images", "-a"])).ok();
    assert_eq!((listed.lines().count(), listed.matches("<none>  <none>").count()), (3, 0), "{listed}");
    assert!(listed.contains("<none>"), "{listed}");
    let printed = host.output(&mut subroot(&alice, &["images", "prune"])).ok();
    assert!(printed.starts_with("Total reclaimed space: ") && !printed.contains(" 0 bytes"), "{printed}");
    assert_eq!(
        (images(&host, &alice).len(), layers(&alice).len(), files(&alice, "blobs/sha256").len()),
        (1, 1, 3)
    );
}

#[test]
fn an_image_that_a_sandbox_uses_is_not_removed() {
    let (host, alice) = with_web();
    // As the launcher holds it.
    let holder = format!("exec 9<{}; flock -s 9; echo held; exec sleep 60", layers(&alice)[0].display());
    let mut command = alice.shell(&holder);
    command.stdout(std::process::Stdio::piped());
    let mut started = command.spawn().expect("starting sh");
    let mut line = [0; 5];
    std::io::Read::read_exact(started.stdout.as_mut().expect("a pipe"), &mut line).expect("its line");
    let outcome = host.output(&mut subroot(&alice, &["rmi", "web"]));
    assert_refused(&outcome, 125, &["removing web", "the running sandbox"]);
    assert_eq!(images(&host, &alice).len(), 1);
    archive(&alice, "new.tar", "echo new >f; tar -cf $0 .");
    host.output(&mut subroot(&alice, &["import", "new.tar", "web"])).ok();
    let pruned = host.output(&mut subroot(&alice, &["images", "prune"]));
    assert!(pruned.stderr.contains("1 layer is still used"), "{pruned:?}");
    assert_eq!(layers(&alice).len(), 2);
    started.kill().expect("killing sh");
    started.wait().expect("waiting for sh");
    host.output(&mut subroot(&alice, &["images", "prune"])).ok();
    assert_eq!(layers(&alice).len(), 1);
}

#[test]
fn deletions_of_a_layer_are_kept_in_overlayfs_form() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "mkdir d; : >.wh.gone; : >d/.wh..wh..opq; : >d/f; tar -cf $0 .wh.gone d");
    host.output(&mut subroot(&alice, &["import", "a.tar", "a"])).ok();
    let layer = layers(&alice)[0].join("fs");
    let gone = fs::symlink_metadata(layer.join("gone")).expect("the deletion");
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    let opaque = format!("getfattr -n user.overlay.opaque --only-values {}", layer.join("d").display());
    assert_eq!(host.output(&mut alice.shell(&opaque)).ok(), "y");
}

#[test]
fn a_store_that_others_can_enter_or_own_is_refused() {
    let (host, alice) = with_web();
    for mode in [0o755, 0o710, 0o701] {
        fs::set_permissions(store(&alice), fs::Permissions::from_mode(mode)).expect("opening the store");
        for words in [
            &["import", "web.tar", "x"] as &[&str],
            &["images"],
            &["rmi", "web"],
            &["inspect", "web"],
            &["images", "prune"],
        ] {
            let outcome = host.output(&mut subroot(&alice, words));
            assert_eq!(outcome.code(), 125, "{words:?} {outcome:?}");
            assert!(outcome.stderr.contains("other users can enter it"), "{outcome:?}");
            assert!(outcome.stderr.contains("fix: chmod 700 /home/alice"), "{outcome:?}");
        }
    }
    fs::set_permissions(store(&alice), fs::Permissions::from_mode(0o700)).expect("closing the store");
    host.output(&mut subroot(&alice, &["inspect", "web"])).ok();
    let bob = host.user("bob");
    fs::create_dir("/tmp/store").expect("a directory");
    std::os::unix::fs::chown("/tmp/store", Some(alice.uid), Some(alice.gid)).expect("giving it to alice");
    fs::set_permissions("/tmp/store", fs::Permissions::from_mode(0o700)).expect("closing it");
    let mut command = subroot(&bob, &["images"]);
    let outcome = host.output(command.env("SUBROOT_STORE", "/tmp/store"));
    assert!(outcome.code() == 125 && outcome.stderr.contains("belongs to another user"), "{outcome:?}");
}

/// As tar does, whether the target is a directory or a name.
#[test]
fn standard_input_is_read_from_where_it_is() {
    let (host, alice) = host();
    archive(
        &alice,
        "two.tar",
        "echo x >f; tar -cf $0 f; head -c 20480 /dev/zero | cat - $0 >$0.new; mv $0.new $0",
    );
    for target in ["./dir", "web"] {
        let script = format!(
            "(dd bs=20480 count=1 of=/dev/null 2>/dev/null && exec subroot import - {target}) <two.tar"
        );
        host.output(&mut alice.shell(&script)).ok();
    }
    assert!(alice.home.join("dir/f").exists() && layers(&alice)[0].join("fs/f").exists());
}

#[test]
fn squashed_layers_are_not_taken_for_others() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "echo x >f; chown 70000:70000 f; tar --numeric-owner -cf $0 .");
    host.output(&mut subroot(&alice, &["import", "--squash-ids", "a.tar", "squashed"])).ok();
    let outcome = host.output(&mut subroot(&alice, &["import", "a.tar", "kept"]));
    assert!(outcome.code() == 125 && outcome.stderr.contains("70000"), "{outcome:?}");
    let plan = host.output(&mut subroot(&alice, &["run", "--print-plan", "squashed", "true"])).ok();
    assert!(plan.contains("an image with the layers "), "{plan}");
    let names: Vec<_> = images(&host, &alice).iter().map(|image| image["name"].clone()).collect();
    assert_eq!(names, ["docker.io/library/squashed:latest"]);
}

#[test]
fn the_nearest_name_is_named() {
    let (host, alice) = with_web();
    for command in ["rmi", "inspect"] {
        let outcome = host.output(&mut subroot(&alice, &[command, "wbe"]));
        assert_refused(&outcome, 125, &["the store has no image of this name (there is web)"]);
    }
}

/// Such an image has only a configuration: `FROM scratch`.
#[test]
fn an_image_without_layers_is_kept_but_does_not_run() {
    let (host, alice) = host();
    let script = r#"mkdir -p layout/blobs/sha256 && cd layout && echo '{"imageLayoutVersion":"1.0.0"}' >oci-layout
        add() { set -- $(tee new | sha256sum); mv new blobs/sha256/$1; echo "\"digest\":\"sha256:$1\",\"size\":$(stat -c %s blobs/sha256/$1)"; }
        type=application/vnd.oci.image
        config=$(printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/x"]},"rootfs":{"type":"layers","diff_ids":[]}}' $(dpkg --print-architecture) | add)
        manifest=$(echo "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"$type.config.v1+json\",$config},\"layers\":[]}" | add)
        echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"$type.manifest.v1+json\",$manifest}]}" >index.json"#;
    host.output(&mut alice.shell(script)).ok();
    let imported = host.output(&mut subroot(&alice, &["import", "oci:layout", "nothing"]));
    assert!(
        imported.code() == 0 && imported.stderr.ends_with("as nothing: 0 layers, 0 entries, 0 bytes\n"),
        "{imported:?}"
    );
    host.output(&mut subroot(&alice, &["inspect", "nothing"])).ok();
    for image in ["nothing", "oci:layout"] {
        let outcome = host.output(&mut subroot(&alice, &["run", image]));
        assert_refused(&outcome, 125, &["it has no layers, and so no program that could run"]);
    }
    host.output(&mut subroot(&alice, &["rmi", "nothing"])).ok();
}

#[test]
fn layers_of_another_boot_are_unpacked_again_unless_they_were_synced() {
    let (host, alice) = with_web();
    let layer = layers(&alice)[0].clone();
    let record = layer.join("layer.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&record).expect("the record")).expect("JSON");
    let inode = || fs::metadata(layers(&alice)[0].join("fs")).expect("the layer").ino();
    let before = inode();
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    assert_eq!(inode(), before);
    value["boot_id"] = "00000000-0000-0000-0000-000000000000".into();
    value["synced"] = true.into();
    fs::write(&record, value.to_string()).expect("writing the record");
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    assert_eq!(inode(), before);
    value["synced"] = false.into();
    fs::write(&record, value.to_string()).expect("writing the record");
    // A crash may leave empty files.
    fs::write(layer.join("fs/etc/name"), "").expect("emptying a file");
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    assert_ne!(inode(), before);
    assert_eq!(fs::read_to_string(layers(&alice)[0].join("fs/etc/name")).expect("the file"), "web\n");
    assert!(files(&alice, "tmp").is_empty());
}
