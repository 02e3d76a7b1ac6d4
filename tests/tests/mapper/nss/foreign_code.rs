//! What foreign code can access where it runs: no capabilities, no descriptors of the caller, no environment.

use crate::nss::{ALL, ASKED, attempt, granted_maps, host_with, set_plugin};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use subroot_tests::{Host, Maps, Step, Target, start_with};

/// Writes everything that it can see to /tmp/seen, and grants the request.
const TELLING: &str = "
    char text[8192]; FILE *to = fopen(\"/tmp/seen\", \"a\"), *from = fopen(\"/proc/self/status\", \"r\");
    while (fgets(text, sizeof text, from)) fputs(text, to);
    fclose(from);
    DIR *directory = opendir(\"/proc/self/fd\");
    for (struct dirent *entry; (entry = readdir(directory)); ) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, text, sizeof text - 1);
        if (length > 0) { text[length] = 0; fprintf(to, \"fd %s %s\\n\", entry->d_name, text); }
    }
    extern char **environ; for (char **at = environ; at && *at; at++) fprintf(to, \"environment %s\\n\", *at);
    fprintf(to, \"directory %s\\n\", getcwd(text, sizeof text));
    fclose(to); *result = true; return 0;";

/// The plugin's report: every line that begins with this word, without the word.
fn seen(word: &str) -> Vec<String> {
    let seen = fs::read_to_string("/tmp/seen").expect("the plugin's report");
    seen.lines().filter_map(|line| line.strip_prefix(word)).map(|line| line.trim().to_owned()).collect()
}

fn telling(host: &Host) {
    set_plugin(host, TELLING);
}

#[test]
fn it_has_no_capability_and_is_the_caller_in_every_id() {
    for install in ALL {
        let host = host_with(install);
        telling(&host);
        let (outcome, maps) = attempt(&host, &host.user("alice"), ASKED);
        assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(seen(set), ["0000000000000000"; 2], "{install:?}: {set}");
        }
        for ids in ["Uid:", "Gid:"] {
            assert_eq!(seen(ids), ["1000\t1000\t1000\t1000"; 2], "{install:?}: {ids}");
        }
    }
}

#[test]
fn it_has_nothing_open_but_dev_null_and_its_pipe() {
    let host = host_with(crate::nss::ALL[0]);
    telling(&host);
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let secret = || OwnedFd::from(File::open("/etc/passwd").expect("/etc/passwd"));
    let mut command = alice.maps(&target, ASKED);
    start_with(&mut command, [5, 77, 900].map(|number| Step::Pass(secret(), number)).into());
    host.output(&mut command).ok();
    let open = seen("fd ");
    let own = ["/tmp/seen", "/proc/", "pipe:"];
    let others: Vec<&String> = open.iter().filter(|line| !own.iter().any(|own| line.contains(own))).collect();
    assert_eq!(
        others,
        ["0 /dev/null", "1 /dev/null", "2 /dev/null"].repeat(2).iter().collect::<Vec<_>>(),
        "{open:?}"
    );
    assert_eq!(open.iter().filter(|line| line.contains("pipe:")).count(), 2, "{open:?}");
}

#[test]
fn it_sees_nothing_of_the_callers_environment_and_directory() {
    let host = host_with(crate::nss::ALL[0]);
    telling(&host);
    let alice = host.user("alice");
    for program in subroot_tests::VARIANTS.into_iter().take(1).chain(["newidmap-helper"]) {
        let target = Target::new(&alice);
        let mut command = alice.command(format!("/usr/libexec/subroot/{program}"));
        command
            .arg(target.pid().to_string())
            .args(ASKED.split(' '))
            .env("SECRET", "1")
            .env("LD_BIND_NOW", "1");
        host.output(&mut command).ok();
    }
    assert_eq!(seen("environment "), [""; 0]);
    assert_eq!(seen("directory "), ["/"; 4]);
}

/// If the caller could trace the process, the caller could take over its pipe and so choose its answer.
#[test]
fn its_caller_can_neither_trace_it_nor_reach_its_pipe() {
    let host = host_with(crate::nss::ALL[0]);
    set_plugin(&host, "while (access(\"/tmp/looked\", F_OK)) usleep(1000); *result = false; return 0;");
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mapper = subroot_tests::Started::new(&mut alice.maps(&target, ASKED));
    let children = format!("/proc/{0}/task/{0}/children", mapper.pid());
    let look = format!(
        "until read child <{children}; [ \"$child\" ] && [ $(stat -c %U /proc/$child/fd) = root ] 2>/dev/null; do sleep 0.01; done
        ls /proc/$child/fd/ && exit 1; strace -p $child -o /dev/null && exit 1; touch /tmp/looked"
    );
    let looked = host.output(&mut alice.shell(&look));
    let outcome = mapper.end_within(std::time::Duration::from_secs(60));
    assert_eq!(
        (looked.code(), outcome.code(), target.maps()),
        (0, 1, Maps::untouched()),
        "{looked:?} {outcome:?}"
    );
}
