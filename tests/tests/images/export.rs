//! `subroot export IMAGE|DIR FILE|-`.

use crate::{LISTING, archive, host, listing_inside, names, sources, subroot};
use std::fs;
use std::path::Path;
use std::process::Command;
use subroot_tests::sandbox::{assert_refused, give};
use subroot_tests::{Host, User, skip};

/// A tree with everything that an archive can keep, and long and odd names.
const TREE: &str = r#"
    mkdir -p d/deep empty "$(printf 'n%.0s' $(seq 90))/$(printf 'm%.0s' $(seq 90))"; chmod 1777 empty; chmod 2750 d; chown 1000:1001 d/deep
    echo one >d/file; ln d/file d/hard; ln d/file z-hard; setfattr -n user.a -v one d/file; setfattr -n user.dir -v two d
    echo s >suid; chown 7:8 suid; chmod 6755 suid; cp /bin/true capable; setcap cap_net_raw=ep capable
    ln -s "$(printf 't%.0s' $(seq 150))" long-target; ln -s d/file link; ln link hard-link-to-link 2>/dev/null; chown -h 5:6 link
    mkfifo fifo; chown 9:9 fifo; echo x >"$(printf 'bad\377name')"; echo x >"$(printf 'new\nline')"; echo x >"$(printf 'l%.0s' $(seq 255))"
    echo x >"$(printf 'n%.0s' $(seq 90))/$(printf 'm%.0s' $(seq 90))/$(printf 'o%.0s' $(seq 90))"
    truncate -s 3M sparse; printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none; truncate -s 1M hole
    touch -d '2001-02-03 04:05:06.123456789' d/file d; touch -d '1960-01-01 00:00:00.25' suid; touch -d '1969-12-31 23:59:59' hole
    setfacl -m u:1000:rwx,d:u:7:r-x empty; echo dot >.hidden; chmod 000 .hidden
    tar --format=pax --xattrs --acls --numeric-owner -cf $0 .
"#;

/// A host on which alice has this tree as a directory and as an image.
fn with_tree() -> (Host, User) {
    let (host, alice) = host();
    archive(&alice, "tree.tar", TREE);
    says(&host, &alice, &["-q", "import", "tree.tar", "./dir"]);
    says(&host, &alice, &["-q", "import", "tree.tar", "image"]);
    (host, alice)
}

#[track_caller]
fn says(host: &Host, alice: &User, words: &[&str]) -> String {
    let outcome = host.output(&mut subroot(alice, words));
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    outcome.stderr
}

#[track_caller]
fn assert_same(alice: &User, [one, other]: [&str; 2]) {
    let read = |name: &str| fs::read(alice.home.join(name)).expect("an archive");
    assert!(read(one) == read(other), "{one} and {other} differ");
}

/// The listing of a tree that root has unpacked from a file of alice's by this command. `$0` is the file.
fn listing_of_root(alice: &User, file: &str, command: &str) -> String {
    let dir = Path::new("/tmp/unpacked");
    // Error ignored: there is none yet.
    let _ = fs::remove_dir_all(dir);
    fs::create_dir(dir).expect("a directory in a fresh tmpfs");
    let run = |script: &str, zero: &Path| {
        let done = Command::new("sh").args(["-ec", script]).arg(zero).current_dir(dir).output();
        let done = done.expect("starting sh");
        assert!(done.status.success(), "{done:?}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    run(command, &alice.home.join(file));
    run(LISTING, dir)
}

#[test]
fn an_export_has_everything_that_an_import_has_made() {
    let (host, alice) = with_tree();
    let said = says(&host, &alice, &["export", "./dir", "one.tar"]);
    assert!(said.starts_with("subroot: exported ./dir to one.tar: 2"), "{said}");
    says(&host, &alice, &["-q", "import", "one.tar", "./again"]);
    let tree = listing_inside(&host, &alice, "dir");
    assert_eq!(listing_inside(&host, &alice, "again"), tree);
    // GNU tar has no letter for a list whose attribute is in the archive.
    let command = "tar --xattrs --xattrs-include='*' --numeric-owner -xpf $0";
    let without_lists = |text: String| {
        text.lines().filter(|line| !line.starts_with("system.posix_acl")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_lists(listing_of_root(&alice, "one.tar", command)), without_lists(tree));
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let (host, alice) = with_tree();
    says(&host, &alice, &["export", "./dir", "one.tar"]);
    says(&host, &alice, &["export", "image", "two.tar"]);
    assert_same(&alice, ["one.tar", "two.tar"]);
    host.output(&mut alice.shell("subroot -q export --format=tar dir - >three.tar")).ok();
    assert_same(&alice, ["one.tar", "three.tar"]);
    // A squashfs has no access control lists.
    host.output(&mut subroot(&alice, &["unshare", "--", "setfacl", "-b", "dir/empty"])).ok();
    for end in ["oci", "squashfs"] {
        says(&host, &alice, &["-q", "export", "dir", &format!("one.{end}")]);
        says(&host, &alice, &["-q", "export", "dir", &format!("two.{end}")]);
        assert_same(&alice, [&format!("one.{end}"), &format!("two.{end}")]);
    }
}

#[test]
fn the_layers_of_an_image_are_merged_as_by_overlayfs() {
    let (host, alice) = host();
    let Some((_, tree)) = sources::image(&alice) else { skip!("umoci cannot unpack here") };
    says(&host, &alice, &["-q", "import", "oci:layout:three", "three"]);
    says(&host, &alice, &["export", "three", "three.tar"]);
    let command = "tar --xattrs --xattrs-include='*' --numeric-owner -xpf $0";
    assert_eq!(listing_of_root(&alice, "three.tar", command), tree);
    says(&host, &alice, &["-q", "import", "oci:layout:three", "./flat"]);
    says(&host, &alice, &["export", "./flat", "flat.tar"]);
    assert_same(&alice, ["three.tar", "flat.tar"]);
}

#[test]
fn other_tools_read_an_image_whose_blobs_are_unchanged() {
    let (host, alice) = host();
    if sources::image(&alice).is_none() {
        skip!("umoci cannot unpack here");
    }
    says(&host, &alice, &["-q", "import", "oci:layout:three", "three"]);
    let said = says(&host, &alice, &["export", "three", "three.oci.tar"]);
    assert!(said.starts_with("subroot: exported three to three.oci.tar: 3 layers, "), "{said}");
    let digest = |source: &str| {
        let mut skopeo = alice.command("skopeo");
        host.output(skopeo.args(["inspect", "--format", "{{.Digest}} {{.Layers}}", source])).ok()
    };
    assert_eq!(digest("oci-archive:three.oci.tar"), digest("oci:layout:three"));
    let named = "oci-archive:three.oci.tar:docker.io/library/three:latest";
    assert_eq!(digest(named), digest("oci:layout:three"));
    says(&host, &alice, &["-q", "import", "three.oci.tar", "again"]);
    // That of a directory has one layer.
    says(&host, &alice, &["-q", "import", "three.oci.tar", "./dir"]);
    says(&host, &alice, &["export", "./dir", "dir.oci"]);
    let mut skopeo = alice.command("skopeo");
    skopeo.args(["--insecure-policy", "copy", "-q", "oci-archive:dir.oci", "oci:layout2:dir"]);
    host.output(&mut skopeo).ok();
    says(&host, &alice, &["-q", "import", "oci:layout2:dir", "./copied"]);
    assert_eq!(listing_inside(&host, &alice, "copied"), listing_inside(&host, &alice, "dir"));
}

#[test]
fn a_squashfs_has_the_tree_and_its_root() {
    let (host, alice) = host();
    let script = "mkdir d; echo x >d/f; ln d/f d/g; chown 5:6 d/f; setfattr -n user.a -v 1 d/f; chmod 1750 .; chown 3:4 .;
        touch -d 2001-02-03 d d/f .; tar --xattrs --format=pax --numeric-owner -cf $0 .";
    archive(&alice, "a.tar", script);
    says(&host, &alice, &["-q", "import", "a.tar", "./dir"]);
    says(&host, &alice, &["export", "dir", "dir.squashfs"]);
    let unpack = "unsquashfs -q -n -f -d . $0 >/dev/null";
    assert_eq!(listing_of_root(&alice, "dir.squashfs", unpack), listing_inside(&host, &alice, "dir"));
    host.output(&mut subroot(&alice, &["unshare", "--", "setfacl", "-m", "u:7:r", "dir/d/f"])).ok();
    let refused = host.output(&mut subroot(&alice, &["export", "dir", "dir.squashfs"]));
    assert_refused(&refused, 125, &["exporting dir", "reading d/f", "access control list"]);
    let refused = host.output(&mut subroot(&alice, &["export", "--format=squashfs", "dir", "-"]));
    assert_refused(&refused, 125, &["a squashfs can only be written to a regular file"]);
    let script = "program=$(command -v subroot); PATH=/nowhere $program export dir dir.squashfs";
    let mut without = alice.shell(script);
    assert_refused(
        &host.output(&mut without),
        125,
        &["running tar2sqfs: it is not installed", "squashfs-tools-ng"],
    );
}

#[test]
fn what_an_archive_cannot_have_is_skipped_and_counted() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "mkdir d; echo x >d/f; tar -cf $0 .");
    says(&host, &alice, &["-q", "import", "a.tar", "./dir"]);
    let script = "import socket,os; os.chdir('dir'); socket.socket(socket.AF_UNIX).bind('socket');
os.setxattr('d/f', 'user.a=b', b'1'); os.setxattr('d', 'user.overlay.opaque', b'y')";
    host.output(&mut subroot(&alice, &["unshare", "--", "python3", "-c", script])).ok();
    if Command::new("mknod")
        .arg(alice.home.join("dir/d/null"))
        .args(["c", "1", "3"])
        .status()
        .is_ok_and(|status| status.success())
    {
        let said = says(&host, &alice, &["export", "dir", "dir.tar"]);
        assert!(
            said.ends_with(
                ": 3 entries, 2 bytes, 1 device skipped, 1 socket skipped, 2 attributes not kept\n"
            ),
            "{said}"
        );
    } else {
        skip!("no device can be made in a user namespace");
    }
}

#[test]
fn a_failed_export_leaves_the_file_unchanged() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "mkdir d; echo x >d/f; tar -cf $0 .");
    says(&host, &alice, &["-q", "import", "a.tar", "./dir"]);
    host.output(&mut alice.shell("echo mine >out.tar; mkdir full; ln -s out.tar link; chmod 600 out.tar"))
        .ok();
    // Of an ID that is not alice's.
    std::os::unix::fs::chown(alice.home.join("dir/d/f"), Some(99_999), None).expect("an owner");
    let before = names(&alice);
    for (words, why) in [
        (["dir", "out.tar"], "exporting dir: reading d/f: its user ID is not one of yours"),
        (["dir", "full"], "Is a directory"),
        (["dir", "no/such"], "No such file"),
        (["no-such", "out.tar"], "no image"),
        (["./no-such", "out.tar"], "No such file"),
        (["a.tar", "out.tar"], "it is not a directory"),
        (["dir", "out.tar.gz"], "pipe it into gzip -n"),
    ] {
        assert_refused(&host.output(&mut subroot(&alice, &["export", words[0], words[1]])), 125, &[why]);
    }
    let unknown = host.output(&mut subroot(&alice, &["export", "--format=cpio", "dir", "out.tar"]));
    assert_refused(&unknown, 125, &["unknown format cpio: use tar, oci-archive or squashfs"]);
    assert_eq!(names(&alice), before);
    assert_eq!(fs::read_to_string(alice.home.join("out.tar")).expect("the file"), "mine\n");
    give(&alice.home.join("dir/d/f"), &alice, 0o644);
    let full = host.output(&mut subroot(&alice, &["export", "dir", "/dev/full"]));
    assert_refused(&full, 125, &["writing the archive: No space left on device"]);
    says(&host, &alice, &["export", "dir", "link"]);
    assert!(alice.home.join("link").is_symlink() && names(&alice) == before);
    assert!(fs::metadata(alice.home.join("out.tar")).expect("the file").len() > 2000);
}

#[test]
fn what_is_mounted_below_is_not_exported() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "mkdir d; echo x >d/f; tar -cf $0 .");
    says(&host, &alice, &["-q", "import", "a.tar", "./dir"]);
    let mounted = "mount -t tmpfs none dir/d && exec subroot export dir out.tar";
    let refused = host.output(&mut subroot(&alice, &["unshare", "--", "sh", "-c", mounted]));
    assert_refused(&refused, 125, &["reading d", "a filesystem is mounted there"]);
}
