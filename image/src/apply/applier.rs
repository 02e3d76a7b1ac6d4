//! Applies the entries of an archive to a directory, one after the other.

use crate::apply::attributes::{self, ACCESS_LISTS, Wanted};
use crate::apply::content;
use crate::apply::deferred::{Deferred, Directory, EarlyLink};
use crate::apply::lookup::{Lookup, Parent, make_dir, open_name};
use crate::apply::owners::Owners;
use crate::apply::path::InnerPath;
use crate::apply::removal;
use crate::apply::whiteout::{self, Meaning, OfThisLayer, Whiteouts};
use crate::error::Error;
use crate::tar::archive::Archive;
use crate::tar::member::{Attribute, Kind, Member};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fchmod, fstat, mknodat, utimensat};
use nix::unistd::{Gid, Uid, fchownat, linkat, symlinkat};
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// How many entries an archive may have.
const MOST_ENTRIES: u64 = 10_000_000;
/// The mode of the root if no entry says it, as in other tools: every user inside can search it.
const ROOT_MODE: Mode = Mode::from_bits_truncate(0o755);

/// How an archive is applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What becomes of whiteouts.
    pub whiteouts: Whiteouts,
    /// Which owners files get.
    pub owners: Owners,
    /// True if the directory has the layers below this one already.
    pub has_lower: bool,
    /// How many bytes all files may have together, counted without holes and with them.
    pub max_size: u64,
    /// How many entries the archive may have.
    pub max_entries: u64,
}

impl Options {
    /// Options for an archive that is a whole tree.
    pub fn new(owners: Owners, max_size: u64) -> Options {
        Options { whiteouts: Whiteouts::Flat, owners, has_lower: false, max_size, max_entries: MOST_ENTRIES }
    }
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The number of entries that became files.
    pub entries: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// The number of devices, which are skipped.
    pub devices: u64,
    /// The number of extended attributes that were not kept.
    pub attributes: u64,
}

impl Summary {
    /// Adds what another layer has made.
    pub fn add(&mut self, other: &Summary) {
        self.entries += other.entries;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.devices += other.devices;
        self.attributes += other.attributes;
    }
}

/// Makes the files of an archive below `root`, which must not change meanwhile. The file mode creation mask of
/// the process must be 0.
///
/// # Errors
/// The first entry that cannot be accepted or made. The entries before it remain.
pub fn apply(mut archive: Archive, root: OwnedFd, options: Options) -> Result<Summary, Error> {
    let mut applier = Applier {
        lookup: Lookup::new(root),
        options,
        of_this_layer: OfThisLayer::default(),
        deferred: Deferred::default(),
        summary: Summary::default(),
        size: 0,
        has_root: false,
    };
    while let Some(mut member) = archive.next_member()? {
        applier.drop_lists(&mut member)?;
        applier.take(&member, &mut archive)?;
    }
    applier.finish()
}

struct Applier {
    lookup: Lookup,
    options: Options,
    /// Filled only if there are layers below.
    of_this_layer: OfThisLayer,
    deferred: Deferred,
    summary: Summary,
    /// The size of all files, with their holes.
    size: u64,
    /// True if the archive says what the owner and the mode of the root are.
    has_root: bool,
}

/// Where a file is made.
struct Spot<'a> {
    parent: &'a Parent,
    name: &'a CStr,
    path: &'a InnerPath,
}

impl Applier {
    fn take(&mut self, member: &Member, archive: &mut Archive) -> Result<(), Error> {
        if self.summary.entries + self.summary.devices >= self.options.max_entries {
            return Err(Error::archive(format!("it has more than {} entries", self.options.max_entries)));
        }
        let path = InnerPath::of(&member.name)?;
        let Some((dir, name)) = path.split() else { return self.take_root(member) };
        if member.kind == Kind::Label {
            return Ok(());
        }
        match whiteout::meaning(name.to_bytes(), &member.name)? {
            Meaning::File => self.make(member, archive, (&dir, &name, &path)),
            Meaning::Deletes(deleted) => self.delete(member, &dir, &deleted),
            Meaning::Opaque => self.hide_below(member, &dir),
            Meaning::Ignored => Ok(()),
        }
    }

    /// Access control lists name users and groups, who all become the same one if IDs are squashed.
    fn drop_lists(&mut self, member: &mut Member) -> Result<(), Error> {
        if self.options.owners.squashes {
            let count = member.attributes.len();
            member.attributes.retain(|attribute| !attribute.name.starts_with(ACCESS_LISTS));
            member.lost_attributes += (count - member.attributes.len()) as u64;
        } else if member.lost_attributes > 0 {
            return Err(Error::entry(
                &member.name,
                "its access control list names an account without its number",
            ));
        }
        Ok(())
    }

    /// The entry of the root itself (CVE-2021-29136).
    fn take_root(&mut self, member: &Member) -> Result<(), Error> {
        if member.kind != Kind::Directory {
            return Err(Error::entry(&member.name, "the root is not a directory"));
        }
        let root = self.lookup.root().try_clone();
        let root = root.map_err(|error| Error::Read { error })?;
        self.has_root = true;
        self.set_directory(member, &root, InnerPath::of(b"")?)
    }

    fn make(
        &mut self,
        member: &Member,
        archive: &mut Archive,
        (dir, name, path): (&InnerPath, &CString, &InnerPath),
    ) -> Result<(), Error> {
        if member.kind == Kind::Device {
            self.summary.devices += 1;
            return Ok(());
        }
        let found = self.lookup.parent(dir);
        let parent = found.map_err(Error::applying("finding its directory", &member.name))?;
        if self.options.has_lower {
            self.of_this_layer.add(path);
        }
        let spot = Spot { parent: &parent, name, path };
        match &member.kind {
            Kind::Directory => self.make_directory(member, &spot)?,
            Kind::Symlink(target) => self.make_symlink(member, &spot, target)?,
            Kind::HardLink(target) => self.make_hard_link(member, &spot, target)?,
            Kind::Fifo => self.make_fifo(member, &spot)?,
            _ => self.make_file(member, archive, &spot)?,
        }
        self.summary.entries += 1;
        self.summary.attributes += member.lost_attributes;
        Ok(())
    }

    /// Makes something with a name that may be taken: the last entry of a name counts. What was there is removed,
    /// and never written to, because it may have other names, or be a symlink.
    fn replacing<T>(
        &mut self,
        member: &Member,
        spot: &Spot<'_>,
        make: impl Fn() -> Result<T, Errno>,
    ) -> Result<T, Error> {
        match make() {
            Err(Errno::EEXIST) => {
                let removed = removal::remove(&spot.parent.dir, spot.name);
                removed.map_err(Error::applying("replacing what has this name", &member.name))?;
                self.lookup.forget();
                make().map_err(Error::applying("making it", &member.name))
            }
            made => made.map_err(Error::applying("making it", &member.name)),
        }
    }

    fn make_file(&mut self, member: &Member, archive: &mut Archive, spot: &Spot<'_>) -> Result<(), Error> {
        let size = if let Kind::Sparse { size, .. } = member.kind { size } else { member.stored };
        self.size = self.size.saturating_add(size);
        if self.size > self.options.max_size {
            return Err(Error::entry(&member.name, "the files are larger than --max-size allows"));
        }
        let owner = self.owner_to_set(member, spot)?;
        // An attribute needs the owner's write permission, and chown(2) and write(2) clear setuid bits.
        let is_plain = member.attributes.is_empty() && member.mode & 0o7000 == 0;
        let mode = if is_plain { member.mode } else { 0o600 };
        let how = OpenHow::new()
            .flags(OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
            .mode(Mode::from_bits_truncate(mode))
            .resolve(ResolveFlag::RESOLVE_BENEATH);
        let file = self.replacing(member, spot, || openat2(&spot.parent.dir, spot.name, how))?;
        let file = File::from(file);
        content::copy(archive, member, &file)?;
        self.summary.bytes += size;
        let wanted = Wanted {
            name: &member.name,
            owner,
            attributes: &member.attributes,
            mode: (!is_plain).then_some(member.mode),
            mtime: member.mtime,
        };
        self.summary.attributes += attributes::set(file.as_fd(), &wanted)?;
        Ok(())
    }

    fn make_directory(&mut self, member: &Member, spot: &Spot<'_>) -> Result<(), Error> {
        let (dir, name) = (&spot.parent.dir, spot.name);
        let made = match make_dir(dir, name, 0o700) {
            Err(Errno::EEXIST) => match open_name(dir, name) {
                Err(Errno::ENOTDIR | Errno::ELOOP) => {
                    let was_deleted = self.is_whiteout(member, spot)?;
                    let made = self.replacing(member, spot, || make_dir(dir, name, 0o700))?;
                    if was_deleted {
                        self.make_opaque(member, &made)?;
                    }
                    Ok(made)
                }
                opened => opened.and_then(|dir| attributes::clear(&dir).map(|()| dir)),
            },
            made => made,
        };
        let made = made.map_err(Error::applying("making it", &member.name))?;
        self.set_directory(member, &made, spot.path.clone())
    }

    /// Access control lists would change what is made in the directory, and are set at the end with the owner, the
    /// mode and the time.
    fn set_directory(&mut self, member: &Member, dir: &OwnedFd, path: InnerPath) -> Result<(), Error> {
        let is_list = |attribute: &&Attribute| attribute.name.starts_with(ACCESS_LISTS);
        let others = member.attributes.iter().filter(|attribute| !is_list(attribute));
        self.summary.attributes += attributes::set_attributes(dir.as_fd(), &member.name, others)?;
        let found = fstat(dir).map_err(Error::applying("examining it", &member.name))?;
        self.deferred.add_directory(Directory {
            path,
            inode: found.st_ino,
            lists: member.attributes.iter().filter(is_list).cloned().collect(),
            owner: self.options.owners.of(member)?,
            mode: member.mode,
            mtime: member.mtime,
        })
    }

    fn make_symlink(&mut self, member: &Member, spot: &Spot<'_>, target: &[u8]) -> Result<(), Error> {
        let target = OsStr::from_bytes(target);
        self.replacing(member, spot, || symlinkat(target, &spot.parent.dir, spot.name))?;
        self.set_by_name(member, spot)
    }

    /// A fifo is empty, so nothing that its mode allows can be read meanwhile.
    fn make_fifo(&mut self, member: &Member, spot: &Spot<'_>) -> Result<(), Error> {
        let mode = Mode::from_bits_truncate(member.mode);
        self.replacing(member, spot, || mknodat(&spot.parent.dir, spot.name, SFlag::S_IFIFO, mode, 0))?;
        self.set_by_name(member, spot)
    }

    /// The owner and the time of something that must not be opened. Only security labels would be possible as its
    /// attributes, and they cannot be set in a user namespace.
    fn set_by_name(&mut self, member: &Member, spot: &Spot<'_>) -> Result<(), Error> {
        let dir = &spot.parent.dir;
        if let Some((uid, gid)) = self.owner_to_set(member, spot)? {
            let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            fchownat(dir, spot.name, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)
                .map_err(Error::applying("setting the owner", &member.name))?;
        }
        let time = attributes::time_spec(member.mtime);
        utimensat(dir, spot.name, &time, &time, UtimensatFlags::NoFollowSymlink)
            .map_err(Error::applying("setting the time", &member.name))?;
        self.summary.attributes += member.attributes.len() as u64;
        Ok(())
    }

    fn owner_to_set(&self, member: &Member, spot: &Spot<'_>) -> Result<Option<(u32, u32)>, Error> {
        let owner = self.options.owners.of(member)?;
        let (uid, gid) = self.options.owners.own;
        let has = (uid, spot.parent.inherited_group.unwrap_or(gid));
        Ok((owner != has).then_some(owner))
    }

    fn make_hard_link(&mut self, member: &Member, spot: &Spot<'_>, target: &[u8]) -> Result<(), Error> {
        let target = InnerPath::of(target)?;
        match self.link(member, spot, &target) {
            Err(Error::Apply { errno: Errno::ENOENT, .. }) => {
                self.deferred.add_link(EarlyLink { path: spot.path.clone(), target })
            }
            linked => linked,
        }
    }

    /// Links to the target itself, which may be a symlink. Its directory is found in the root, like the other one.
    fn link(&mut self, member: &Member, spot: &Spot<'_>, target: &InnerPath) -> Result<(), Error> {
        let (dir, name) =
            target.split().ok_or_else(|| Error::entry(&member.name, "it is a hard link to the root"))?;
        if target == spot.path {
            return Ok(());
        }
        let from = self.lookup.find(&dir).map_err(Error::applying("linking it", &member.name))?;
        self.replacing(member, spot, || {
            linkat(&from, name.as_c_str(), &spot.parent.dir, spot.name, AtFlags::empty())
        })
    }

    fn delete(&mut self, member: &Member, dir: &InnerPath, deleted: &CString) -> Result<(), Error> {
        let path = dir.join(deleted.to_bytes());
        match self.options.whiteouts {
            Whiteouts::Overlay => self.record_deletion(member, dir, deleted),
            Whiteouts::Flat if self.options.has_lower => {
                self.remove_lower(dir, deleted, &path).map_err(Error::applying("deleting it", &member.name))
            }
            Whiteouts::Flat => Ok(()),
        }
    }

    /// A device 0:0, unless this layer itself has the name.
    fn record_deletion(&mut self, member: &Member, dir: &InnerPath, deleted: &CString) -> Result<(), Error> {
        let found = self.lookup.parent(dir);
        let parent = found.map_err(Error::applying("finding its directory", &member.name))?;
        match mknodat(&parent.dir, deleted.as_c_str(), SFlag::S_IFCHR, Mode::empty(), 0) {
            Ok(()) => Ok(()),
            Err(Errno::EEXIST) => match open_name(&parent.dir, deleted) {
                Ok(made) => self.make_opaque(member, &made),
                Err(Errno::ENOTDIR | Errno::ELOOP) => Ok(()),
                Err(errno) => Err(Error::applying("recording what it deletes", &member.name)(errno)),
            },
            Err(errno) => Err(Error::applying("recording what it deletes", &member.name)(errno)),
        }
    }

    fn is_whiteout(&self, member: &Member, spot: &Spot<'_>) -> Result<bool, Error> {
        if self.options.whiteouts == Whiteouts::Flat {
            return Ok(false);
        }
        removal::is_whiteout(&spot.parent.dir, spot.name)
            .map_err(Error::applying("examining it", &member.name))
    }

    fn make_opaque(&self, member: &Member, dir: &OwnedFd) -> Result<(), Error> {
        crate::sys::set_attribute(dir, c"user.overlay.opaque", b"y")
            .map_err(Error::applying("making its directory opaque", &member.name))
    }

    fn hide_below(&mut self, member: &Member, dir: &InnerPath) -> Result<(), Error> {
        match self.options.whiteouts {
            Whiteouts::Overlay => {
                let found = self.lookup.parent(dir);
                let parent = found.map_err(Error::applying("finding its directory", &member.name))?;
                self.make_opaque(member, &parent.dir)
            }
            Whiteouts::Flat if self.options.has_lower => {
                self.remove_all_lower(dir).map_err(Error::applying("emptying its directory", &member.name))
            }
            Whiteouts::Flat => Ok(()),
        }
    }

    /// Removes what the layers below have at a path. If this layer has something there, that remains.
    fn remove_lower(&mut self, dir: &InnerPath, name: &CStr, path: &InnerPath) -> Result<(), Errno> {
        if self.of_this_layer.has(path) {
            return match self.remove_all_lower(path) {
                Err(Errno::ENOTDIR | Errno::ELOOP) => Ok(()),
                removed => removed,
            };
        }
        self.lookup.forget();
        match self.lookup.find(dir) {
            Err(Errno::ENOENT) => Ok(()),
            dir => removal::remove(&dir?, name).map(drop),
        }
    }

    /// The same for everything in a directory.
    fn remove_all_lower(&mut self, dir: &InnerPath) -> Result<(), Errno> {
        let opened = match self.lookup.open_dir(dir) {
            Err(Errno::ENOENT) => return Ok(()),
            opened => opened?,
        };
        for name in removal::names(&opened)? {
            self.remove_lower(dir, &name, &dir.join(name.to_bytes()))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Summary, Error> {
        for link in std::mem::take(&mut self.deferred.links) {
            self.finish_link(&link)?;
        }
        self.summary.attributes += self.deferred.finish(&self.lookup)?;
        if !self.has_root && !self.options.has_lower {
            fchmod(self.lookup.root(), ROOT_MODE).map_err(Error::applying("setting the mode", b"/"))?;
        }
        Ok(self.summary)
    }

    fn finish_link(&mut self, link: &EarlyLink) -> Result<(), Error> {
        let name = link.path.bytes();
        let Some((dir, last)) = link.path.split() else { return Ok(()) };
        let Some((target_dir, target)) = link.target.split() else { return Ok(()) };
        let linking = || Error::applying("linking it", name);
        let parent = self.lookup.parent(&dir).map_err(linking())?;
        let from = self.lookup.find(&target_dir).map_err(linking())?;
        match linkat(&from, target.as_c_str(), &parent.dir, last.as_c_str(), AtFlags::empty()) {
            // A later entry has the name.
            Err(Errno::EEXIST) => Ok(()),
            linked => linked.map_err(linking()),
        }
    }
}
