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

/// As the caller, without an account in the root: programs find a name, a home and an author.
#[test]
fn programs_know_the_name_and_the_home_of_the_caller() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let programs = [
        ("whoami", "whoami", "alice"),
        ("id", "id -un; id -gn", "alice\nalice"),
        ("sh", "sh -c 'echo ~ ~alice'", "/home/alice /home/alice"),
        (
            "python3",
            "python3 -c 'import getpass, os.path; print(getpass.getuser(), os.path.expanduser(\"~\"))'",
            "alice /home/alice",
        ),
        ("git", "EMAIL=a@example git var GIT_AUTHOR_IDENT | cut -d'>' -f1", "Alice <a@example"),
        ("ssh", "ssh -G host.example | grep '^user '", "user alice"),
    ];
    for mode in ["host-id", "keep-id"] {
        let options = ["--userns", mode, "-v", "/home/alice:/home/alice"];
        for (program, script, expected) in programs {
            let script = format!("command -v {program} >/dev/null || {{ echo missing; exit; }}; {script}");
            let mut command = debian.run_with(&options, &["bash", "-c", &script]);
            let seen = debian.host.output(command.env("HOME", "/home/alice")).ok();
            if seen == "missing\n" {
                eprintln!("SKIPPED {program}: the root does not have it");
            } else {
                assert_eq!(seen, format!("{expected}\n"), "{program}, {mode}");
            }
        }
    }
}

#[test]
fn bash_shows_the_sandbox_in_its_prompt() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let prompt = |options: &[&str]| {
        let script = ["bash", "--rcfile", "/etc/bash.bashrc", "-ic", "echo \"${PS1@P}\""];
        debian.host.output(&mut debian.run_with(options, &script)).stdout
    };
    assert_eq!(prompt(&["--name", "web"]), "(web)root@web:/# \n");
    assert_eq!(prompt(&["--userns", "host-id", "-h", "box", "-e", "debian_chroot="]), "alice@box:/$ \n");
}

/// sudo complains about a host name that does not resolve.
#[test]
fn the_c_library_resolves_the_names_of_the_sandbox() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    for network in ["host", "none"] {
        let script =
            "for name in localhost $(hostname); do getent ahosts $name >/dev/null && echo $name; done";
        let mut command = debian.run_with(&["-h", "box", "--network", network], &["sh", "-c", script]);
        assert_eq!(debian.host.output(&mut command).ok(), "localhost\nbox\n", "{network}");
    }
}
