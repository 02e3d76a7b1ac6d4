//! The sections of the pages of the commands that make archives and images of trees.

pub(super) const EXPORT_NOTES: &str = "\
# FORMATS
- tar: All files of the directory, or of the image's layers as a sandbox sees them. This is the default.
- oci-archive: An OCI image layout, as skopeo and podman read it: FILE ends in `.oci` or `.oci.tar`. Of an image of the store, the
  manifest, the configuration and the layers are written unchanged, with their digests and the image's name. Of a directory, it is an image of one layer, whose
  configuration sets nothing.
- squashfs: FILE ends in `.squashfs`, `.sqfs` or `.sfs`. tar2sqfs(1) of squashfs-tools-ng must be installed. A file with
  an access control list is refused, because a squashfs cannot have one.

# NOTES
Entries are in the order of their names, and nothing depends on the time, the user or the filesystem: the same tree gives the same
bytes. Owners are those in your sandboxes. A file whose user ID is not one of yours ends the export; a group that is not yours is
written as 65534. Times have nanoseconds. Extended attributes are kept, access control lists and file capabilities included, but not
the labels of security modules. Hard links are kept; holes of sparse files are written as zeros. Devices and sockets are skipped and
counted.

A directory on which something is mounted is refused. The tree must not change meanwhile.

FILE is replaced only when the archive is complete. Nothing is written to a terminal.
";

pub(super) const EXPORT_EXAMPLES: &str = "\
# EXAMPLES
    subroot export ./rootfs rootfs.tar
    subroot export alpine - | zstd >alpine.tar.zst
    subroot export alpine alpine.oci.tar
    subroot export ./rootfs rootfs.squashfs
";

pub(super) const COMMIT_NOTES: &str = "\
# NOTES
DIR does not record which image it was used with: IMAGE must be the one that was run, because the changes fit no other. The sandbox must
have had the default IDs, so that owners are those that it saw.

The layer is a tar without compression. A removed file is a whiteout in it, as the image specification has it. Devices and sockets
are skipped. Layers of IMAGE are shared with it, and the new image runs at once.
";

pub(super) const COMMIT_EXAMPLES: &str = "\
# EXAMPLES
    subroot run --overlay=./changes debian -- apt-get install -y git
    subroot commit --image debian ./changes debian-git
    subroot export debian-git debian-git.oci
";
