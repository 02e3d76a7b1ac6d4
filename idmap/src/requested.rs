//! A map as it was asked for: sound in itself, which says nothing about permission.

use crate::invalid::Invalid;
use crate::number::{fields, parse_number};
use crate::range::IdRange;
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

impl MapLine {
    const UNUSED: MapLine = MapLine { inside: 0, outside: 0, count: 0 };

    /// # Errors
    /// When either side is no range.
    pub const fn inside_range(self) -> Result<IdRange, Invalid> {
        IdRange::new(self.inside, self.count)
    }

    /// # Errors
    /// When either side is no range.
    pub const fn outside_range(self) -> Result<IdRange, Invalid> {
        IdRange::new(self.outside, self.count)
    }

    /// Reads the three numbers of a line.
    ///
    /// # Errors
    /// A number that is none.
    pub fn parse([inside, outside, count]: [&[u8]; 3]) -> Result<MapLine, Invalid> {
        let (inside, outside, count) = (parse_number(inside)?, parse_number(outside)?, parse_number(count)?);
        Ok(MapLine { inside, outside, count })
    }

    /// Reads a line of uid_map or gid_map as the kernel shows it, with blanks between and before; `None` for any other line.
    pub fn of_kernel(line: &[u8]) -> Option<MapLine> {
        let mut numbers = line.split(u8::is_ascii_whitespace).filter(|number| !number.is_empty());
        MapLine::parse([numbers.next()?, numbers.next()?, numbers.next()?]).ok()
    }

    /// Both lines as one, if `next` continues this one on both sides.
    fn joined_with(self, next: MapLine) -> Option<MapLine> {
        let continues = |first: u32, next: u32| first.checked_add(self.count) == Some(next);
        let count = self.count.checked_add(next.count)?;
        let is_next = continues(self.inside, next.inside) && continues(self.outside, next.outside);
        is_next.then_some(MapLine { count, ..self })
    }

    fn push_to<const N: usize>(self, text: &mut Text<N>, between: &str) {
        text.push_number(self.inside).push(between).push_number(self.outside);
        text.push(between).push_number(self.count);
    }
}

/// Why a map is not accepted, and which two of its ranges overlap if that is the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadMap {
    /// The reason.
    pub why: Invalid,
    /// The earlier range and the later one, both inside or both outside.
    pub overlap: Option<[IdRange; 2]>,
}

impl From<Invalid> for BadMap {
    fn from(why: Invalid) -> BadMap {
        BadMap { why, overlap: None }
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
    pub fn push_text(&mut self, text: &[u8]) -> Result<(), BadMap> {
        for range in text.split(|byte| *byte == b',') {
            self.push(MapLine::parse(fields(range, b':').ok_or(Invalid::MapFields)?)?)?;
        }
        Ok(self.check_size()?)
    }

    /// Takes in one line.
    ///
    /// # Errors
    /// A side that is no range, an overlap with an earlier line, or no room.
    pub fn push(&mut self, line: MapLine) -> Result<(), BadMap> {
        let (inside, outside) = (line.inside_range()?, line.outside_range()?);
        let met = |side: fn(MapLine) -> Result<IdRange, Invalid>, range: IdRange| {
            let mut known = self.lines().iter().filter_map(|known| side(*known).ok());
            known.find(|known| known.overlaps(range)).map(|known| [known, range])
        };
        if let overlap @ Some(_) = met(MapLine::inside_range, inside) {
            return Err(BadMap { why: Invalid::OverlapInside, overlap });
        }
        if let overlap @ Some(_) = met(MapLine::outside_range, outside) {
            return Err(BadMap { why: Invalid::OverlapOutside, overlap });
        }
        let at = self.lines().partition_point(|known| known.inside < line.inside);
        let mut carried = line;
        for slot in self.lines.get_mut(at..=self.used).ok_or(Invalid::TooManyTyped)? {
            core::mem::swap(slot, &mut carried);
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// The lines with neighbours that continue each other on both sides made one.
    pub fn joined(&self) -> impl Iterator<Item = MapLine> {
        self.joined_if(|_| true)
    }

    /// The same, but only where the line that results is a fit one.
    pub(crate) fn joined_if(&self, is_fit: impl Fn(MapLine) -> bool) -> impl Iterator<Item = MapLine> {
        let mut rest = self.lines().iter().copied().peekable();
        core::iter::from_fn(move || {
            let mut line = rest.next()?;
            let join = |line: MapLine, next: &MapLine| line.joined_with(*next).filter(|line| is_fit(*line));
            while let Some(longer) = rest.peek().and_then(|next| join(line, next)) {
                line = longer;
                rest.next();
            }
            Some(line)
        })
    }

    /// Holds the kernel's two limits against the joined lines.
    ///
    /// # Errors
    /// Which limit is passed.
    pub fn check_size(&self) -> Result<(), Invalid> {
        let mut text = Text::EMPTY;
        kernel_text(self.joined(), &mut text).map(|_| ())
    }
}

/// Appends lines as they are typed for the mapper: `IN:OUT:COUNT,…`.
pub fn push_typed<const N: usize>(text: &mut Text<N>, lines: impl Iterator<Item = MapLine>) {
    for (at, line) in lines.enumerate() {
        text.push(if at == 0 { "" } else { "," });
        line.push_to(text, ":");
    }
}

/// The text for `uid_map` or `gid_map`.
///
/// # Errors
/// It is longer than the kernel takes.
pub(crate) fn kernel_text(
    lines: impl Iterator<Item = MapLine>,
    text: &mut Text<MAX_TEXT>,
) -> Result<&[u8], Invalid> {
    let mut count = 0_usize;
    for line in lines {
        line.push_to(text, " ");
        text.push("\n");
        count = count.saturating_add(1);
    }
    if count > MAX_EXTENTS { Err(Invalid::TooManyLines) } else { text.whole().ok_or(Invalid::TooMuchText) }
}
