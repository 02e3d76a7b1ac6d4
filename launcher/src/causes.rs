//! Every cause of a failure or a shortfall, with its text and its fix. One table for `doctor`, for failing commands and for the page
//! on troubleshooting.

use std::fmt;

/// A kind of cause. Words in braces stand for what was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What programs know it by.
    pub(crate) key: &'static str,
    /// What is so.
    pub(crate) cause: &'static str,
    /// What to do about it, and who can.
    pub(crate) fix: &'static str,
}

/// A cause that was found by looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    kind: &'static Kind,
    values: Vec<(&'static str, String)>,
}

impl Cause {
    /// A cause of a kind, with the values for the names in braces.
    pub(crate) fn new(kind: &'static Kind, values: &[(&'static str, &dyn fmt::Display)]) -> Cause {
        Cause { kind, values: values.iter().map(|(name, value)| (*name, value.to_string())).collect() }
    }

    /// What programs know it by.
    pub(crate) fn key(&self) -> &'static str {
        self.kind.key
    }

    /// What to do about it.
    pub(crate) fn fix(&self) -> String {
        self.filled(self.kind.fix)
    }

    fn filled(&self, pattern: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(&format!("{{{name}}}"), value);
        self.values.iter().fold(pattern.to_owned(), fill)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.filled(self.kind.cause))
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident: $key:literal, $cause:literal, $fix:literal;)*) => {
        $($(#[doc = $doc])* pub(crate) static $name: Kind = Kind { key: $key, cause: $cause, fix: $fix };)*
        /// All of them, for what is written about them.
        #[cfg(test)]
        static KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    /// Grants.
    NO_GRANT_FILE: "no-grant-file", "{file} is not there",
        "as root: {command}";
    /// A symlink to nothing.
    DANGLING: "dangling-grant-file", "{file} is a link to {target}, which is not there", "as root: {command}";
    /// The user has no line.
    NO_GRANT_LINE: "no-grant-line", "{file} has no line for {user}",
        "as root: {command}";
    /// The user has no line, and a name without an account has one that may have been theirs.
    NEAR_LINE: "near-grant-line", "{file} has no line for {user}: line {line} is for {owner}, {how}",
        "as root: {command}";
    /// A name that a line cannot name.
    DIGITS: "name-of-digits", "{file} has no line for uid {uid}: a line for {user} is for that uid, and not for the account of this name",
        "as root: {command}";
    /// One of the caller's lines is void.
    BAD_GRANT_LINE: "bad-grant-line", "{file}, line {line}, grants nothing: {why}", "as root: {command}";
    /// The range is another user's, too.
    GRANT_OVERLAPS: "grant-overlaps", "{file}, line {line}, grants IDs that line {other} grants to {owner}, too, so that each can get at the other's files",
        "as root: {command}";
    /// Too few IDs.
    GRANT_TOO_SMALL: "grant-too-small", "{ids} granted, and a Debian root needs 2001",
        "as root: {command}";
    /// Too many ranges.
    TOO_MANY_RANGES: "too-many-ranges", "only {count} of {total} {kind}s are mapped: the kernel takes at most 340 ranges and 4095 bytes of map",
        "as root: replace the lines of {user} in {file} by one line of as many IDs";
    /// Too many of the user namespace's own.
    TOO_MANY_RANGES_HERE: "too-many-ranges-here", "only {count} of {total} {kind}s are mapped: the kernel takes at most 340 ranges and 4095 bytes of map",
        "start the container around with its IDs in fewer ranges";
    /// A user namespace without them.
    NOT_HERE: "ids-not-here", "{location} grants {range}, and of these IDs this user namespace has {present}",
        "as root: {command}";
    /// The mapper would take it from nobody.
    UNTRUSTED: "untrusted-file", "{path} is {why}, so that the mapper does not trust {file}", "as root: {fix}";
    /// A container of few IDs.
    FEW_HERE: "few-ids-here", "the user namespace around this process does not have the IDs 0 to 65535",
        "start the container around with 65536 IDs or more; or run with --userns auto";
    /// Fewer than `--userns full` requires.
    NOT_FULL: "not-full", "{uids} and {gids} granted, and 65535 of each are needed",
        "as root: {command}";
    /// The settings of the mapper.
    BAD_CONFIG: "bad-config", "the mapper's settings are not taken: {why}", "as root: correct that line; subroot-mapper.conf(5) has all keys";
    /// A mode without r for others, which these files have everywhere else.
    UNREADABLE: "unreadable-file", "{path} cannot be read by {who} (mode {mode})", "as root: {fix}";
    /// A directory that leads to it.
    UNREADABLE_DIR: "unreadable-directory", "{file} cannot be read by {who}: the directory {path} has mode {mode}", "as root: {fix}";
    /// Not for its mode.
    HIDDEN: "hidden-file", "{file} cannot be read by you: {why}", "as root: make {file} readable for all users; namei -l {file} shows what leads to it";
    /// nsswitch.conf leaves grants to what is not there.
    NO_PLUGIN: "no-plugin", "{library}, which /etc/nsswitch.conf asks for grants by its line subid: {plugin}, is not installed",
        "as root: cp /etc/nsswitch.conf /etc/nsswitch.conf- && sed '{line}s/.*/subid: files/' /etc/nsswitch.conf- >/etc/nsswitch.conf";
    /// A plugin, and only a mapper that asks none.
    NO_VARIANT: "no-plugin-mapper", "/etc/nsswitch.conf leaves grants to the plugin {plugin}, which only newidmap-helper-nss asks, and that is not installed",
        "as root: install the package newidmap-helper-nss";
    /// LDAP, SSSD and the like.
    DIRECTORY_ACCOUNT: "directory-account", "the account of uid {uid} is not in /etc/passwd but in a directory",
        "as root: {command}";
    /// No account at all.
    NO_ACCOUNT: "no-account", "uid {uid} has no account", "as root: {command}";
    /// The mapper.
    MAPPER_MISSING: "mapper-missing", "{path} is not installed", "as root: {command}";
    /// None at all.
    NO_MAPPER: "no-mapper", "no mapper is installed: neither newidmap-helper nor newuidmap and newgidmap",
        "as root: {command}";
    /// Neither bit nor capabilities.
    MAPPER_UNPRIVILEGED: "mapper-unprivileged", "{path} is neither setuid root nor has file capabilities",
        "as root: chown root:root {path} && chmod 4755 {path}";
    /// The bit of another user.
    MAPPER_NOT_ROOTS: "mapper-not-roots", "{path} is setuid, but is not root's",
        "as root: chown root:root {path} && chmod 4755 {path}";
    /// File capabilities, and not all that it needs.
    MAPPER_LACKS: "mapper-lacks-capability", "{path} cannot map IDs: its file capabilities lack {capability}",
        "as root: chown root:root {path} && chmod 4755 {path}";
    /// File capabilities that count in a container.
    MAPPER_FOREIGN: "mapper-of-a-container", "{path} cannot map IDs: its file capabilities are for another user namespace",
        "as root: chown root:root {path} && chmod 4755 {path}";
    /// `--helper` or SUBROOT_HELPER with a program that no package installs.
    NOT_A_MAPPER: "not-a-mapper", "{path} is neither setuid root nor has file capabilities, so it is no mapper", "{undo}";
    /// The same with a file that is not there.
    NO_HELPER: "no-helper", "{path} is not there", "{undo}";
    /// A mapper for some only.
    MAPPER_FORBIDDEN: "mapper-forbidden", "{path} may not be executed by this user, who is not in its group",
        "as root: chmod 4755 {path}";
    /// The file system takes no bits.
    MAPPER_NOSUID: "mapper-nosuid", "{path} is on a nosuid mount, where a setuid bit and file capabilities count for nothing",
        "as root: mount -o remount,suid {mount}";
    /// A process that gave privilege up for good.
    NO_NEW_PRIVS: "no-new-privs", "no_new_privs is set for this process, so that no mapper gets its privilege",
        "start from a process without it: systemd's NoNewPrivileges=no, podman and docker without --security-opt no-new-privileges";
    /// A container without the capability.
    BOUNDING_SET: "bounding-set", "{capability} is missing from the capability bounding set of this process",
        "start from a process that has it: --cap-add SETUID --cap-add SETGID for podman and docker, CapabilityBoundingSet= of systemd";
    /// A setuid mapper that does not go back to its caller's user ID, as in Debian.
    MAPPER_NEEDS_ADMIN: "mapper-needs-sys-admin", "{path} writes maps only with CAP_SYS_ADMIN, which is missing from the capability bounding set of this process, as by default in sandboxes and containers",
        "start the sandbox or container around this one with --cap-add SYS_ADMIN, or install newidmap-helper in it";
    /// Namespaces.
    NO_NAMESPACES: "namespace-limit-zero", "user.{limit} is 0", "as root: sysctl user.{limit}={more}";
    /// A limit that is reached.
    NO_MORE_NAMESPACES: "namespace-limit-reached", "user.{limit} is {value}, and all of them are in use",
        "as root: sysctl user.{limit}={more}; or end some sandboxes";
    /// A limit of another user namespace, which cannot be read from here.
    LIMIT_OUTSIDE: "namespace-limit-outside", "user.{limit} of a user namespace around this one is reached",
        "as root outside of it: raise user.{limit} there by sysctl; or end some sandboxes there";
    /// MAX_PID_NS_LEVEL.
    PID_DEPTH: "pid-namespace-depth", "32 PID namespaces are nested here, and the kernel allows no more",
        "start it with fewer sandboxes or containers around it";
    /// The depth of user namespaces cannot be read.
    USER_DEPTH: "user-namespace-depth", "33 user namespaces are nested here, and the kernel allows no more; or user.{limit} of one of them is reached",
        "start it with fewer sandboxes or containers around it; or as root outside of them: raise user.{limit} there by sysctl";
    /// Debian's switch.
    USERNS_CLONE: "unprivileged-userns-clone", "kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
        "as root: sysctl kernel.unprivileged_userns_clone=1";
    /// Ubuntu's switch.
    APPARMOR: "apparmor-userns", "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor keeps user namespaces from programs without a profile",
        "as root: install subroot's AppArmor profile, or sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    /// subroot's own profile, or one of a container around it.
    APPARMOR_PROFILE: "apparmor-profile", "AppArmor enforces the profile {profile} on subroot and may have denied this",
        "as root: journalctl -k --grep apparmor= shows what was denied";
    /// What the profile of the commands does not allow.
    APPARMOR_CAPABILITIES: "apparmor-capabilities", "the AppArmor profile subroot_command has no rule for {names}, so that the command cannot use them",
        "as root: echo '{rules}' >>/etc/apparmor.d/local/subroot_command && apparmor_parser --replace /etc/apparmor.d/subroot";
    /// A changed root.
    CHROOT: "chroot", "this process is in a chroot, where the kernel makes no user namespaces",
        "start from outside of it, or enter it by subroot run DIRECTORY instead of chroot";
    /// A filter.
    SECCOMP: "seccomp-filter", "a seccomp filter of {container} forbids user namespaces to this process",
        "start {container} with a filter that allows them: --security-opt seccomp=unconfined for podman and docker";
    /// Something else.
    FORBIDDEN: "forbidden", "a chroot into a mount point, a security module or the kernel's configuration forbids user namespaces to this process",
        "start from outside of the chroot; else as root: see in dmesg who refuses it, and allow it to subroot there";
    /// qemu-user.
    EMULATOR: "emulator", "an emulator such as qemu-user runs this program, and it makes no namespaces",
        "start a subroot that is built for the processor of this machine; in its sandbox, programs for another one can run in the emulator";
    /// RLIMIT_NPROC.
    NPROC: "process-limit", "no more processes are allowed (RLIMIT_NPROC is {limit})", "raise it with ulimit -u, or end some";
    /// session-keyring(7).
    KEY_QUOTA: "key-quota", "your keys reach kernel.keys.{prefix}maxkeys, which is {keys}, or kernel.keys.{prefix}maxbytes, which is {bytes}",
        "as root: sysctl kernel.keys.{prefix}maxkeys={more_keys} kernel.keys.{prefix}maxbytes={more_bytes}; or run without --security-opt seccomp=";
    /// Containers around.
    CONTAINER: "container", "this is the inside of a container of {container}", "nothing: subroot runs in it";
    /// Mounts.
    PROC_COVERED: "proc-covered", "the kernel refuses a new /proc, as {path} covers a part of the one that is there",
        "--proc bind uses the one that is there; or start the container around with --security-opt unmask=ALL (podman) or systempaths=unconfined (docker)";
    /// A host's /proc.
    PROC_REFUSED: "proc-refused", "the kernel refuses a new /proc here", "--proc bind uses the one that is there";
    /// A /proc of processes only.
    PROC_SUBSET: "proc-subset", "/proc is mounted with subset=pid, so that the kernel's settings, one of which may be the reason, cannot be read",
        "as root: mount -t proc -o {options} proc /proc";
    /// overlayfs.
    OVERLAY_REFUSED: "overlay-refused", "the kernel refuses an overlay in a user namespace: {why}",
        "run without --overlay; as root: modprobe overlay, on Linux 5.11 or newer";
    /// A tmpfs without user.* attributes, and no directory on disk.
    OVERLAY_DIR: "overlay-needs-disk", "before Linux 6.6, memory cannot hold the changes of an overlay",
        "export XDG_CACHE_HOME=$(mktemp -d {dir}/XXXXXX)";
    /// The same without any directory.
    OVERLAY_NO_PLACE: "overlay-without-disk", "before Linux 6.6, memory cannot hold the changes of an overlay, and neither can /var/tmp or /tmp",
        "export XDG_CACHE_HOME=DIRECTORY, with one of your own on a local ext4, XFS or btrfs; or use Linux 6.6 or newer";
    /// `--overlay=DIR` on a filesystem such as overlayfs, or one without user.* attributes.
    OVERLAY_KEPT: "overlay-directory", "{path} is on {filesystem}, which cannot hold the changes of an overlay", "{fix}";
    /// `--overlay=DIR` around the rootfs.
    OVERLAY_AROUND: "overlay-around-rootfs", "the rootfs is inside the directory of --overlay, among its changes", "name another directory for the changes";
    /// A rootfs on an overlay over an overlay.
    OVERLAY_DEPTH: "overlay-depth", "{path} is on an overlay, and the kernel stacks only two of them", "run without --overlay";
    /// A rootfs without programs.
    NOEXEC: "noexec-mount", "{path} is on a noexec mount", "put the rootfs where programs may be executed: findmnt -T DIRECTORY shows the mount of a directory";
    /// su and sudo.
    NOSUID: "nosuid-mount", "{path} is on a nosuid mount: su, sudo and file capabilities do not work in it",
        "put the rootfs elsewhere, or as root: mount -o remount,suid {mount}";
    /// A rootfs without devices.
    NODEV: "nodev-mount", "{path} is on a nodev mount: device files in it do not work, which matters with --dev none alone",
        "nothing, as every sandbox has a new /dev; or as root: mount -o remount,dev {mount}";
    /// A device node bound by `-v`.
    DEVICE_NODEV: "device-nodev", "the device {path} cannot be opened inside, because its mount there is nodev",
        "bind it with the option dev: -v {source}:{target}:dev";
    /// A device of `--device` that only a group of the caller's may open.
    DEVICE_GROUP: "device-group", "{path} can be opened only by its group {gid}, and your supplementary groups are dropped",
        "keep them with --group-add keep-groups";
    /// A file system of another machine.
    NETWORK_ROOT: "network-rootfs", "{path} is on {kind}, whose server does not know your subordinate IDs",
        "put the rootfs on a local disk, as in /tmp or /var/tmp; or run with --userns host-id, or with --overlay";
    /// mmdebstrap's, without a whole root.
    ROOTFS_NOT_ROOTS: "rootfs-not-roots", "{path} is owned by your subordinate ID {uid}, which is not root inside", "run with --userns subids";
    /// Another user's, or one whose grant has changed.
    ROOTFS_OF_OTHERS: "rootfs-of-others", "{path} is owned by uid {uid}, which is not mapped ({whose}): its files are nobody's inside",
        "{fix}";
    /// Closed directories.
    CLOSED_DIR: "closed-directory", "the directory {path} has mode {mode}, and is closed to the IDs that are mapped",
        "chmod o+x {path}, or map your own ID to 0, which is the default";
    /// Groups.
    NO_SETGROUPS: "setgroups-denied", "setgroups is denied, as no group IDs are mapped: su, sudo, apt and daemons that change their user fail",
        "{fix}";
    /// The administrator's settings.
    SETGROUPS_DENIED: "setgroups-denied-by-administrator", "setgroups is denied by /etc/subroot/mapper.conf: su, sudo, apt and daemons that change their user fail",
        "as root: take {user} out of setgroups-deny, or the line setgroups = deny away";
    /// Programs.
    COMMAND_MISSING: "command-missing", "the command is in no directory of PATH", "install it there, or name it by its path";
    /// Modes.
    NOT_EXECUTABLE: "not-executable", "the file has no execute permission", "chmod +x it";
    /// Another machine's.
    FOREIGN: "foreign-program", "the program is for another processor", "use a rootfs for this machine, or as root: install qemu-user-static and binfmt-support";
    /// Scripts.
    INTERPRETER_MISSING: "interpreter-missing", "the interpreter that the script's first line names is not in the rootfs",
        "install it in the rootfs, or correct the line, which may end in a carriage return";
    /// Dynamic programs.
    LOADER_MISSING: "loader-missing", "the ELF loader that the program names is not in the rootfs",
        "install the C library that it was built for, or a static build of it";
    /// A session without a directory of its own.
    NO_RUNTIME_DIR: "no-runtime-dir", "XDG_RUNTIME_DIR is not set; subroot run --name uses /run/user/UID or ~/.local/state instead",
        "nothing; podman and others want it: export XDG_RUNTIME_DIR=/run/user/UID, or as root: loginctl enable-linger USER";
    /// What `doctor` was asked about.
    ROOTFS_MISSING: "rootfs-missing", "{dir} has no {name}", "name the directory that holds the root filesystem";
    /// A file.
    NO_DIRECTORY: "no-directory", "{path} is not a directory", "name a directory";
    /// An archive.
    ARCHIVE: "archive", "{path} is an archive, and ROOTFS is a directory", "{fix}";
    /// An image.
    IMAGE_NAME: "image-name", "no directory or stored image is named {name}, and nothing was pulled", "{fix}";
    /// An image instead of a directory.
    IMAGE_STORED: "image-stored", "{name} is an image, and this needs a directory", "{fix}";
    /// A command without `--`.
    COMMAND_AS_ROOTFS: "command-as-rootfs", "{name} is a command, and the first argument is ROOTFS",
        "put -- before the command: subroot run -- {name}";
    /// Nothing in it.
    EMPTY_ROOT: "empty-rootfs", "{path} is empty: it has no program to run", "unpack a root filesystem in it, or name another directory";
    /// Another directory.
    NO_ROOT: "no-rootfs", "{path} is not a root filesystem: it has neither bin nor usr/bin", "name the directory that has them";
    /// A directory above or below.
    ROOT_NEARBY: "rootfs-nearby", "{path} is not a root filesystem, but {near} looks like one", "name {near} instead";
    /// A path with a typing error.
    PATH_NEAR: "path-near", "there is {near}", "name {near} instead";
    /// A symlink to nothing.
    PATH_DANGLING: "path-dangling", "{link} is a symlink to {target}, which does not exist", "name another path, or correct the symlink";
    /// A missing path.
    PATH_MISSING: "path-missing", "{dir} has no {name}", "create it first, or name another path";
    /// The parent of `--overlay=DIR`.
    PARENT_MISSING: "parent-missing", "{dir} has no {name}", "mkdir -p {path}";
    /// A file as the mount point of a directory.
    OVER_FILE: "target-is-file", "{path} is a file in the sandbox, and a directory is to be mounted there", "name another target";
    /// A directory as the mount point of a file.
    OVER_DIR: "target-is-directory", "{path} is a directory in the sandbox, and a file is to be mounted there", "name another target, such as a new name in {path}";
    /// A file above a mount point.
    BELOW_FILE: "target-below-file", "a directory above {path} is a file in the sandbox", "name another target";
    /// /proc, /dev or /sys.
    FALSE_MOUNT_POINT: "false-mount-point", "{path} of the rootfs is a file or a symlink, and must be a directory",
        "remove {path} from the rootfs: if it is missing, it is created for each run";
    /// overlayfs over a tree of mounts.
    OVERLAY_SUBMOUNT: "overlay-submount", "{mount} is mounted below {path}, and over such a directory the kernel makes no overlay in a user namespace", "{fix}";
    /// A bind of a directory alone.
    BIND_SUBMOUNT: "bind-submount", "{mount} is mounted below {path}, and the kernel does not let a user namespace bind such a directory without it",
        "bind it with all mounts below: leave out bind and bind-nonrecursive";
    /// A flag that the host's mount has.
    LOCKED_FLAG: "locked-mount-flag", "the mount of {path} is {flag}, and the kernel keeps this in a user namespace",
        "leave {option} out";
    /// A cover for files.
    NO_NULL: "dev-null-missing", "the host has no /dev/null, which covers a file", "as root: mknod -m 666 /dev/null c 1 3";
    /// `--workdir`.
    WORKDIR_MISSING: "workdir-missing", "the sandbox has no {path}, and subroot does not create it", "create it in the rootfs first, or name another directory";
    /// A shell in a directory that was removed.
    DIR_REMOVED: "directory-removed", "the current directory has been removed", "cd to another directory";
    /// A FUSE filesystem without its server.
    DEAD_FUSE: "dead-fuse", "{path} is on a FUSE filesystem whose server has ended", "unmount it with fusermount3 -u -z, and mount it again";
    /// A FUSE filesystem for one user.
    FUSE_ROOT: "fuse-rootfs", "{path} is on a FUSE filesystem without allow_other, which only your own ID can use: other users inside cannot", "run with --overlay";
    /// Networks.
    NETWORK_PROGRAM: "network-program", "{program}, which connects a sandbox's own network, is not installed", "as root: apt-get install {package}";
    TUN_MISSING: "tun-missing", "/dev/net/tun is not there", "as root: modprobe tun";
    TUN_CLOSED: "tun-closed", "you may not open /dev/net/tun", "as root: chmod 666 /dev/net/tun";
    NO_ROUTE: "no-route", "the host has no default route", "connect the host to a network, or use --network none";
    LOW_PORT: "low-port", "port {port} is below {least}, the lowest that users may open", "as root: sysctl net.ipv4.ip_unprivileged_port_start={port}";
    /// Terminals.
    NO_TERMINAL: "terminal-missing", "/dev/ptmx is not there, as with --dev none", "leave --dev none out, or -t";
}

#[cfg(test)]
mod tests {
    use super::{Cause, KINDS, NO_GRANT_LINE};
    use std::fs;

    const PAGE: &str = "../docs/guide/troubleshooting.md";
    const BEGIN: &str = "| cause | how to fix it | `key` in JSON |\n|---|---|---|\n";

    /// Words in braces as manual pages write them.
    fn for_page(pattern: &str) -> String {
        let parts = pattern.split('{').enumerate().map(|(at, part)| match part.split_once('}') {
            Some((first, rest)) if at > 0 => format!("{}{rest}", first.to_uppercase()),
            _ => part.to_owned(),
        });
        parts.collect::<String>().replace('|', "\\|")
    }

    #[test]
    fn the_page_on_troubleshooting_has_all_of_them() {
        let page = fs::read_to_string(PAGE).unwrap_or_default();
        let (before, table) = page.split_once(BEGIN).unwrap_or_default();
        let rest = table.lines().skip_while(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n");
        let row = |kind: &&super::Kind| {
            format!("| {} | {} | {} |\n", for_page(kind.cause), for_page(kind.fix), kind.key)
        };
        let fresh = format!("{before}{BEGIN}{}{rest}\n", KINDS.iter().map(row).collect::<String>());
        if std::env::var_os("SUBROOT_WRITE").is_some() {
            let _ = fs::write(PAGE, &fresh);
        }
        assert!(
            page == fresh,
            "{PAGE} is not what it would be: SUBROOT_WRITE=1 cargo test -p subroot causes"
        );
    }

    #[test]
    fn words_are_filled_in() {
        let values: [(_, &dyn std::fmt::Display); 3] =
            [("file", &"/etc/subuid"), ("user", &"alice"), ("command", &"usermod --add-subuids 1-2 alice")];
        let cause = Cause::new(&NO_GRANT_LINE, &values);
        assert_eq!(cause.to_string(), "/etc/subuid has no line for alice");
        assert_eq!(cause.fix(), "as root: usermod --add-subuids 1-2 alice");
    }

    #[test]
    fn no_two_have_one_key() {
        let mut keys: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), KINDS.len());
    }
}
