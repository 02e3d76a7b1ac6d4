//! Real archives, by GNU tar and bsdtar in every format: the tree is that of GNU tar as root, entry by entry.

use crate::{LISTING, archive, host, listing_inside, subroot, with_input};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use subroot_tests::skip;

const TREE: &str = r#"
    printf hello >plain; chmod 640 plain; mkdir -p d/read-only acl setgid sticky
    echo x >d/read-only/f; chmod 555 d/read-only; echo s >suid; chmod 6755 suid; chmod 1777 sticky
    ln plain d/hard; ln -s /etc/passwd absolute; ln -s ../x relative; mkfifo fifo; chown 7:8 fifo d
    truncate -s 30M sparse; printf data | dd of=sparse bs=1 seek=20000000 conv=notrunc 2>/dev/null
    truncate -s 1M hole; for i in $(seq 60); do printf $i | dd of=many bs=1 seek=$((i*65536)) conv=notrunc 2>/dev/null; done
    n=$(printf 'l%.0s' $(seq 120)); mkdir -p $n/$n; echo long >$n/$n/file; ln -s $n$n long-link
    printf x >"$(printf 'bad\377name')"; chgrp 50 setgid; chmod 2775 setgid; echo g >setgid/f
    cp /bin/true capable; setcap cap_net_raw=ep capable || true
    setfacl -m u:1000:rw,g:50:r plain || true; setfacl -d -m u:1000:rwx acl || true
    chown 1000:1000 sticky; : >empty; touch -d '2030-01-01 00:00:00.123456789' plain; touch -d '2001-02-03 04:05:06.5' d acl .
"#;

/// The tree that GNU tar makes of an archive as root.
fn reference(path: &Path) -> String {
    let dir = Path::new("/tmp/reference");
    // Error ignored: there is none yet.
    let _ = fs::remove_dir_all(dir);
    fs::create_dir(dir).expect("a directory in a fresh tmpfs");
    let unpacked = Command::new("tar")
        .args([
            "-xp",
            "--numeric-owner",
            "--acls",
            "--xattrs",
            "--xattrs-include=*",
            "--exclude=./dev/*",
            "-C",
            "/tmp/reference",
            "-f",
        ])
        .arg(path)
        .output()
        .expect("starting tar");
    assert!(unpacked.status.success(), "{unpacked:?}");
    let listed = Command::new("sh").args(["-c", LISTING, "/tmp/reference"]).stderr(Stdio::inherit()).output();
    String::from_utf8_lossy(&listed.expect("starting sh").stdout).into_owned()
}

#[test]
fn every_format_gives_the_tree_of_gnu_tar() {
    let (host, alice) = host();
    for format in [
        "--format=gnu -S",
        "--format=oldgnu -S",
        "--format=pax -S --sparse-version=0.0",
        "--format=pax -S --sparse-version=0.1",
        "--format=pax -S --sparse-version=1.0",
        "--format=pax",
    ] {
        archive(&alice, "a.tar", &format!("{TREE} tar {format} --acls --xattrs --numeric-owner -cf $0 ."));
        host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"])).ok();
        assert_eq!(listing_inside(&host, &alice, "dir"), reference(&alice.home.join("a.tar")), "{format}");
        host.output(&mut subroot(&alice, &["rm", "dir"])).ok();
    }
}

/// What the oldest formats can keep: names of up to 100 bytes, owners, modes and whole seconds.
#[test]
fn the_oldest_formats_give_the_tree_of_gnu_tar() {
    let (host, alice) = host();
    let tree = r#"
        printf hello >plain; chmod 640 plain; mkdir -p d/deep empty; echo x >d/deep/f; ln plain d/hard; ln -s ../x relative
        echo s >suid; chmod 6755 suid; chown 7:8 d; chown 1000:1000 d/deep; printf x >"$(printf 'bad\377name')"
        touch -d 2001-02-03 plain d; chmod 555 d/deep
    "#;
    for format in ["v7", "ustar"] {
        archive(&alice, "a.tar", &format!("{tree} tar --format={format} --numeric-owner -cf $0 ."));
        host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"])).ok();
        let listed = listing_inside(&host, &alice, "dir");
        assert!(listed.contains("d/deep d 555 1000:1000"), "{format}: {listed}");
        assert_eq!(listed, reference(&alice.home.join("a.tar")), "{format}");
        host.output(&mut subroot(&alice, &["rm", "dir"])).ok();
    }
}

/// bsdtar lists directories before and after their content, and GNU tar then loses their times.
#[test]
fn bsdtars_formats_are_read() {
    let (host, alice) = host();
    let tree = "mkdir d; echo x >d/f; ln d/f link; ln -s d s; touch -d 2001-02-03 d/f d";
    for format in ["pax", "gnutar", "ustar"] {
        archive(&alice, "a.tar", &format!("{tree}; bsdtar --format {format} --numeric-owner -cf $0 ."));
        host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"])).ok();
        let listed = listing_inside(&host, &alice, "dir");
        assert!(listed.contains("d d 755 0:0 981158400.0000000000"), "{format}: {listed}");
        assert!(listed.contains("link f 644 0:0 981158400.0000000000  2 2 "), "{format}: {listed}");
        host.output(&mut subroot(&alice, &["rm", "dir"])).ok();
    }
}

#[test]
fn a_debian_is_that_of_gnu_tar() {
    let Some(debian) = subroot_tests::archive("debian.tar") else {
        skip!("tests/run could not make debian.tar");
    };
    let (host, alice) = host();
    let path = alice.home.join("debian.tar");
    std::io::copy(&mut &debian, &mut fs::File::create(&path).expect("a file")).expect("copying the archive");
    host.output(&mut with_input(subroot(&alice, &["import", "-", "./dir"]), &path)).ok();
    let ours = listing_inside(&host, &alice, "dir");
    assert!(ours.lines().count() > 10_000, "{} lines", ours.lines().count());
    assert_eq!(ours, reference(&path));
}
