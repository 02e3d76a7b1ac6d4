//! cron: a daemon that becomes other users runs their jobs at its start.

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
