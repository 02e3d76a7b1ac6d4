//! sshd: another user logs in with a key, with and without a terminal, and copies a file.

use crate::job::{Debian, NO_ROOT, free_port};
use subroot_tests::skip;

#[test]
fn another_user_logs_in_by_ssh() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    debian.install("openssh-server");
    let port = free_port();
    let seen = debian.output(&format!(
        "useradd --create-home --shell /bin/bash worker
        ssh-keygen -q -t ed25519 -N '' -f /root/key
        install -d -o worker -g worker -m 700 /home/worker/.ssh
        install -o worker -g worker -m 600 /root/key.pub /home/worker/.ssh/authorized_keys
        mkdir -p /run/sshd
        /usr/sbin/sshd -p {port} -o ListenAddress=127.0.0.1 -o PasswordAuthentication=no -E /tmp/log
        until ssh-keyscan -p {port} 127.0.0.1 >/dev/null 2>&1; do sleep 0.1; done
        options=\"-q -i /root/key -o StrictHostKeyChecking=no -o BatchMode=yes\"
        ssh $options -p {port} worker@127.0.0.1 'id -un; id -Gn; pwd; echo $SSH_CONNECTION | cut -d\" \" -f3' || cat /tmp/log
        ssh $options -p {port} -tt worker@127.0.0.1 'tty; stat -c %U:%G:%a $(tty); stty size' | tr -d '\\r'
        ssh $options -p {port} worker@127.0.0.1 'exit 77' || echo status $?
        head -c 5000000 /dev/urandom >/root/file
        scp $options -P {port} /root/file worker@127.0.0.1:copy
        cmp /root/file /home/worker/copy && stat -c %U /home/worker/copy
        ssh $options -p {port} nobody@127.0.0.1 true || echo refused
        kill $(cat /run/sshd.pid)"
    ));
    let expected = "worker\nworker\n/home/worker\n127.0.0.1\n\
        /dev/pts/0\nworker:tty:620\n0 0\nstatus 77\nworker\nrefused\n";
    assert_eq!(seen, expected);
}
