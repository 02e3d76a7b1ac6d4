//! What docker and podman have and subroot has not is answered with what to do instead, which works.

use crate::running::unique_name;
use std::fs;
use subroot_tests::running::{PATIENCE, Running, soon};
use subroot_tests::sandbox::{Sandbox, script};

const TABLE: &str = include_str!("../../../launcher/src/cli/mistakes/counsel.txt");

/// The lines of the table: a command or option, its words, and the answer with the command that follows it.
fn rows() -> Vec<(String, Vec<String>, String)> {
    let is_row = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let row = |line: &str| {
        let (subject, answer) = line.split_once(": ").expect("a colon");
        let mut words = subject.split(' ').map(str::to_owned);
        (words.next().expect("a command"), words.collect(), answer.to_owned())
    };
    TABLE.lines().filter(is_row).map(row).collect()
}

#[test]
fn each_word_of_dockers_is_answered() {
    let sandbox = Sandbox::new();
    let mut count = 0;
    for (owner, words, answer) in rows() {
        let (why, fix) =
            answer.split_once(" => ").map_or((answer.as_str(), None), |(why, fix)| (why, Some(fix)));
        let fix = fix.map_or(String::new(), |fix| format!("subroot: fix: {fix}\n"));
        for word in words.iter().filter(|word| *word != "*") {
            let (typed, name) = match owner.as_str() {
                "subroot" => (vec![word.as_str(), "x"], format!("subroot has no command {word}")),
                owner => (vec![owner, word, "x"], format!("subroot {owner} has no option {word}")),
            };
            let outcome = sandbox.says(&typed);
            let expected = format!("subroot: reading the command line: {name}: {why}\n{fix}");
            assert_eq!((outcome.code(), outcome.stderr), (125, expected), "{typed:?}");
            count += 1;
        }
    }
    assert!(count > 150, "{count} words");
}

/// Options of docker run that the guide lists, and that are not answered from the table.
const OTHERS: [&str; 1] = ["--detach-keys"];

#[test]
fn each_option_that_the_guide_calls_different_or_missing_is_answered() {
    let page = include_str!("../../../docs/guide/from-docker-run.md");
    let (_, after) = page.split_once("## Done another way").expect("a section");
    let (section, _) = after.split_once("## podman run").expect("another section");
    let first =
        section.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split(" | ").next());
    let spans: Vec<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let options = spans.iter().map(|span| span.split('=').next().expect("a name"));
    let answered: Vec<Vec<String>> =
        rows().into_iter().filter(|row| row.0 == "run").map(|row| row.1).collect();
    let is_answered = |option: &&str| answered.iter().any(|words| words.iter().any(|word| word == option));
    let (mut unanswered, mut count) = (Vec::new(), 0);
    for option in options.filter(|option| option.starts_with('-') && !option.contains(' ')) {
        count += 1;
        if !is_answered(&option) && !OTHERS.contains(&option) {
            unanswered.push(option);
        }
    }
    assert!(unanswered.is_empty() && count > 60, "{count} options: {unanswered:?}");
}

#[test]
fn networks_are_answered() {
    let sandbox = Sandbox::new();
    let answer = |owner| rows().into_iter().find(|row| row.0 == owner).expect("a row").2;
    for network in ["container:web", "my-net"] {
        let outcome = sandbox.says(&["run", "--network", network, "/"]);
        let why = format!(
            "{network} is not one of host, none, private, pasta, slirp4netns; {}",
            answer("--network")
        );
        let expected = format!("subroot: reading --network: {why}\n");
        assert_eq!((outcome.code(), outcome.stderr), (125, expected));
    }
}

#[test]
fn files_are_packed_copied_and_listed_as_the_answers_say() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.alice.home.join("kept")).expect("a directory");
    let root = sandbox.rootfs.path.display();
    let say = format!(
        "set -e; ln -s {root} ROOTFS; mkdir NEW DIR; echo a >FILE
        subroot unshare -- cp FILE ROOTFS/srv-file
        subroot unshare -- tar -c --numeric-owner -C ROOTFS --exclude=./dev . >rootfs.tar
        subroot unshare -- tar -x -p --numeric-owner -C NEW -f rootfs.tar; cat NEW/srv-file
        subroot unshare -- cp -a NEW COPY; cat COPY/srv-file
        subroot unshare -- rm -rf COPY; test ! -e COPY
        subroot run --overlay=DIR NEW -- touch /changed; subroot unshare -- find DIR -name changed | wc -l"
    );
    let mut command = sandbox.alice.shell(&say);
    let outcome = sandbox.host.output(command.current_dir(&sandbox.alice.home));
    assert_eq!(outcome.ok(), "a\na\n1\n");
}

#[test]
fn options_do_what_the_answers_say() {
    let sandbox = Sandbox::new();
    sandbox.dir("files", &[("hosts", "127.0.0.1 db\n")]);
    let files = sandbox.alice.home.join("files/hosts");
    for (options, seen, expected) in [
        (&["-v", &format!("{}:/etc/hosts:ro", files.display())][..], "cat /etc/hosts", "127.0.0.1 db\n"),
        (&["--tmpfs", "/dev/shm:size=64m"], "df -m /dev/shm | tail -1 | awk '{print $2}'", "64\n"),
        (&["-h", "box.example.org"], "hostname", "box.example.org\n"),
        (
            &["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"],
            "mount -t tmpfs x /tmp && echo ok",
            "ok\n",
        ),
    ] {
        assert_eq!(sandbox.prints(options, seen), expected, "{options:?}");
    }
    let start = format!("subroot run {} --", sandbox.rootfs.path.display());
    for (line, expected) in [
        (format!("taskset -c 0 {start} grep Cpus_allowed_list /proc/self/status"), "Cpus_allowed_list:\t0\n"),
        (format!("nice -n 19 {start} sh -c 'cut -d\" \" -f19 /proc/self/stat'"), "19\n"),
        (format!("ionice -c 3 {start} echo ran"), "ran\n"),
        (format!("{start} true </dev/null >/dev/null"), ""),
        (
            format!(
                "subroot run --json-status 3 {} -- true 3>FILE; grep -c pid FILE",
                sandbox.rootfs.path.display()
            ),
            "1\n",
        ),
    ] {
        let mut command = sandbox.alice.shell(&line);
        assert_eq!(sandbox.host.output(command.current_dir(&sandbox.alice.home)).ok(), expected, "{line}");
    }
}

#[test]
fn a_running_command_is_stopped_and_listed_as_the_answers_say() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    let running =
        Running::new(&mut sandbox.shell(&["--name", &name], "echo ready; while :; do sleep 0.01; done"));
    assert!(sandbox.says(&["exec", &name, "--", "ps"]).ok().contains("sleep"));
    let state = || sandbox.says(&["exec", &name, "--", "sh", "-c", "cut -d' ' -f3 /proc/2/stat"]).ok();
    sandbox.says(&["kill", "-s", "TSTP", &name]).ok();
    assert!(soon(PATIENCE, || state() == "T\n"), "{}", state());
    sandbox.says(&["kill", "-s", "CONT", &name]).ok();
    assert!(soon(PATIENCE, || state() != "T\n"));
    sandbox.says(&["kill", "-s", "INT", &name]).ok();
    assert_eq!(running.end().code(), 130);
}

#[test]
fn systemd_run_is_called_with_options_that_it_has() {
    let sandbox = Sandbox::new();
    let mut seen = 0;
    // Without a user manager, systemd-run fails only after it has read its command line.
    let echo = script(&sandbox.alice, "subroot", "echo started");
    for (_, _, answer) in rows() {
        for line in answer.split("systemd-run ").skip(1).filter(|line| line.contains("subroot run …")) {
            let options = line.split(" subroot run").next().expect("options");
            let outcome =
                sandbox.host.output(&mut sandbox.alice.shell(&format!("systemd-run {options} {echo}")));
            let is_read = outcome.code() == 0 || outcome.stderr.contains("connect to bus");
            assert!(is_read, "{options}: {outcome:?}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}
