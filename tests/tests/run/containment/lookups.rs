//! Every path looked up inside leads into the root or nowhere, whatever symlinks the root has and whatever
//! descriptors are open (CVE-2024-21626).

use crate::containment::hostile_root::{HostileRoot, LINK, home_everywhere, targets};
use std::fs;
use std::process::Command;
use subroot_tests::running::{Running, unique_word};
use subroot_tests::{Outcome, Step, as_root_first, start_with};

/// Reads, lists and changes files in the working directory and its parents.
const LOOK_AROUND: &str = "for up in . .. ../.. ../../..; do ls -a $up; cat $up/secret && echo x >>$up/secret; \
    touch $up/touched; mkdir $up/made; done 2>/dev/null; pwd";

/// The number of openat2(2), which is the same on every architecture.
const OPENAT2: i64 = 437;

/// A way to make the launcher look up a path in the root.
struct Lookup {
    what: &'static str,
    /// The file of the root that is a symlink.
    link: &'static str,
    /// The path that the symlink has after its target.
    below: &'static str,
    options: &'static [&'static str],
    command: &'static [&'static str],
}

const SHELL: &[&str] = &["sh", "-c", LOOK_AROUND];

/// The lookups that `run` and `exec` have in common.
const OF_BOTH: &[Lookup] = &[
    Lookup { what: "the working directory", link: LINK, below: "", options: &["-w", LINK], command: SHELL },
    Lookup { what: "below a link", link: LINK, below: "", options: &["-w", "/link/data"], command: SHELL },
    Lookup { what: "above a link", link: LINK, below: "", options: &["-w", "/link/.."], command: SHELL },
    Lookup {
        what: "a link and its parent",
        link: LINK,
        below: "/..",
        options: &["-w", LINK],
        command: SHELL,
    },
    Lookup { what: "the command", link: LINK, below: "/../program", options: &[], command: &[LINK] },
    Lookup {
        what: "a command of PATH",
        link: "/bin/found",
        below: "/program",
        options: &[],
        command: &["found"],
    },
    Lookup {
        what: "the accounts",
        link: "/etc/passwd",
        below: "/../passwd",
        options: &["-u", "guest"],
        command: &["sh", "-c", "echo $HOME"],
    },
    Lookup {
        what: "the accounts of a number",
        link: "/etc/passwd",
        below: "/passwd",
        options: &["-u", "0"],
        command: &["sh", "-c", "echo $HOME"],
    },
];

/// The lookups only of `run`.
const OF_RUN: &[Lookup] = &[
    Lookup {
        what: "the groups",
        link: "/etc/group",
        below: "/../group",
        options: &["--group-add", "guest"],
        command: &["echo", "secret group"],
    },
    Lookup {
        what: "a volume",
        link: LINK,
        below: "",
        options: &["-v", "/home/alice/data:/link/data"],
        command: SHELL,
    },
    Lookup {
        what: "a new volume",
        link: LINK,
        below: "",
        options: &["-v", "/home/alice/data:/link/new"],
        command: SHELL,
    },
    Lookup {
        what: "a mount",
        link: LINK,
        below: "",
        options: &["--mount", "type=bind,source=/home/alice/data,target=/link/made"],
        command: SHELL,
    },
    Lookup { what: "a tmpfs", link: LINK, below: "/..", options: &["--tmpfs", "/link/made"], command: SHELL },
    Lookup {
        what: "a device",
        link: LINK,
        below: "",
        options: &["--device", "/dev/null:/link/made"],
        command: SHELL,
    },
    Lookup { what: "a link", link: LINK, below: "", options: &["--symlink=x:/link/made"], command: SHELL },
    Lookup { what: "a directory", link: LINK, below: "", options: &["--dir=/link/made"], command: SHELL },
    Lookup {
        what: "a link and its parent",
        link: LINK,
        below: "/..",
        options: &["--dir=/link/data"],
        command: SHELL,
    },
    Lookup { what: "a file", link: LINK, below: "", options: &["--file=0:/link/made/x"], command: SHELL },
    Lookup {
        what: "a mask",
        link: LINK,
        below: "",
        options: &["--security-opt", "mask=/link/data", "-w", "/"],
        command: SHELL,
    },
    Lookup {
        what: "landlock",
        link: LINK,
        below: "",
        options: &["--security-opt", "landlock=/link", "-w", "/"],
        command: SHELL,
    },
    Lookup {
        what: "the terminal",
        link: "/dev/ptmx",
        below: "/../secret",
        options: &["--dev", "none", "-t"],
        command: SHELL,
    },
    Lookup { what: "a writable tmpfs", link: "/run", below: "", options: &["--read-only"], command: SHELL },
];

/// Additional options: each opens other descriptors.
const AROUND: &[&[&str]] = &[
    &[],
    &["--as-pid-1"],
    &["-t"],
    &["-v", "/home/alice/data:/missing"],
    &["--tmpfs", "/missing", "--as-pid-1"],
    &["--overlay", "-v", "/home/alice/data:/missing"],
    &["--overlay=/home/alice/kept"],
    &[
        "--read-only",
        "--cap-drop",
        "all",
        "--security-opt",
        "no-new-privileges",
        "-v",
        "/home/alice/data:/missing",
    ],
];

impl HostileRoot {
    fn run(&self, around: &[&str], lookup: &Lookup) -> Command {
        self.sandbox.run(&[around, lookup.options].concat(), lookup.command)
    }

    /// Tries a lookup with every target. `output` runs it.
    fn try_all(&self, lookup: &Lookup, descriptors: std::ops::Range<u32>, output: impl Fn() -> Outcome) {
        let directory = self.sandbox.rootfs.path.join(lookup.link.trim_start_matches('/'));
        let _is_one = fs::remove_dir(&directory);
        for target in targets(descriptors) {
            self.link(lookup.link, &format!("{target}{}", lookup.below));
            self.assert_contained(&output(), &(lookup.what, &target));
        }
        fs::remove_file(directory).expect("removing the link");
    }
}

fn without_accounts_of_its_own(root: &HostileRoot) {
    for name in ["etc/passwd", "etc/group"] {
        fs::remove_file(root.sandbox.rootfs.path.join(name)).expect("removing accounts");
    }
}

fn assert_contained_with(around: &[&str], descriptors: std::ops::Range<u32>, is_everywhere: bool) {
    let root = HostileRoot::new();
    without_accounts_of_its_own(&root);
    for lookup in OF_BOTH.iter().chain(OF_RUN) {
        root.try_all(lookup, descriptors.clone(), || {
            let mut command = root.run(around, lookup);
            if is_everywhere {
                start_with(&mut command, home_everywhere(&root.sandbox));
            }
            root.sandbox.host.output(&mut command)
        });
    }
}

#[test]
fn a_launch_with_descriptors_of_its_own_looks_nothing_up_outside() {
    for around in AROUND {
        assert_contained_with(around, 4..10, false);
    }
}

#[test]
fn every_number_of_a_descriptor_leads_nowhere() {
    assert_contained_with(&["-v", "/home/alice/data:/missing"], 0..64, false);
}

#[test]
fn a_launch_with_inherited_directories_looks_nothing_up_outside() {
    for around in AROUND {
        assert_contained_with(around, 5..7, true);
    }
    assert_contained_with(&[], 62..64, true);
}

#[test]
fn without_openat2_the_lookups_are_as_strict() {
    for errno in [38, 1] {
        let root = HostileRoot::new();
        without_accounts_of_its_own(&root);
        without_grants(&root);
        assert!(output_without_openat2(&root, &mut root.sandbox.run(&[], &["true"]), errno).code() == 0);
        for lookup in OF_BOTH.iter().chain(OF_RUN) {
            root.try_all(lookup, 5..9, || {
                let mut command = root.run(&["-v", "/home/alice/data:/missing"], lookup);
                output_without_openat2(&root, &mut command, errno)
            });
        }
    }
}

/// The payload creates the symlinks while the sandbox runs.
#[test]
fn a_joining_command_looks_nothing_up_outside() {
    for (around, is_everywhere) in
        [(&[][..], false), (&["--as-pid-1"], true), (&["-v", "/home/alice/data:/missing"], true)]
    {
        let root = HostileRoot::new();
        without_accounts_of_its_own(&root);
        let name = format!("contained-{}", unique_word());
        let words = ["sh", "-c", "echo ready; exec sleep 1000"];
        let running = Running::new(&mut root.sandbox.run(&[&["--name", &name], around].concat(), &words));
        for tty in [&[][..], &["-t"]] {
            for lookup in OF_BOTH {
                root.try_all(lookup, 4..10, || {
                    let mut command = root.sandbox.alice.command("subroot");
                    command.arg("exec").args(tty).args(lookup.options).arg(&name).args(lookup.command);
                    if is_everywhere {
                        start_with(&mut command, home_everywhere(&root.sandbox));
                    }
                    root.sandbox.host.output(&mut command)
                });
            }
        }
        running.signal(9);
    }
}

/// The kernel itself resolves it, while descriptors that only the execve closes are still open.
#[test]
fn an_interpreter_is_found_inside_or_not_at_all() {
    for (around, numbers) in AROUND.iter().map(|around| (*around, 3..14)).chain([(AROUND[3], 14..64)]) {
        let root = HostileRoot::new();
        for number in numbers {
            for below in ["/program", "/../program"] {
                let script = format!("#!/proc/self/fd/{number}{below}\n");
                root.sandbox.add("script", script, 0o755);
                let outcome = root.sandbox.host.output(&mut root.sandbox.run(around, &["/script"]));
                assert!([126, 127].contains(&outcome.code()), "{number}{below}: {outcome:?}");
                root.assert_contained(&outcome, &(around, number, below));
            }
        }
    }
}

/// If a directory were open at descriptor 3 or above during the execve, the command's interpreter could find
/// it.
#[test]
fn an_interpreter_finds_no_inherited_directory() {
    for around in AROUND {
        let root = HostileRoot::new();
        for number in [3, 8, 40, 63] {
            root.sandbox.add("script", format!("#!/proc/self/fd/{number}/program\n"), 0o755);
            let mut command = root.sandbox.run(around, &["/script"]);
            let outcome = root.sandbox.host.output(start_with(&mut command, home_everywhere(&root.sandbox)));
            assert!([126, 127].contains(&outcome.code()), "{number}: {outcome:?}");
            root.assert_contained(&outcome, &(around, number));
        }
    }
}

/// The root's own files decide which of the host's files for name resolution are bound, not what a symlink
/// shows outside.
#[test]
fn files_of_names_are_looked_at_inside() {
    let root = HostileRoot::new();
    let etc = root.sandbox.rootfs.path.join("etc");
    fs::remove_dir_all(&etc).expect("removing etc");
    root.link("/etc", "/home/alice/data");
    let empty = root.sandbox.alice.home.join("data/hosts");
    fs::write(&empty, "").expect("an empty file of the host");
    let mounts = root.sandbox.output(&[], "cat /proc/self/mountinfo").ok();
    let of_hosts = mounts.lines().find(|line| line.contains("/data/hosts")).expect("a mount in the root");
    assert!(of_hosts.contains(" /file /home/alice/data/hosts "), "{mounts}");
    assert_eq!(fs::read_to_string(&empty).expect("the host's file"), "");
    fs::remove_dir_all(root.sandbox.rootfs.path.join("home/alice")).expect_err("nothing is made there");
}

/// They belong to the command, but no name in the root leads to them, also without openat2(2).
#[test]
fn the_standard_streams_are_no_files_of_the_root() {
    let root = HostileRoot::new();
    without_accounts_of_its_own(&root);
    without_grants(&root);
    for (lookup, stream) in [(&OF_BOTH[4], "program"), (&OF_BOTH[5], "program"), (&OF_BOTH[6], "passwd")] {
        // The command's own terminal echoes its input.
        for around in AROUND.iter().filter(|around| !around.contains(&"-t")) {
            root.link(lookup.link, "/proc/self/fd/0");
            for errno in [0, 38, 1] {
                let mut command = root.run(around, lookup);
                command
                    .stdin(fs::File::open(root.sandbox.alice.home.join(stream)).expect("a file of the host"));
                let outcome = output_without_openat2(&root, &mut command, errno);
                assert!(outcome.code() >= 125, "{}: {outcome:?}", lookup.what);
                root.assert_contained(&outcome, &(lookup.what, around));
            }
            fs::remove_file(root.sandbox.rootfs.path.join(&lookup.link[1..])).expect("removing the link");
        }
    }
}

/// Maps only the caller's own ID, which needs no mapper: the mapper needs openat2(2) for the descriptor that
/// it is given.
fn without_grants(root: &HostileRoot) {
    ["/etc/subuid", "/etc/subgid"].iter().for_each(|file| root.sandbox.host.write(file, ""));
}

/// The outcome of a command when openat2(2) fails with this errno; 0 if it does not fail.
fn output_without_openat2(root: &HostileRoot, command: &mut Command, errno: i32) -> Outcome {
    let filter = if errno == 0 { Vec::new() } else { vec![Step::FailCallOfAll(OPENAT2, errno)] };
    root.sandbox.host.output(as_root_first(command, &root.sandbox.alice, filter))
}
