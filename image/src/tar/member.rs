//! An entry of a tar, as plain data.

/// An entry, with the records that override its header applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The name as it is in the archive.
    pub name: Vec<u8>,
    /// The kind of file.
    pub kind: Kind,
    /// The permission bits, with those of setuid, setgid and the sticky bit.
    pub mode: u32,
    /// The user.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// The modification time.
    pub mtime: Time,
    /// The extended attributes, in the archive's order.
    pub attributes: Vec<Attribute>,
    /// The number of attributes that the archive has in a form that cannot be kept.
    pub lost_attributes: u64,
    /// The number of bytes in the archive.
    pub stored: u64,
}

/// The kind of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A file whose content is stored as it is.
    File,
    /// A file of which only these pieces are stored; between them are holes.
    Sparse {
        /// The pieces, in ascending order.
        pieces: Vec<Piece>,
        /// The size of the file.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symlink to this target.
    Symlink(Vec<u8>),
    /// A hard link to the entry of this name.
    HardLink(Vec<u8>),
    /// A fifo.
    Fifo,
    /// A character or block device.
    Device,
    /// The label of a tape, which is no file.
    Label,
}

/// A piece of a sparse file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub length: u64,
}

/// A time since 1970, which can be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Time {
    /// Seconds, rounded down.
    pub seconds: i64,
    /// Nanoseconds after them.
    pub nanoseconds: u32,
}

/// An extended attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// Its full name, such as `security.capability`.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}
