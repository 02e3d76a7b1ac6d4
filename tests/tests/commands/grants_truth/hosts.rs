//! The hosts, as data: the content of their files, the IDs that uid 1000 has on them, and the expected cause.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Command;
use subroot_tests::{Host, Install, MAPPER, is_nested};

/// How the cause can be removed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fix {
    /// No fix is needed.
    Needless,
    /// The printed command removes it.
    Command,
    /// The administrator must decide what to do.
    Action,
}

/// A host.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(&Host),
    /// The account of uid 1000.
    pub(crate) user: Option<&'static str>,
    /// The numbers of user IDs and group IDs that the mapper grants to the account.
    pub(crate) granted: [u32; 2],
    /// The numbers of user IDs and group IDs that a launch maps.
    pub(crate) mapped: [u32; 2],
    /// Whether the mapper writes a map of one granted ID of each kind.
    pub(crate) writes: [bool; 2],
    /// The reported cause.
    pub(crate) why: &'static str,
    pub(crate) fix: Fix,
    /// Whether the fix leaves the user the range from 300000 on, so that their files keep their owners.
    pub(crate) keeps_range: bool,
}

const BOB: &str = "bob:165536:65536\n";
const FILES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];

const fn case(name: &'static str, why: &'static str, prepare: fn(&Host)) -> Case {
    Case {
        name,
        prepare,
        user: Some("alice"),
        granted: [0; 2],
        mapped: [1; 2],
        writes: [false; 2],
        why,
        fix: Fix::Command,
        keeps_range: false,
    }
}

impl Case {
    /// A host without problems.
    const fn ok(name: &'static str, prepare: fn(&Host)) -> Case {
        case(name, "", prepare).granting([65536; 2]).by(Fix::Needless)
    }

    const fn granting(self, granted: [u32; 2]) -> Case {
        Case {
            granted,
            mapped: [granted[0] + 1, granted[1] + 1],
            writes: [granted[0] > 0, granted[1] > 0],
            ..self
        }
    }

    const fn mapping(self, mapped: [u32; 2]) -> Case {
        Case { mapped, ..self }
    }

    const fn writing(self, writes: [bool; 2]) -> Case {
        Case { writes, ..self }
    }

    const fn of(self, user: Option<&'static str>) -> Case {
        Case { user, ..self }
    }

    const fn keeping_range(self) -> Case {
        Case { keeps_range: true, ..self }
    }

    const fn by(self, fix: Fix) -> Case {
        Case { fix, ..self }
    }
}

/// Writes this text to both grant files.
fn lines(host: &Host, text: impl AsRef<[u8]>) {
    FILES.into_iter().for_each(|file| host.write(file, text.as_ref()));
}

/// Writes bob's line and these to both files.
fn beside_bob(host: &Host, text: &str) {
    lines(host, format!("{BOB}{text}"));
}

fn mode(path: &str, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changing a mode");
}

fn dir(path: &str) {
    fs::create_dir_all(path).expect("making a directory");
}

/// Moves the file to /etc/site and leaves a symlink to it.
fn link(host: &Host, file: &str, target: &str) {
    dir("/etc/site");
    let moved = format!("/etc/site/{}", file.trim_start_matches("/etc/"));
    fs::copy(file, moved).expect("copying a grant file");
    host.remove(file);
    symlink(target, file).expect("making a link");
}

fn dangling(host: &Host, target: &str) {
    for file in FILES {
        host.remove(file);
        symlink(target.replace("NAME", file.trim_start_matches("/etc/")), file).expect("making a link");
    }
}

/// Gives uid 1000 another name.
fn rename(host: &Host, name: &str) {
    let accounts = fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
    host.write("/etc/passwd", accounts.replace("\nalice:", &format!("\n{name}:")));
    lines(host, BOB);
}

fn without_usermod(host: &Host) {
    ["/usr/sbin/usermod", "/sbin/usermod"].into_iter().for_each(|path| host.hide(path));
}

fn without_shadow(host: &Host) {
    ["/usr/bin/newuidmap", "/usr/bin/newgidmap"].into_iter().for_each(|path| host.hide(path));
}

fn setcap(words: &[&str]) {
    let setcap = Command::new("setcap").args(words).arg(MAPPER).output().expect("setcap, of libcap2-bin");
    assert!(setcap.status.success(), "{setcap:?}");
}

/// Whether the grant files exist and can be read.
pub(crate) fn files() -> Vec<Case> {
    vec![
        case("no line", "/etc/subuid has no line for alice", |host| lines(host, BOB)),
        case("empty files", "/etc/subuid has no line for alice", |host| lines(host, "")),
        case("no files", "/etc/subuid is not there", |host| {
            FILES.into_iter().for_each(|file| host.remove(file))
        }),
        case("no subuid", "/etc/subuid is not there", |host| host.remove("/etc/subuid"))
            .granting([0, 65536])
            .mapping([1; 2]),
        case("no subgid", "/etc/subgid is not there", |host| host.remove("/etc/subgid")).granting([65536, 0]),
        case("no line in subuid", "/etc/subuid has no line for alice", |host| host.write("/etc/subuid", BOB))
            .granting([0, 65536])
            .mapping([1; 2]),
        case("no line in subgid", "/etc/subgid has no line for alice", |host| host.write("/etc/subgid", BOB))
            .granting([65536, 0]),
        case("no final newline", "/etc/subuid has no line for alice", |host| lines(host, BOB.trim_end())),
        case("no final newline and no usermod", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB.trim_end());
            without_usermod(host);
        }),
        case("a final newline in one file, and no usermod", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB);
            host.write("/etc/subgid", BOB.trim_end());
            without_usermod(host);
        }),
        case("no files and no usermod", "/etc/subuid is not there", |host| {
            FILES.into_iter().for_each(|file| host.remove(file));
            without_usermod(host);
        }),
        case("no usermod", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB);
            without_usermod(host);
        }),
        case("usermod that finds a lock", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB);
            host.write("/etc/passwd.lock", "1");
        }),
        case("usermod that does not take passwd", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB);
            link(host, "/etc/passwd", "site/passwd");
        }),
        case("a relative link", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB);
            link(host, "/etc/subuid", "site/subuid");
        }),
        case("an absolute link", "/etc/subuid has no line for alice", |host| {
            lines(host, BOB.trim_end());
            FILES.into_iter().for_each(|file| link(host, file, &file.replace("/etc/", "/etc/site/")));
        }),
        Case::ok("links to good lines", |host| {
            FILES.into_iter().for_each(|file| link(host, file, &file.replace("/etc/", "/etc/site/")));
        }),
        case("a dangling link", "/etc/subuid is a link to site/subuid, which is not there", |host| {
            dir("/etc/site");
            dangling(host, "site/NAME");
        }),
        case(
            "a dangling link without its directory",
            "/etc/subuid is a link to /etc/far/away/subuid, which is not there",
            |host| {
                dangling(host, "/etc/far/away/NAME");
            },
        ),
        case("mode 640", "/etc/subuid cannot be read by you (mode 640)", |_| {
            FILES.into_iter().for_each(|file| mode(file, 0o640))
        }),
        case("mode 600", "/etc/subgid cannot be read by you (mode 600)", |_| mode("/etc/subgid", 0o600))
            .granting([65536, 0])
            .mapping([1; 2]),
        case(
            "a closed directory",
            "/etc/subuid cannot be read by you: the directory /etc/site has mode 700",
            |host| {
                FILES.into_iter().for_each(|file| link(host, file, &file.replace("/etc/", "/etc/site/")));
                mode("/etc/site", 0o700);
            },
        ),
        case("a link to mode 640", "/etc/site/subuid cannot be read by you (mode 640)", |host| {
            link(host, "/etc/subuid", "site/subuid");
            mode("/etc/site/subuid", 0o640);
        })
        .granting([0, 65536])
        .mapping([1; 2]),
        case("group-writable", "/etc/subuid is writable by group or others", |_| mode("/etc/subuid", 0o664))
            .granting([0, 65536])
            .mapping([1; 2]),
        case("another owner", "/etc/subgid is not owned by root", |_| {
            chown("/etc/subgid", Some(1001), None).expect("giving it away")
        })
        .granting([65536, 0])
        .mapping([1; 2]),
        case("a link to a group-writable file", "/etc/site/subuid is writable by group or others", |host| {
            link(host, "/etc/subuid", "site/subuid");
            mode("/etc/site/subuid", 0o664);
        })
        .granting([0, 65536])
        .mapping([1; 2]),
        case("a group-writable directory", "/etc/site is writable by group or others", |host| {
            link(host, "/etc/subuid", "site/subuid");
            mode("/etc/site", 0o775);
        })
        .granting([0, 65536])
        .mapping([1; 2]),
        case("a directory of another user", "/etc/site is not owned by root", |host| {
            link(host, "/etc/subuid", "site/subuid");
            chown("/etc/site", Some(1001), None).expect("giving it away");
        })
        .granting([0, 65536])
        .mapping([1; 2]),
        case("a link of another user", "/etc/subuid is not owned by root", |host| {
            link(host, "/etc/subuid", "site/subuid");
            std::os::unix::fs::lchown("/etc/subuid", Some(1001), None).expect("giving it away");
        })
        .granting([0, 65536])
        .mapping([1; 2]),
    ]
}

/// The account's name.
pub(crate) fn names() -> Vec<Case> {
    const NO_LINE: &str = "/etc/subuid has no line for ";
    vec![
        case("a backslash", NO_LINE, |host| rename(host, "DOMAIN\\user")).of(Some("DOMAIN\\user")),
        case("a dot", NO_LINE, |host| rename(host, "a.lice")).of(Some("a.lice")),
        case("a dollar", NO_LINE, |host| rename(host, "host$")).of(Some("host$")),
        case("a dash", NO_LINE, |host| rename(host, "a-lice")).of(Some("a-lice")),
        case("a dash first", NO_LINE, |host| rename(host, "-alice")).of(None),
        case("a blank", NO_LINE, |host| rename(host, "al ice")).of(Some("al ice")),
        case("a quote", NO_LINE, |host| rename(host, "o'brien")).of(Some("o'brien")),
        case("a substitution", NO_LINE, |host| rename(host, "$(id)`id`")).of(Some("$(id)`id`")),
        case("digits", NO_LINE, |host| rename(host, "4242")).of(Some("4242")),
        case("upper case", NO_LINE, |host| rename(host, "ALICE")).of(Some("ALICE")),
        case("not ASCII", NO_LINE, |host| rename(host, "zoë")).of(Some("zoë")),
        Case::ok("a backslash in a line", |host| {
            rename(host, "DOMAIN\\user");
            beside_bob(host, "DOMAIN\\user:300000:65536\n");
        })
        .of(Some("DOMAIN\\user")),
        case("a line for digits", "a line for 4242 is for that uid", |host| {
            rename(host, "4242");
            beside_bob(host, "4242:300000:65536\n");
        })
        .of(Some("4242")),
        case("a line for a name with a blank", "the line has a blank", |host| {
            rename(host, "al ice");
            beside_bob(host, "al ice:300000:65536\n");
        })
        .of(Some("al ice"))
        .keeping_range(),
        case("no account", "/etc/subuid has no line for 1000", |host| {
            host.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n");
            lines(host, BOB);
        })
        .of(None),
        Case::ok("no account and a line by uid", |host| {
            host.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n");
            beside_bob(host, "1000:300000:65536\n");
        })
        .of(None),
        Case::ok("a line by uid", |host| beside_bob(host, "1000:300000:65536\n")),
        Case::ok("two accounts with one uid", |host| {
            let accounts = fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
            host.write("/etc/passwd", accounts + "alias:x:1000:1000::/home/alice:/bin/sh\n");
            beside_bob(host, "alias:300000:65536\n");
        }),
        case("two accounts with one uid and no line", "/etc/subuid has no line for alice", |host| {
            let accounts = fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
            host.write("/etc/passwd", accounts + "alias:x:1000:1000::/home/alice:/bin/sh\n");
            lines(host, BOB);
        }),
        case(
            "a line in another case",
            "line 2 is for Alice, and upper and lower case are not the same",
            |host| beside_bob(host, "Alice:300000:65536\n"),
        )
        .keeping_range(),
        case(
            "a line with a domain",
            "line 2 is for CORP\\alice, and a domain is a part of the name",
            |host| beside_bob(host, "CORP\\alice:300000:65536\n"),
        )
        .keeping_range(),
        case("a line without the domain", "line 2 is for user, and a domain is a part of the name", |host| {
            rename(host, "DOMAIN\\user");
            beside_bob(host, "user:300000:65536\n");
        })
        .of(Some("DOMAIN\\user"))
        .keeping_range(),
        case(
            "a line with a mail domain",
            "line 2 is for alice@corp, and a domain is a part of the name",
            |host| beside_bob(host, "alice@corp:300000:65536\n"),
        )
        .keeping_range(),
        case("a line with a suffix", "line 2 is for alice2, which only begins in the same way", |host| {
            beside_bob(host, "alice2:300000:65536\n")
        }),
        case("a renamed account", "line 2 is for alice, which is the name of the primary group", |host| {
            rename(host, "petra");
            host.write("/etc/group", "alice:x:1000:\n");
            beside_bob(host, "alice:300000:65536\n");
        })
        .of(Some("petra"))
        .keeping_range(),
        case("another account in another case", NO_LINE, |host| {
            let accounts = fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
            host.write("/etc/passwd", accounts + "Alice:x:4000:4000::/:/bin/sh\n");
            beside_bob(host, "Alice:300000:65536\n");
        }),
        case("a directory that may know the other case", NO_LINE, |host| {
            host.write("/etc/nsswitch.conf", "passwd: files sss\n");
            beside_bob(host, "Alice:300000:65536\n");
        }),
    ]
}

/// The content of the lines.
pub(crate) fn contents() -> Vec<Case> {
    vec![
        case("CR line ends", "a control character at its end (a carriage return)", |host| {
            lines(host, "bob:165536:65536\r\nalice:300000:65536\r\n")
        })
        .keeping_range(),
        case("a byte order mark", "a byte order mark (U+FEFF) is before the owner", |host| {
            lines(host, format!("\u{feff}alice:300000:65536\n{BOB}"))
        })
        .keeping_range(),
        case("UTF-16", "a control character in column 4 (NUL, as in UTF-16)", |host| {
            let text = "\u{feff}alice:300000:65536\n".encode_utf16().flat_map(u16::to_le_bytes);
            lines(host, text.collect::<Vec<u8>>());
        })
        .keeping_range(),
        case("a trailing blank", "the line has a blank at its end", |host| {
            beside_bob(host, "alice:300000:65536 \n")
        })
        .keeping_range(),
        case("a leading blank", "the line has a blank at its beginning", |host| {
            beside_bob(host, "  alice:300000:65536\n")
        })
        .keeping_range(),
        Case::ok("comments", |host| beside_bob(host, "\n# alice\n  # indented\nalice:300000:65536\n# end")),
        case("a fourth field", "not exactly three fields", |host| beside_bob(host, "alice:300000:65536:\n"))
            .keeping_range(),
        case("a range that holds 0", "the range holds ID 0", |host| beside_bob(host, "alice:0:65536\n")),
        case("a number that is too large", "grants nothing: ", |host| {
            beside_bob(host, "alice:4294967290:65536\n")
        }),
        case("a number of 11 digits", "grants nothing: ", |host| {
            beside_bob(host, "alice:30000000000:65536\n")
        }),
        case("a range over an account", "the range holds the ID of bob (1001)", |host| {
            beside_bob(host, "alice:1001:65536\n")
        }),
        case("a bad line beside a good one", "not exactly three fields", |host| {
            beside_bob(host, "alice:300000\nalice:400000:65536\n")
        })
        .granting([65536; 2]),
        case("a void line without a final newline", "the range holds ID 0", |host| {
            beside_bob(host, "alice:0:65536")
        }),
        case("blanks around a number", "the line has a blank in column 7", |host| {
            beside_bob(host, "alice: 300000 : 65536\n")
        })
        .keeping_range(),
        case("a comment behind a line", "the line has a blank in column 19", |host| {
            beside_bob(host, "alice:300000:65536 # for alice\n")
        })
        .keeping_range(),
        case("a bad line by uid", "the line has a control character at its end", |host| {
            beside_bob(host, "1000:300000:65536\r\n")
        })
        .keeping_range(),
        case("a bad line over another user's range", "the line has a blank at its end", |host| {
            beside_bob(host, "alice:200000:65536 \n")
        }),
        case("not UTF-8", "the line is not UTF-8 in column 19", |host| {
            lines(host, [BOB.as_bytes(), b"alice:300000:65536\xa0\n"].concat())
        }),
        case("no room within the limits", "/etc/subuid has no line for alice", |host| {
            host.write("/etc/login.defs", "SUB_UID_MIN 100000\nSUB_UID_MAX 299999");
            lines(host, "bob:100000:200000\n");
        }),
        case("overlapping lines", "grants IDs that line 1 grants to bob", |host| {
            beside_bob(host, "alice:200000:65536\n")
        })
        .granting([65536; 2]),
        Case::ok("duplicate lines", |host| beside_bob(host, "alice:300000:65536\nalice:300000:65536\n")),
        Case::ok("a line for the caller's own ID", |host| {
            beside_bob(host, "alice:1000:1\nalice:300000:65536\n")
        })
        .mapping([65537; 2]),
        Case::ok("2001 IDs", |host| beside_bob(host, "alice:300000:2001\n")).granting([2001; 2]),
        Case::ok("2001 IDs in two ranges", |host| beside_bob(host, "alice:300000:1999\nalice:400000:2\n"))
            .granting([2001; 2]),
        case("2 IDs", "2 user IDs granted, and a Debian root needs 2001", |host| {
            beside_bob(host, "alice:300000:2\n")
        })
        .granting([2; 2]),
        case("5 IDs", "a Debian root needs 2001", |host| beside_bob(host, "alice:300000:5\n"))
            .granting([5; 2]),
        case("lines past 4096", "4096 lines of this user come before it", |host| {
            let many: String = (0..4100).map(|at| format!("alice:{}:20\n", 300_000 + 20 * at)).collect();
            beside_bob(host, &many);
        })
        .granting([81920; 2]),
    ]
}

/// Everything else that decides: mapper.conf, nsswitch.conf, and the mapper.
pub(crate) fn settings() -> Vec<Case> {
    let whole = [65536; 2];
    let mut cases = vec![
        case("a typo in mapper.conf", "/etc/subroot/mapper.conf, line 1: unknown key", |host| {
            host.configure_mapper("setgruops = deny\n")
        })
        .by(Fix::Action),
        case(
            "mapper.conf of mode 600",
            "/etc/subroot/mapper.conf cannot be read by you (mode 600)",
            |host| {
                host.configure_mapper("log = none\n");
                mode("/etc/subroot/mapper.conf", 0o600);
            },
        ),
        case(
            "a closed directory of mapper.conf",
            "/etc/subroot/mapper.conf cannot be read by you: the directory /etc/subroot has mode 700",
            |host| {
                host.configure_mapper("log = none\n");
                mode("/etc/subroot", 0o700);
            },
        ),
        case(
            "a group-writable mapper.conf",
            "/etc/subroot/mapper.conf is writable by group or others",
            |host| {
                host.configure_mapper("log = none\n");
                mode("/etc/subroot/mapper.conf", 0o664);
            },
        ),
        case(
            "a group-writable directory of mapper.conf",
            "/etc/subroot is writable by group or others",
            |host| {
                host.configure_mapper("log = none\n");
                mode("/etc/subroot", 0o775);
            },
        ),
        case("a plugin whose library is missing", "libsubid_nowhere.so", |host| {
            host.write("/etc/nsswitch.conf", "passwd: files\nsubid: nowhere\n")
        }),
        Case::ok("computed grants", |host| {
            lines(host, "");
            host.configure_mapper("computed-grants = 1000-1999:300000:65536\n");
        }),
        case("no mapper", "no mapper is installed", |host| {
            without_shadow(host);
            host.remove(MAPPER);
        })
        .granting(whole)
        .mapping([1; 2])
        .writing([false; 2])
        .by(Fix::Action),
        case("a mapper without privilege", "neither setuid root nor has file capabilities", |host| {
            without_shadow(host);
            host.install_mapper(Install::None);
        })
        .granting(whole)
        .mapping([1; 2])
        .writing([false; 2]),
        case("a mapper that is setuid but not root's", "setuid, but is not root's", |host| {
            without_shadow(host);
            chown(MAPPER, Some(1), Some(1)).expect("giving it away");
            mode(MAPPER, 0o4755);
        })
        .granting(whole)
        .mapping([1; 2])
        .writing([false; 2]),
        case("a mapper with one capability", "its file capabilities lack CAP_SETGID", |host| {
            without_shadow(host);
            host.install_mapper(Install::None);
            setcap(&["cap_setuid=p"]);
        })
        .granting(whole)
        .mapping([1; 2])
        .writing([true, false]),
        case("a mapper with one capability and the bit", "its file capabilities lack CAP_SETUID", |host| {
            without_shadow(host);
            setcap(&["cap_setgid=p"]);
        })
        .granting(whole)
        .mapping([1; 2])
        .writing([false, true]),
        case(
            "a mapper with capabilities of a container",
            "its file capabilities are for another user namespace",
            |host| {
                without_shadow(host);
                host.install_mapper(Install::None);
                setcap(&["-n", "100000", "cap_setuid,cap_setgid=p"]);
            },
        )
        .granting(whole)
        .mapping([1; 2])
        .writing([false; 2]),
    ];
    if is_nested() {
        // The root of a user namespace can only give a file the capabilities of its own namespace.
        cases.retain(|case| !case.name.ends_with("of a container"));
    }
    cases
}
