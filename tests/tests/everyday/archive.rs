//! tar: a tree with every kind of file attribute is archived, extracted, and archived again byte for byte.

use crate::job::{Debian, GRANTED, NO_ROOT};
use std::fs;
use std::os::unix::fs::MetadataExt;
use subroot_tests::skip;

/// Every owner from the first to the last ID, every special bit, links, attributes, capabilities, holes and
/// odd names.
const TREE: &str = r#"
    mkdir -p /srv/tree/owners
    cd /srv/tree
    for id in 0 1 33 1000 30000 65534 65535 65536; do
        echo $id >owners/$id
        chown $id:$((65536 - id)) owners/$id
    done
    for mode in 4755 2755 6711 1644 0000 7777; do
        echo $mode >mode-$mode
        chown 33:5 mode-$mode
        chmod $mode mode-$mode
    done
    mkdir -m 1777 sticky; mkdir -m 2775 setgid; chown 0:50 setgid
    echo linked >one; chown 7:8 one; ln one two; ln one setgid/three
    ln -s one relative; ln -s /nowhere/at/all dangling; chown -h 33:33 dangling
    mkfifo -m 640 fifo
    touch "$(printf 'new\nline')" 'blank and ü' "$(printf '%0200d' 0)"
    truncate -s 3M holes; printf end >>holes
    echo text >attributes
    setfattr -n user.note -v 'of a user' attributes
    setfacl -m u:33:r,g:50:rw,m:rw attributes; setfacl -d -m u:1000:rwx setgid
    python3 -c 'import os; os.setxattr("mode-7777", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))'
    find . -exec touch -h -d '2001-02-03 04:05:06.789' {} +
"#;

/// The number of files, and attributes that names and modes do not show. The last one has one block for three
/// links.
const EXTRACTED: [&str; 7] = [
    "29",
    "of a user",
    "user:33:r--",
    "group:50:rw-",
    "security.capability=0x0100000200040000000000000000000000000000",
    "3 8",
    "1 8",
];

/// Archives the given directory.
const ARCHIVE: &str = "archive() {
    tar --create --directory $1 --sort=name --numeric-owner --sparse --sparse-version=0.0 --acls --xattrs --xattrs-include='*' \\
        --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime .
}";

#[test]
fn a_tree_of_many_owners_is_archived_extracted_and_archived_again_byte_for_byte() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let sums = debian.output(&format!(
        "{TREE}{ARCHIVE}
        archive /srv/tree >/srv/first.tar
        mkdir /srv/copy
        tar --extract --directory /srv/copy --preserve-permissions --numeric-owner --acls --xattrs --xattrs-include='*' \\
            --same-owner </srv/first.tar
        archive /srv/copy >/srv/second.tar
        sha256sum </srv/first.tar; sha256sum </srv/second.tar
        tar --list --file /srv/first.tar | wc -l
        cd /srv/copy
        getfattr --only-values -n user.note attributes; echo
        getfacl --omit-header --numeric attributes | grep -e 33 -e 50
        getfattr -n security.capability -e hex mode-7777 | grep =
        stat -c '%h %b' one holes"
    ));
    let lines: Vec<&str> = sums.lines().collect();
    assert_eq!(lines[0], lines[1], "{sums}");
    assert_eq!(lines[2..], EXTRACTED, "{sums}");
    let same = debian.output(&format!("{ARCHIVE}\narchive /srv/copy | sha256sum"));
    assert_eq!(same.trim_end(), lines[0], "also in the next run");
    assert_owners_outside(&debian);
}

fn assert_owners_outside(debian: &Debian) {
    for id in [1, 33, 1000, 30000, 65534, 65535] {
        let facts = fs::metadata(debian.rootfs.path.join(format!("srv/copy/owners/{id}"))).expect("a file");
        assert_eq!((facts.uid(), facts.gid()), (GRANTED + id - 1, GRANTED + 65536 - id - 1), "{id}");
    }
}
