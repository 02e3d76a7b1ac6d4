//! The sections that several pages have, and those of subroot(1).

pub(super) const STATUS_OF_COMMAND: &str = "\
# EXIT STATUS
The command's own status, or one of these:
- 125: subroot failed, before it started the command or independently of it. Standard error says what was attempted, on what,
  and why.
- 126: The command was found but could not be run: it is not executable, it is for another architecture, or its
  interpreter or loader is not in the root filesystem.
- 127: The command was not found.
- 128+N: Signal N ended the command.
";

pub(super) const STATUS_OF_ALL: &str = "\
# EXIT STATUS
subroot run, exec and unshare exit with the status of the command that they run, or with one of these:
- 125: subroot failed, before it started the command or independently of it. Standard error says what was attempted, on what,
  and why.
- 126: The command was found but could not be run: it is not executable, it is for another architecture, or its
  interpreter or loader is not in the root filesystem.
- 127: The command was not found.
- 128+N: Signal N ended the command.

The other commands exit with 0, and with 125 if they fail. subroot-doctor(1), subroot-grants-lint(1) and
subroot-idmap-explain(1) have further statuses.
";

pub(super) const STATUS: &str = "\
# EXIT STATUS
- 0: Success.
- 125: subroot failed. Standard error says what was attempted, on what, and why.
";

pub(super) const ENVIRONMENT: &str = "\
# ENVIRONMENT
- SUBROOT_HELPER: The path of a newidmap-helper(8). No other mapper is tried then, as with --helper.
- PATH: Where the host's newuidmap(1) and newgidmap(1) are searched for.
";

/// Continues the section of [`ENVIRONMENT`].
pub(super) const LOG_ENVIRONMENT: &str = "\
- SUBROOT_LOG: What is printed on standard error: `info` for the steps of a launch, as with `-v`; `debug` for more detail, as
  with `-vv`. It takes precedence over `-v`.
- XDG_RUNTIME_DIR, XDG_STATE_HOME, XDG_CACHE_HOME, HOME: They locate files of sandboxes; see subroot-run(1).
";

/// Continues the section of [`ENVIRONMENT`].
pub(super) const NO_COLOR: &str = "\
- NO_COLOR: If it is set and not empty, `subroot doctor` prints without colour.
";

pub(super) const FILES: &str = "\
# FILES
- /usr/libexec/subroot/newidmap-helper: The mapper, unless another one is named.
- /etc/subuid, /etc/subgid: The subordinate IDs that each user was granted; see subuid(5).
- /etc/subroot/mapper.conf: The administrator's settings; see subroot-mapper.conf(5).
- /etc/nsswitch.conf: Whether a plugin keeps the grants instead of the files.
";

pub(super) const EXAMPLES: &str = "\
# EXAMPLES
Start a root shell in a directory that contains a root filesystem, or run one command in it:

    subroot run ./rootfs
    subroot run ./rootfs -- apt-get update

Start a root shell in the host's own system, and discard all changes on exit:

    subroot run

Print each step of a launch; the options of subroot itself come before the command:

    subroot -v run ./rootfs

See what works on this host, what does not, and how to fix it:

    subroot doctor
";
