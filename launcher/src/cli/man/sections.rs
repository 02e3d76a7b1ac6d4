//! What the man pages say beyond the help: exit statuses, environment, files, examples, and where to read on; in man(7).

/// The sections of each command that has some of its own.
pub(super) const FURTHER: [(&str, &[&str]); 12] = [
    (
        "subroot",
        &[STATUS_OF_COMMAND, STATUS_OF_OTHERS, ENVIRONMENT, NAMES_ENVIRONMENT, FILES, NAMES_FILES, EXAMPLES],
    ),
    (
        "subroot-run",
        &[
            STATUS_OF_COMMAND,
            ENVIRONMENT,
            NAMES_ENVIRONMENT,
            FILES,
            NAMES_FILES,
            LAYERS_FILES,
            RUN_NOTES,
            RUN_EXAMPLES,
        ],
    ),
    ("subroot-exec", &[STATUS_OF_COMMAND, EXEC_EXAMPLES]),
    ("subroot-ps", &[STATUS, PS_NOTES]),
    ("subroot-kill", &[STATUS, KILL_EXAMPLES]),
    ("subroot-unshare", &[STATUS_OF_COMMAND, ENVIRONMENT, FILES, UNSHARE_EXAMPLES]),
    ("subroot-idmap", &[STATUS, ENVIRONMENT, FILES]),
    ("subroot-idmap-explain", &[EXPLAIN_STATUS, FILES, EXPLAIN_EXAMPLES]),
    ("subroot-grants-lint", &[LINT_STATUS, FILES]),
    ("subroot-grants-owner", &[STATUS, FILES, OWNER_EXAMPLES]),
    ("subroot-grants-suggest", &[STATUS, FILES, SUGGEST_EXAMPLES]),
    ("subroot-doctor", &[DOCTOR_STATUS, ENVIRONMENT, FILES, DOCTOR_EXAMPLES]),
];

/// The further sections of a page: of its own, or the one that every command needs, and where to read on.
pub(super) fn of(name: &str) -> String {
    let own =
        FURTHER.iter().find(|(command, _)| *command == name).map_or([STATUS].as_slice(), |(_, own)| own);
    let above = if name == "subroot" { "" } else { ".BR subroot (1),\n" };
    [&own.concat(), ".SH \"SEE ALSO\"\n", above, READ_ON].concat()
}

const STATUS_OF_COMMAND: &str = r#".SH "EXIT STATUS"
The command's own status, or one of these:
.TP
.B 125
subroot failed, before the command was started or besides it; standard error says at what, on what, and why.
.TP
.B 126
The command was found but could not be run: it is not executable, of another architecture,
or its interpreter or loader is not in the root file system.
.TP
.B 127
The command was not found.
.TP
.BI 128+ N
Signal
.I N
ended the command.
"#;

const STATUS_OF_OTHERS: &str = r#".PP
Commands of subroot that start nothing end with 0, and with 125 when they fail;
.BR subroot\-doctor (1)
has more.
"#;

const STATUS: &str = r#".SH "EXIT STATUS"
.TP
.B 0
Done.
.TP
.B 125
subroot failed; standard error says at what, on what, and why.
"#;

const DOCTOR_STATUS: &str = r#".SH "EXIT STATUS"
.TP
.B 0
All is well.
.TP
.B 1
Launches work with less; the report says what is lost.
.TP
.B 2
No launch works.
.TP
.B 125
subroot failed.
"#;

const EXPLAIN_STATUS: &str = r#".SH "EXIT STATUS"
.TP
.B 0
The mapper would grant both maps.
.TP
.B 1
It would refuse.
.TP
.B 125
The question cannot be answered; standard error says why.
"#;

const LINT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
.B 0
Nothing is found.
.TP
.B 1
Something is.
.TP
.B 125
A file cannot be read; standard error says which, and why.
"#;

const ENVIRONMENT: &str = r#".SH ENVIRONMENT
.TP
.B SUBROOT_HELPER
The path of a
.BR newidmap\-helper (8),
which is then the only way to map IDs that is tried, as with
.BR \-\-helper .
.TP
.B SUBROOT_LOG
What is printed on standard error:
.B info
for the steps of a launch, as with
.BR \-v ,
.B debug
for more detail, as with
.BR \-vv .
It overrides
.BR \-v .
.TP
.B NO_COLOR
Where it is set and not empty,
.B subroot doctor
prints without colour.
.TP
.B PATH
Where
.BR newuidmap (1)
and
.BR newgidmap (1)
of the host are looked for.
"#;

/// Follows [`ENVIRONMENT`].
const NAMES_ENVIRONMENT: &str = r#".TP
.BR XDG_RUNTIME_DIR ", " XDG_STATE_HOME ", " HOME
The directories of the file in which
.B \-\-name
reserves names; see FILES.
"#;

/// Follows [`FILES`].
const NAMES_FILES: &str = r#".TP
.IR $XDG_RUNTIME_DIR/subroot/names ", " /run/user/UID/subroot/names ", " $XDG_STATE_HOME/subroot/names.HOST
An empty file. The name of each running sandbox is a lock in it, which the kernel releases when
.B subroot
ends. Each of these whose directory exists is used.
.B $XDG_STATE_HOME
is
.I ~/.local/state
if it is not set, and is created if it is missing. The directory, its subdirectory
.I subroot
and the file must belong to the user, and neither their group nor others may have write permission; otherwise that one is
not used. If none can be used,
.B \-\-name
is refused.
"#;

const FILES: &str = r#".SH FILES
.TP
.I /usr/libexec/subroot/newidmap\-helper
The mapper, unless
.B \-\-helper
or
.B SUBROOT_HELPER
names another one.
.TP
.IR /etc/subuid ", " /etc/subgid
The subordinate IDs that each user was granted; see
.BR subuid (5).
.TP
.I /etc/subroot/mapper.conf
The administrator's settings; see
.BR subroot\-mapper.conf (5).
.TP
.I /etc/nsswitch.conf
Whether a plugin keeps the grants in place of the files.
"#;

const EXAMPLES: &str = r#".SH EXAMPLES
A root shell in a directory that holds a root file system, and one command in it:
.PP
.EX
subroot run ./rootfs
subroot run ./rootfs \-\- apt\-get update
.EE
.PP
A root shell in the host's own system, every write to memory and gone with it:
.PP
.EX
subroot run
.EE
.PP
What works on this host, what does not, and how to fix it:
.PP
.EX
subroot doctor
.EE
"#;

const RUN_NOTES: &str = r#".SH NOTES
IDs come from the first of these that works:
.BR newidmap\-helper (8);
the host's
.BR newuidmap (1)
and
.BR newgidmap (1);
subroot itself, where it has the capabilities; the caller's own ID alone.
If newidmap\-helper refuses the maps, nothing was written and they were not asked for, only the caller's own ID is mapped. One line says why.
Maps of
.BR \-\-uidmap ,
.B \-\-gidmap
and
.B \-\-userns auto:size=N
are never lowered: the launch is refused instead.
.B \-\-userns full
maps what
.B auto
does, and is refused unless the IDs 0 to 65535 of both kinds are mapped.
.PP
With
.BR "\-\-userns auto" ,
which is the default, ID 0 is the caller's own, and the granted IDs follow from 1 on. If there are fewer than 65,535 IDs, the last one is mapped to
65534, which is nobody and nogroup, instead of the next number; so 2001 granted IDs are enough for apt. If only 1 ID is granted, that is 65534.
.PP
With
.BR "\-\-userns subids" ,
ID 0 is the first granted ID, and the others follow from 1 on, with the same rule for the last one. The caller's own ID is 65536, or the number of
granted IDs if that is more. This is for root filesystems that belong to granted IDs, as
.B mmdebstrap \-\-mode=unshare
makes them:
.B auto
chooses it, with one line on standard error, if ROOTFS and the directories usr and etc in it belong to the first granted user and group ID. Both kinds of
IDs have to be granted. In a directory of the caller's that is mounted by
.BR \-v ,
what root inside creates belongs to the first granted ID;
.B \-u 65536:65536
creates files of the caller's own.
.PP
Granted IDs are mapped in the order of the grant files, so that a line that is added at the end changes no earlier ID, except
the one that was mapped to 65534. IDs that do not exist in the
user namespace around subroot, as in many containers, are left out. The kernel takes 340 ranges and 4095 bytes of map: of a user with more
ranges, those that fit are mapped, and one line says so.
.PP
SIGKILL of subroot ends everything inside, and so does the end of the process that started it, unless
.B \-\-outlive\-parent
is given. Mount points that ROOTFS lacks are made for the run and gone with it.
.PP
.B \-\-read\-only
and
.B ro
hold against root inside, until
.B \-\-cap\-add SYS_ADMIN
lets it mount anew. A directory for
.B \-\-overlay=DIR
is one sandbox's at a time. It must be on a file system with locks and user.* extended attributes.
.PP
Before Linux 6.6, memory cannot hold the changes of an overlay: they are kept in a directory on disk until the end, see FILES.
Processes that outlive the command with
.B \-\-pid host
lose them then.
"#;

/// Follows [`FILES`].
const LAYERS_FILES: &str = r#".TP
.I $XDG_CACHE_HOME/subroot/overlay\-*
Before Linux 6.6, the changes that are discarded at the end, a directory for each running sandbox, named after the launcher's PID, a
number and the host. Only root and the user can reach them, and no sandbox shows them in a layer.
.B $XDG_CACHE_HOME
is
.I ~/.cache
if it is not set, and is created if it is missing. It must belong to the user and be on a file system that can hold the upper
layer of an overlay, such as ext4, XFS or btrfs; otherwise subroot fails before the command is started. If subroot and its helper
processes are all killed at once, the next start on the same host removes the directory.
"#;

const RUN_EXAMPLES: &str = r#".SH EXAMPLES
An installation whose changes are thrown away:
.PP
.EX
subroot run \-\-overlay ./rootfs \-\- apt\-get install \-y gcc
.EE
.PP
A build without network:
.PP
.EX
subroot run \-v .:/src \-w /src \-\-network none ./rootfs \-\- make
.EE
.PP
The caller's own uid inside, too:
.PP
.EX
subroot run \-\-userns keep\-id \-v ~:/home/me ./rootfs \-\- id
.EE
.PP
What would be done:
.PP
.EX
subroot run \-\-print\-plan ./rootfs
.EE
"#;

const EXEC_EXAMPLES: &str = r#".SH EXAMPLES
.EX
subroot run \-\-name web \-\-read\-only ./rootfs \-\- nginx \-g \(aqdaemon off;\(aq &
subroot exec \-t web \-\- sh
.EE
"#;

const PS_NOTES: &str = r#".SH NOTES
Nothing about a running sandbox is kept on disk: each is found by a file in memory that its own process holds open. Only
sandboxes of the user who asks are listed.
"#;

const KILL_EXAMPLES: &str = r#".SH EXAMPLES
The end of a sandbox and of everything in it, and a signal to the command of another:
.PP
.EX
subroot kill web
subroot kill \-s HUP db
.EE
"#;

const UNSHARE_EXAMPLES: &str = r#".SH EXAMPLES
A directory whose files belong to subordinate IDs is deleted:
.PP
.EX
subroot unshare \-\- rm \-r ./rootfs
.EE
"#;

const EXPLAIN_EXAMPLES: &str = r#".SH EXAMPLES
.EX
subroot idmap explain \-\-uid\-map 0:1000:1,1:100000:65536
.EE
"#;

const OWNER_EXAMPLES: &str = r#".SH EXAMPLES
.EX
subroot grants owner 100033
subroot grants owner ./rootfs/var/www
.EE
"#;

const SUGGEST_EXAMPLES: &str = r#".SH EXAMPLES
.EX
subroot grants suggest alice \-\-count 65536
.EE
"#;

const DOCTOR_EXAMPLES: &str = r#".SH EXAMPLES
.EX
subroot doctor ./rootfs
subroot doctor \-\-json
sudo subroot doctor \-\-for\-user alice
.EE
"#;

const READ_ON: &str = r#".BR newidmap\-helper (8),
.BR newuidmap (1),
.BR newgidmap (1),
.BR subroot\-mapper.conf (5),
.BR subuid (5),
.BR user_namespaces (7)
"#;
