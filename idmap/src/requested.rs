//! A map as it was asked for: sound in itself, which says nothing about permission.

use crate::number::{NumberError, parse_number};
use crate::range::{IdRange, RangeError};
use crate::text::Text;

/// The kernel takes this many extents a map: UID_GID_MAP_MAX_EXTENTS in include/linux/user_namespace.h.
pub const MAX_EXTENTS: usize = 340;

/// The kernel takes less than a page of text: map_write() in kernel/user_namespace.c.
pub const MAX_TEXT: usize = 4095;

/// How many lines may be typed; adjacent ones are joined before the kernel's limits are held against them.
const MAX_LINES: usize = 4096;

/// `count` IDs from `inside` on, seen outside as `outside` and following.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapLine {
    /// The first ID in the new user namespace.
    pub inside: u32,
    /// The first ID in the user namespace of who asks.
    pub outside: u32,
    /// The number of IDs.
    pub count: u32,
}

/// Why a map was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// Not `IN:OUT:COUNT`.
    Fields,
    /// A number that is none.
    Number(NumberError),
    /// A range that is none.
    Range(RangeError),
    /// Two lines give one inside ID.
    OverlapInside,
    /// Two lines give one outside ID.
    OverlapOutside,
    /// More than [`MAX_EXTENTS`] lines after joining.
    TooManyLines,
    /// More than 4,096 lines before joining.
    TooManyTyped,
    /// More than [`MAX_TEXT`] bytes after joining.
    TooMuchText,
}

impl MapError {
    /// The reason in a few words.
    pub const fn reason(self) -> &'static str {
        match self {
            MapError::Fields => "a range is not IN:OUT:COUNT",
            MapError::Number(why) => why.reason(),
            MapError::Range(why) => why.reason(),
            MapError::OverlapInside => "two ranges overlap inside",
            MapError::OverlapOutside => "two ranges overlap outside",
            MapError::TooManyLines => "more than 340 ranges after joining",
            MapError::TooManyTyped => "more than 4096 ranges",
            MapError::TooMuchText => "more than 4095 bytes of map after joining",
        }
    }
}

impl MapLine {
    const UNUSED: MapLine = MapLine { inside: 0, outside: 0, count: 0 };

    /// # Errors
    /// When either side is no range.
    pub const fn inside_range(self) -> Result<IdRange, RangeError> {
        IdRange::new(self.inside, self.count)
    }

    /// # Errors
    /// When either side is no range.
    pub const fn outside_range(self) -> Result<IdRange, RangeError> {
        IdRange::new(self.outside, self.count)
    }

    fn parse(text: &[u8]) -> Result<MapLine, MapError> {
        let mut fields = text.split(|byte| *byte == b':');
        let (Some(inside), Some(outside), Some(count), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(MapError::Fields);
        };
        let number = |field| parse_number(field).map_err(MapError::Number);
        Ok(MapLine { inside: number(inside)?, outside: number(outside)?, count: number(count)? })
    }

    fn continues(self, earlier: MapLine) -> bool {
        earlier.inside.checked_add(earlier.count) == Some(self.inside)
            && earlier.outside.checked_add(earlier.count) == Some(self.outside)
    }
}

/// The lines of one map, sorted by inside ID, without overlap on either side.
pub struct RequestedLines<const ROOM: usize> {
    lines: [MapLine; ROOM],
    used: usize,
}

/// A map as it may be typed.
pub type RequestedMap = RequestedLines<MAX_LINES>;

/// A map with no more lines than the kernel takes: a fraction of the memory, for whoever plans one.
pub type PlannedMap = RequestedLines<MAX_EXTENTS>;

impl<const ROOM: usize> RequestedLines<ROOM> {
    /// A map of nothing.
    pub const EMPTY: Self = RequestedLines { lines: [MapLine::UNUSED; ROOM], used: 0 };

    /// The lines as asked for, sorted by inside ID.
    pub fn lines(&self) -> &[MapLine] {
        self.lines.get(..self.used).unwrap_or(&[])
    }

    /// True when nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Takes in `IN:OUT:COUNT[,IN:OUT:COUNT]…`.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn push_text(&mut self, text: &[u8]) -> Result<(), MapError> {
        for word in text.split(|byte| *byte == b',') {
            self.push(MapLine::parse(word)?)?;
        }
        self.check_size()
    }

    /// Takes in one line.
    ///
    /// # Errors
    /// A side that is no range, an overlap with an earlier line, or no room.
    pub fn push(&mut self, line: MapLine) -> Result<(), MapError> {
        let inside = line.inside_range().map_err(MapError::Range)?;
        let outside = line.outside_range().map_err(MapError::Range)?;
        let meets = |side: fn(MapLine) -> Result<IdRange, RangeError>, range: IdRange| {
            self.lines().iter().any(|known| side(*known).is_ok_and(|known| known.overlaps(range)))
        };
        if meets(MapLine::inside_range, inside) {
            return Err(MapError::OverlapInside);
        }
        if meets(MapLine::outside_range, outside) {
            return Err(MapError::OverlapOutside);
        }
        let at = self.lines().partition_point(|known| known.inside < line.inside);
        let mut carried = line;
        for slot in self.lines.get_mut(at..=self.used).ok_or(MapError::TooManyTyped)? {
            core::mem::swap(slot, &mut carried);
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// The lines with neighbours that continue each other on both sides made one: what the kernel is given.
    pub fn joined(&self) -> impl Iterator<Item = MapLine> {
        let mut rest = self.lines().iter().copied().peekable();
        core::iter::from_fn(move || {
            let mut line = rest.next()?;
            while let Some(next) = rest.next_if(|next| next.continues(line)) {
                line.count = line.count.saturating_add(next.count);
            }
            Some(line)
        })
    }

    /// Holds the kernel's two limits against the joined lines.
    ///
    /// # Errors
    /// Which limit is passed.
    pub fn check_size(&self) -> Result<(), MapError> {
        if self.joined().count() > MAX_EXTENTS {
            return Err(MapError::TooManyLines);
        }
        kernel_text(self.joined(), &mut Text::default()).map(|_| ()).ok_or(MapError::TooMuchText)
    }

    /// The text for the command line of the mapper, `IN:OUT:COUNT,…`: not joined, as each line is judged for itself.
    pub fn argument<const N: usize>(&self, text: &mut Text<N>) {
        for (at, line) in self.lines().iter().enumerate() {
            text.push(if at == 0 { b"" } else { b"," });
            text.push_number(line.inside).push(b":");
            text.push_number(line.outside).push(b":");
            text.push_number(line.count);
        }
    }
}

/// The text for `uid_map` or `gid_map`; `None` when it is longer than the kernel takes.
pub(crate) fn kernel_text(lines: impl Iterator<Item = MapLine>, text: &mut Text<MAX_TEXT>) -> Option<&[u8]> {
    for line in lines {
        text.push_number(line.inside).push(b" ");
        text.push_number(line.outside).push(b" ");
        text.push_number(line.count).push(b"\n");
    }
    text.whole()
}
