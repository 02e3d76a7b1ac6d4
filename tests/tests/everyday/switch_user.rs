//! su, sudo and similar programs switch to another user of the root, with and without a password, and back.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

/// sudo looks up its host's name, which Debian's /etc/hosts does not have.
const ACCOUNTS: &str = "
    echo \"127.0.1.1 $(cat /proc/sys/kernel/hostname)\" >>/etc/hosts
    useradd --create-home --shell /bin/bash worker
    useradd --create-home --shell /bin/bash --groups sudo,worker admin
    echo 'admin:secret' | chpasswd
    echo 'worker ALL=(admin) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/worker
";

fn seen(script: &str) -> Option<String> {
    let debian = Debian::new()?;
    let outcome = debian.outcome(&format!("{ACCOUNTS}{script}"));
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    Some(outcome.stdout)
}

#[test]
fn root_becomes_any_user() {
    let script = "
        su worker -c 'id -un; id -Gn; echo $HOME'
        su - admin -c 'id -un; id -Gn; pwd'
        sudo -u worker id -un
        sudo -u '#33' -g '#33' id -un
        runuser -u admin -- id -un
        setpriv --reuid worker --regid worker --init-groups id -un
        su worker -c 'sleep 1000 >/dev/null 2>&1 &'; until pgrep -u worker sleep >/dev/null; do sleep 0.05; done
        su admin -c 'pkill -u worker sleep 2>/dev/null || echo refused'
        pkill -u worker sleep; while pgrep -u worker sleep >/dev/null; do sleep 0.05; done
        su worker -c 'cat /etc/shadow 2>/dev/null || echo shut'
        id -un";
    let Some(seen) = seen(script) else { skip!("{NO_ROOT}") };
    let expected = "worker\nworker\n/home/worker\nadmin\nadmin sudo worker\n/home/admin\n\
        worker\nwww-data\nadmin\nworker\nrefused\nshut\nroot\n";
    assert_eq!(seen, expected);
}

#[test]
fn a_user_becomes_root_by_sudo_and_by_su_with_a_password() {
    let script = "
        su admin -c 'echo secret | sudo --stdin --prompt= id -u'
        su admin -c 'echo wrong | sudo --stdin --prompt= id -u 2>/dev/null' || echo refused
        su worker -c 'sudo -n -u admin id -un'
        su worker -c 'sudo -n id -u 2>/dev/null' || echo refused
        su worker -c 'echo secret | su admin -c \"id -un\" 2>/dev/null'
        su worker -c 'echo wrong | su admin -c \"id -un\" 2>/dev/null' || echo refused
        su admin -c 'echo secret | sudo --stdin --prompt= -u worker sh -c \"touch ~worker/made\"'
        stat -c %U ~worker/made";
    let Some(seen) = seen(script) else { skip!("{NO_ROOT}") };
    assert_eq!(seen, "0\nrefused\nadmin\nrefused\nadmin\nrefused\nworker\n");
}

#[test]
fn a_capability_of_a_file_counts_for_a_user_inside() {
    let script = "
        cp /bin/chown /usr/local/bin/give
        python3 -c 'import os; os.setxattr(\"/usr/local/bin/give\", \"security.capability\", \
            bytes.fromhex(\"0100000201000000000000000000000000000000\"))'
        touch /srv/file
        su worker -c 'chown admin /srv/file 2>/dev/null || echo refused; give admin /srv/file'
        stat -c %U /srv/file";
    let Some(seen) = seen(script) else { skip!("{NO_ROOT}") };
    assert_eq!(seen, "refused\nadmin\n");
}
