//! The sections of the pages of `subroot import`, `images`, `rmi` and `inspect`.

pub(super) const IMPORT_NOTES: &str = "\
# NOTES
The compression is found by the first bytes of the archive, never by its name. GNU, PAX, ustar and older tars are read, with holes,
access control lists, file capabilities and times in nanoseconds. For bzip2 and lz4, the message has a command that decompresses the
archive on the way.

SOURCE can also be an image, in skopeo's spelling: `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`, each with `:REF` if there are
several, and `dir:DIR`; `docker://IMAGE` is one of a registry: see subroot-pull(1). A file that podman, docker or skopeo has saved is recognised without a transport. The digest and the size of
each layer, and the digest of its content, are compared while it is unpacked. Of several platforms, this machine's is taken.

With a NAME, the image is kept in the store, where subroot-run(1) finds it; a plain archive becomes an image of one layer. With a
DIR, the layers are unpacked one after the other into one tree, and the image's configuration is not used.

A process unpacks for which the new directory is the root before the first byte of the archive is read: it has the caller's IDs, no
network, and sees no other file. An absolute name, an absolute link and a name with `..` therefore stay below DIR, or are refused.
Devices are skipped and counted, because an ordinary user cannot create them; subroot-run(1) provides those that programs need.
The attributes `trusted.*`, `user.overlay.*` and the labels of security modules are skipped and counted.

Until a directory is complete, the files are in a directory beside DIR whose name is that of DIR between `.` and `.subroot-import-N`.
It is removed after an error or a signal, and by the next import if this one was killed.
";

pub(super) const IMPORT_FILES: &str = "\
# FILES
- /usr/libexec/subroot/subroot-image: The program that reads archives. One beside `subroot`, or in `../libexec/subroot` from its
  directory, is used instead.
- $SUBROOT_STORE, $XDG_DATA_HOME/subroot/store, ~/.local/share/subroot/store: The store, the first of these that is set.
- /etc/subuid, /etc/subgid: The subordinate IDs that each user was granted; see subuid(5).
";

pub(super) const IMPORT_EXAMPLES: &str = "\
# EXAMPLES
Unpack an archive, and start a shell in the result:

    subroot import rootfs.tar.zst ./rootfs
    subroot run ./rootfs

Keep an archive, or an image that podman has, in the store, and run it:

    subroot import rootfs.tar.zst mine
    subroot run mine
    podman save alpine | subroot import - alpine

Make a root filesystem of a new Debian, or of a container that podman has:

    mmdebstrap bookworm - | subroot import - ./debian
    podman export web | subroot import - ./web

Unpack without subordinate IDs for all files of the archive:

    subroot import --squash-ids rootfs.tar ./rootfs
";

pub(super) const STORE: &str = "\
# FILES
- $SUBROOT_STORE, $XDG_DATA_HOME/subroot/store, ~/.local/share/subroot/store: The store, the first of these that is set. It is an
  OCI image layout, which skopeo(1) reads as `oci:DIR:NAME`, with the unpacked layers beside it in `layers`. Its mode is 0700; a
  store that others can enter is refused.
";

pub(super) const IMAGES_STATUS: &str = "\
# EXIT STATUS
- 0: Everything was listed.
- 1: An image is damaged; standard error names it.
- 125: subroot failed.
";

pub(super) const IMAGES_EXAMPLES: &str = "\
# EXAMPLES
    subroot images
    subroot images --all --json
    subroot images --quiet | xargs subroot rmi
";

pub(super) const PRUNE_NOTES: &str = "\
# NOTES
Images without a name are those whose name another import has taken, and those that subroot-run(1) has copied from a file. Layers that a
sandbox uses stay; the next prune removes them. Nothing is removed while another process adds to the store.
";

pub(super) const RMI_STATUS: &str = "\
# EXIT STATUS
- 0: Everything was removed.
- 125: subroot failed, and no image was removed.
";

pub(super) const RMI_EXAMPLES: &str = "\
# EXAMPLES
    subroot rmi web
    subroot rmi 3c7a5cb0f2d4
";

pub(super) const INSPECT_NOTES: &str = "\
# NOTES
The output is a list with one object for each image, which has the keys of podman: Id, Digest, RepoTags, Created, Author, Architecture, Os,
Config, Size, RootFS and History. Id is the digest of the configuration, Digest that of the manifest. For running sandboxes, see
subroot-ps(1).
";

pub(super) const INSPECT_EXAMPLES: &str = "\
# EXAMPLES
    subroot inspect web
    subroot inspect web | jq '.[0].Config.Env'
";
