//! Daemons: cron runs jobs as other users, and a log daemon receives messages from all users.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

#[test]
fn cron_runs_the_jobs_of_two_users() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        "useradd --create-home worker
        echo '@reboot id -un >>/tmp/root-ran; echo $HOME >>/tmp/root-ran' | crontab -
        echo '@reboot id -un >>/tmp/worker-ran; echo $HOME >>/tmp/worker-ran' | su worker -c 'crontab -'
        su worker -c 'crontab -l'
        stat -c '%U:%G %a' /var/spool/cron/crontabs/worker
        cron
        for try in $(seq 200); do
            [ $(cat /tmp/root-ran /tmp/worker-ran 2>/dev/null | wc -l) = 4 ] && break
            sleep 0.05
        done
        cat /tmp/root-ran /tmp/worker-ran
        stat -c %U /tmp/worker-ran
        ps -o ppid= -C cron | tr -d ' '",
    );
    let expected = "@reboot id -un >>/tmp/worker-ran; echo $HOME >>/tmp/worker-ran\nworker:crontab 600\n\
        root\n/root\nworker\n/home/worker\nworker\n1\n";
    assert_eq!(seen, expected);
}

#[test]
fn a_log_daemon_gets_the_messages_of_every_user() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"useradd worker
        cat >/tmp/log.py <<'END'
import os, socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); log.bind("/dev/log"); os.chmod("/dev/log", 0o666)
print("listening", flush=True)
for _ in range(2): print(log.recv(1000).decode().split("tester: ")[-1], flush=True)
END
        python3 /tmp/log.py >/tmp/log &
        until grep -q listening /tmp/log; do sleep 0.05; done
        logger --tag tester of root
        until grep -q root /tmp/log; do sleep 0.05; done
        setpriv --reuid worker --regid worker --clear-groups logger --tag tester of worker
        wait; cat /tmp/log"#,
    );
    assert_eq!(seen, "listening\nof root\nof worker\n");
}
