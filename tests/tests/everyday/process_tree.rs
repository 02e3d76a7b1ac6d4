//! A tree of daemons, orphans, zombies and stopped processes of several users: correct while it runs, and
//! ended with the job.

use crate::job::{Debian, NO_ROOT};
use crate::running::{Running, assert_all_gone, unique_word};
use std::fs;
use std::io::Write;
use std::process::Stdio;
use subroot_tests::{processes_with_word, skip};

/// `$0` is in the command line of every process that stays; `sleep` accepts it as a number of years. The
/// zombie's parent never waits.
const FAMILY: &str = r#"
    useradd worker
    cat >/tmp/daemon.pl <<'END'
use POSIX;
exit if fork; setsid; exit if fork;
chdir "/"; open STDIN, "</dev/null"; open STDOUT, ">/dev/null"; open STDERR, ">/dev/null";
$SIG{$_} = "IGNORE" for qw(HUP INT TERM QUIT USR1 USR2);
fork for 1..3;
sleep 1 while $ARGV[0];
END
    perl /tmp/daemon.pl $0
    su worker -c "setsid nohup sleep $0 >/dev/null 2>&1 &"
    (sleep $0 & exec >/dev/null 2>&1) &
    perl -e 'fork or exit 3; sleep shift' $0 >/dev/null &
    perl -e 'kill STOP => $$; sleep shift' $0 >/dev/null &
    unshare --user --map-root-user --pid --fork --kill-child sleep $0 >/dev/null &
    python3 -c 'import multiprocessing, sys, time
for n in range(3): multiprocessing.Process(target=time.sleep, args=(int(sys.argv[1][-4:]) + 1000,)).start()' $0 >/dev/null &
    count() { pgrep --count "$@" || true; }
    until [ "$(count -f "^perl /tmp/daemon")" = 8 ] && [ "$(count -r Z)" = 1 ] && [ "$(count -r T)" = 1 ] \
        && [ "$(count -u worker sleep)" = 1 ] && [ "$(count python3)" = 4 ]; do sleep 0.05; done
    echo ready
    ps -o ppid= -p $(pgrep -u worker sleep) | tr -d ' '
    read -r wait
    exit 5
"#;

/// The minimum number of processes with the word: 8 daemons, 5 sleeps and similar, 4 of Python, init and
/// bash.
const MEMBERS: usize = 18;

fn family(debian: &Debian, word: &str) -> Running {
    Running::new(debian.run(&["bash", "-c", FAMILY, word]).stdin(Stdio::piped()))
}

#[test]
fn a_tree_of_daemons_and_zombies_is_gone_when_the_job_ends() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let (word, before) = (unique_word(), mounts());
    let mut running = family(&debian, &word);
    assert_eq!(running.line(), "1", "an orphan's parent is init");
    let members = processes_with_word(&word).len();
    assert!(members >= MEMBERS, "{members}");
    running.input().write_all(b"\n").expect("telling the job to end");
    assert_eq!(running.end().code(), 5);
    assert_all_gone(&word);
    assert_eq!(mounts(), before);
}

#[test]
fn a_tree_of_daemons_and_zombies_is_gone_when_the_launcher_is_ended() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let before = mounts();
    for (number, status) in [(15, 143), (9, 137)] {
        let word = unique_word();
        debian.output("userdel worker 2>/dev/null || true");
        let running = family(&debian, &word);
        running.signal(number);
        assert_eq!(running.end().code(), status);
        assert_all_gone(&word);
        assert_eq!(mounts(), before);
    }
}

fn mounts() -> String {
    fs::read_to_string("/proc/thread-self/mountinfo").expect("reading the mounts")
}
