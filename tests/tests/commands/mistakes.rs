//! Command lines that are refused: each with one line that says what is wrong, and a command that helps.

use subroot_tests::Outcome;
use subroot_tests::sandbox::Sandbox;

/// A command line, what is wrong with it, and the fix.
type Case = (&'static str, &'static str, &'static str);

const COMMANDS: &[Case] = &[
    ("runn /", "subroot has no command runn; did you mean run?", "subroot --help"),
    ("foo", "subroot has no command foo", "subroot --help"),
    ("help foo", "subroot has no command foo", "subroot --help"),
    ("grants lnt", "subroot grants has no command lnt; did you mean lint?", "subroot grants --help"),
    ("grants ls", "subroot grants has no command ls", "subroot grants --help"),
    ("idmap expain", "subroot idmap has no command expain; did you mean explain?", "subroot idmap --help"),
    (
        "system info",
        "subroot has no command system: subroot doctor reports what works on this host",
        "subroot doctor",
    ),
];

const ARGUMENTS: &[Case] = &[
    ("kill", "subroot kill needs SANDBOXES", "subroot kill --help"),
    ("exec", "subroot exec needs SANDBOX", "subroot exec --help"),
    ("grants owner", "subroot grants owner needs ID|PATH", "subroot grants owner --help"),
    ("completions", "subroot completions needs SHELL: bash, zsh, fish", "subroot completions --help"),
    ("completions bash zsh", "subroot completions takes no argument zsh", "subroot completions --help"),
    ("ps web", "subroot ps takes no argument web", "subroot ps --help"),
    ("doctor / /", "subroot doctor takes no argument /", "subroot doctor --help"),
];

const OPTIONS: &[Case] = &[
    ("-x", "subroot has no option -x", "subroot --help"),
    ("--verbos ps", "subroot has no option --verbos; did you mean --verbose?", "subroot --help"),
    ("-v -q ps", "--verbose cannot be used with --quiet", "subroot --help"),
    ("ps -v", "-v comes before the command: subroot -v ps", "subroot ps --help"),
    ("run --verbose /", "--verbose comes before the command: subroot --verbose run", "subroot run --help"),
    (
        "run --netwrok none / true",
        "subroot run has no option --netwrok; did you mean --network?",
        "subroot run --help",
    ),
    (
        "run --vol /etc:/etc / true",
        "subroot run has no option --vol; did you mean --volume?",
        "subroot run --help",
    ),
    ("run / -z", "subroot run has no option -z", "subroot run --help"),
    ("exec -z web", "subroot exec has no option -z", "subroot exec --help"),
    ("exec web -z id", "subroot exec has no option -z", "subroot exec --help"),
    ("unshare -z sh", "subroot unshare has no option -z", "subroot unshare --help"),
    (
        "unshare --hlper /bin/true sh",
        "subroot unshare has no option --hlper; did you mean --helper?",
        "subroot unshare --help",
    ),
    ("idmap --jsn", "subroot idmap has no option --jsn; did you mean --json?", "subroot idmap --help"),
    ("run --name a --name b /", "--name is given twice", "subroot run --help"),
    ("run --uidmap 0:0:1 --userns auto /", "--uidmap cannot be used with --userns", "subroot run --help"),
    ("run --init --as-pid-1 /", "--init cannot be used with --as-pid-1", "subroot run --help"),
    ("ps --json --format json", "--json cannot be used with --format", "subroot ps --help"),
    (
        "ps -f name=web",
        "subroot ps has no option -f: choose from subroot ps --json, for example with jq",
        "subroot ps --json",
    ),
];

const VALUES: &[Case] = &[
    (
        "run --network",
        "--network needs a value: host, none, private, pasta, slirp4netns",
        "subroot run --help",
    ),
    ("run --volume", "--volume needs a value: SOURCE:TARGET[:OPTIONS]", "subroot run --help"),
    ("kill -s", "--signal needs a value: SIGNAL", "subroot kill --help"),
    ("run --groups all /", "--groups: all is not keep", "subroot run --help"),
    (
        "run --read-only-tmpfs=ture /",
        "--read-only-tmpfs: ture is not one of true, false; did you mean true?",
        "subroot run --help",
    ),
    ("ps --format jsn", "--format: jsn is not one of json, table; did you mean json?", "subroot ps --help"),
    ("run --as-pid-1=maybe /", "--as-pid-1 takes no value", "subroot run --help"),
    ("run --oom-score-adj x /", "--oom-score-adj: invalid number x", "subroot run --help"),
    (
        "run --oom-score-adj 9999999999 /",
        "--oom-score-adj: 9999999999 is not in -2147483648..=2147483647",
        "subroot run --help",
    ),
    ("run --json-status x /", "--json-status: invalid number x", "subroot run --help"),
    ("grants suggest alice --count x", "--count: invalid number x", "subroot grants suggest --help"),
];

/// Values that the parser accepts, and `run` does not: the whole line.
const REFUSED: &[(&str, &str)] = &[
    ("run --proc nwe /", "reading --proc: nwe is not one of auto, new, bind, none; did you mean new?"),
    ("run --dev= /", "reading --dev: an empty value is not one of new, bind, none"),
    ("run --pid hots /", "reading --pid: hots is not one of private, host; did you mean host?"),
    (
        "run --network nnoe /",
        "reading --network: nnoe is not one of host, none, private, pasta, slirp4netns; did you mean none?",
    ),
    ("run --print-plan=jsn /", "reading --print-plan: jsn is not one of text, json; did you mean json?"),
    (
        "run --userns sbuids /",
        "reading --userns: sbuids is not one of auto[:size=N], full, subids, host-id, keep-id[:uid=N,gid=N]; did you mean subids?",
    ),
    (
        "run --security-opt secomp=x /",
        "reading --security-opt: secomp=x is not one of no-new-privileges, seccomp=, seccomp-arch=native, landlock=, mask=; did you mean seccomp=?",
    ),
    (
        "run --security-opt label=type:x /",
        "reading --security-opt: label=type:x is not one of no-new-privileges, seccomp=, seccomp-arch=native, landlock=, mask=",
    ),
    (
        "run --security-opt apparmor=strict /",
        "reading --security-opt: apparmor=strict is not one of no-new-privileges, seccomp=, seccomp-arch=native, landlock=, mask=",
    ),
    (
        "run --mount type=tmp,target=/x /",
        "reading --mount: type=tmp is not one of bind, tmpfs, overlay, proc, devpts, mqueue; did you mean tmpfs?",
    ),
    ("run --mount type=tmpfs,target=/x,dst=/y /", "reading --mount: dst is given twice"),
    ("completions bsh", "reading SHELL: bsh is not one of bash, zsh, fish; did you mean bash?"),
];

fn said(sandbox: &Sandbox, line: &str) -> Outcome {
    sandbox.says(&line.split(' ').collect::<Vec<_>>())
}

#[track_caller]
fn assert_explained(cases: &[Case]) {
    let sandbox = Sandbox::new();
    for (line, why, fix) in cases {
        let outcome = said(&sandbox, line);
        let expected = format!("subroot: reading the command line: {why}\nsubroot: fix: {fix}\n");
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (125, expected.as_str()), "subroot {line}");
        assert_eq!(outcome.stdout, "", "subroot {line}");
        let fixed = sandbox.host.output(&mut sandbox.alice.shell(fix));
        // What doctor finds on this host does not matter.
        assert!(fixed.code() == 0 || fix.ends_with("doctor") && fixed.code() < 3, "{fix}: {fixed:?}");
        assert!(!fixed.stdout.is_empty() && fixed.stderr.is_empty(), "{fix}: {fixed:?}");
    }
}

#[test]
fn unknown_commands_are_named_with_the_nearest_one() {
    assert_explained(COMMANDS);
}

#[test]
fn missing_and_surplus_arguments_are_named() {
    assert_explained(ARGUMENTS);
}

#[test]
fn unknown_and_contradicting_options_are_named_with_the_help_of_their_command() {
    assert_explained(OPTIONS);
}

#[test]
fn invalid_values_are_named_with_the_valid_ones() {
    assert_explained(VALUES);
}

#[test]
fn values_that_only_a_launch_refuses_are_named_with_the_valid_ones() {
    let sandbox = Sandbox::new();
    for (line, why) in REFUSED {
        let outcome = said(&sandbox, line);
        assert_eq!((outcome.code(), outcome.stderr), (125, format!("subroot: {why}\n")), "subroot {line}");
    }
}

#[test]
fn the_program_alone_prints_its_help() {
    let outcome = said(&Sandbox::new(), "-v");
    let why = "subroot: reading the command line: subroot needs a command: run, exec, ps, ";
    assert!(outcome.code() == 125 && outcome.stderr.starts_with(why), "{outcome:?}");
    let outcome = Sandbox::new().says(&[]);
    assert!(outcome.code() == 125 && outcome.stderr.contains("Commands:\n"), "{outcome:?}");
}

#[test]
fn an_option_that_is_not_the_commands_is_never_run_as_one() {
    let sandbox = Sandbox::new();
    sandbox.add("bin/-z", "#!/bin/sh\necho ran\n", 0o755);
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    let outcome = sandbox.says(&["run", root, "-z"]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (125, ""), "{outcome:?}");
    assert_eq!(sandbox.prints(&[], "echo $1 $2"), "\n");
    assert_eq!(sandbox.says(&["run", root, "echo", "-z", "--name", "-p"]).ok(), "-z --name -p\n");
    assert_eq!(sandbox.host.output(&mut sandbox.run(&[], &["-z"])).ok(), "ran\n");
}
