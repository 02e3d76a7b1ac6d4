//! Accounts and groups are created, changed and removed; setgid directories, umasks and ACLs control access.

use crate::job::{Debian, GRANTED, NO_ROOT};
use std::os::unix::fs::MetadataExt;
use subroot_tests::skip;

#[test]
fn accounts_and_groups_come_change_and_go() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        "groupadd --gid 4000 team
        useradd --uid 65000 --create-home --groups team one
        useradd --system --shell /usr/sbin/nologin daemon-user
        adduser --quiet --disabled-password --gecos '' two
        usermod --append --groups team,www-data two
        id -u one; id -Gn one; id -Gn two | tr ' ' '\\n' | grep -x -e team -e www-data
        su one -c 'id -un; id -Gn; stat -c %U:%G ~'
        su daemon-user -c true 2>&1 || true
        usermod --login uno --home /home/uno --move-home one
        su - uno -c 'pwd; id -u'
        passwd --quiet --lock uno; passwd --status uno | cut -d' ' -f2
        chage --maxdays 30 uno; chage --list uno | grep -c Maximum
        deluser --quiet --remove-home two
        userdel --remove uno 2>/dev/null; groupdel team; pwck --read-only --quiet && grpck --read-only
        ls /home; getent passwd uno || echo gone",
    );
    let expected = "65000\none team\nwww-data\nteam\n\
        one\none team\none:one\nThis account is currently not available.\n/home/uno\n65000\nL\n1\ngone\n";
    assert_eq!(seen, expected);
}

#[test]
fn a_team_shares_a_directory_by_setgid_and_acl() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        "groupadd --gid 4000 team
        for name in one two three; do useradd --no-create-home $name; done
        usermod --append --groups team one; usermod --append --groups team two
        install -d -m 2770 -g team /srv/team
        setfacl -m u:three:rx -d -m u:three:r -d -m g:team:rw /srv/team
        su one -c 'umask 077; echo first >/srv/team/file'
        su two -c 'echo second >>/srv/team/file'
        su three -c 'cat /srv/team/file; echo third 2>/dev/null >>/srv/team/file || echo shut'
        su nobody -s /bin/sh -c 'cat /srv/team/file 2>/dev/null || echo shut'
        stat -c %U:%G /srv/team/file
        getfacl --absolute-names --omit-header /srv/team/file | grep three",
    );
    assert_eq!(seen, "first\nsecond\nshut\nshut\none:team\nuser:three:r--\n");
    let file = std::fs::metadata(debian.rootfs.path.join("srv/team/file")).expect("the team's file");
    assert_eq!(file.gid(), GRANTED + 4000 - 1);
}
