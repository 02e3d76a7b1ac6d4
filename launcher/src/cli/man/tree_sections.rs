//! The sections of the pages of `subroot import`, `rm` and `du`.

pub(super) const RM_STATUS: &str = "\
# EXIT STATUS
- 0: Everything was removed.
- 1: Something remains; standard error names each path, and why.
- 125: subroot failed, and nothing was removed.
";

pub(super) const DU_STATUS: &str = "\
# EXIT STATUS
- 0: Everything was measured.
- 1: Something could not be examined; standard error names it.
- 125: subroot failed.
";

pub(super) const DU_EXAMPLES: &str = "\
# EXAMPLES
    subroot du ./rootfs
    subroot du --json ./rootfs
";

pub(super) const IMPORT_NOTES: &str = "\
# NOTES
The compression is found by the first bytes of the archive, never by its name. GNU, PAX, ustar and older tars are read, with holes,
access control lists, file capabilities and times in nanoseconds. For bzip2 and lz4, the message has a command that decompresses the
archive on the way.

A process unpacks for which the new directory is the root before the first byte of the archive is read: it has the caller's IDs, no
network, and sees no other file. An absolute name, an absolute link and a name with `..` therefore stay below DIR, or are refused.
Devices are skipped and counted, because an ordinary user cannot create them; subroot-run(1) provides those that programs need.
The attributes `trusted.*`, `user.overlay.*` and the labels of security modules are skipped and counted.

Until the archive is complete, the files are in a directory beside DIR whose name is that of DIR between `.` and `.subroot-import-N`.
It is removed after an error or a signal, and by the next import if this one was killed.
";

pub(super) const IMPORT_FILES: &str = "\
# FILES
- /usr/libexec/subroot/subroot-image: The program that reads archives. One beside `subroot`, or in `../libexec/subroot` from its
  directory, is used instead.
- /etc/subuid, /etc/subgid: The subordinate IDs that each user was granted; see subuid(5).
";

pub(super) const IMPORT_EXAMPLES: &str = "\
# EXAMPLES
Unpack an archive, and start a shell in the result:

    subroot import rootfs.tar.zst ./rootfs
    subroot run ./rootfs

Make a root filesystem of a new Debian, or of a container that podman has:

    mmdebstrap bookworm - | subroot import - ./debian
    podman export web | subroot import - ./web

Unpack without subordinate IDs for all files of the archive:

    subroot import --squash-ids rootfs.tar ./rootfs
";
