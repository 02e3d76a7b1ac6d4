//! A requested map: valid in itself, but not yet authorised.

use crate::invalid::Invalid;
use crate::number::{fields, parse_number};
use crate::range::IdRange;
use crate::text::Text;

/// The kernel's limit on extents in a map: UID_GID_MAP_MAX_EXTENTS in include/linux/user_namespace.h.
pub const MAX_EXTENTS: usize = 340;

/// The kernel's limit on the text of a map, less than one page: map_write() in kernel/user_namespace.c.
pub const MAX_TEXT: usize = 4095;

/// The limit on lines as typed. The kernel's limits apply after adjacent lines are joined.
const MAX_LINES: usize = 4096;

/// Maps `count` IDs from `inside` in the new user namespace to those from `outside` in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapLine {
    /// The first ID in the new user namespace.
    pub inside: u32,
    /// The first ID in the caller's user namespace.
    pub outside: u32,
    /// The number of IDs.
    pub count: u32,
}

impl MapLine {
    const UNUSED: MapLine = MapLine { inside: 0, outside: 0, count: 0 };

    /// # Errors
    /// The inside range is invalid.
    pub const fn inside_range(self) -> Result<IdRange, Invalid> {
        IdRange::new(self.inside, self.count)
    }

    /// # Errors
    /// The outside range is invalid.
    pub const fn outside_range(self) -> Result<IdRange, Invalid> {
        IdRange::new(self.outside, self.count)
    }

    /// Reads the three numbers of a line.
    ///
    /// # Errors
    /// One of them is not a valid number.
    pub fn parse([inside, outside, count]: [&[u8]; 3]) -> Result<MapLine, Invalid> {
        let (inside, outside, count) = (parse_number(inside)?, parse_number(outside)?, parse_number(count)?);
        Ok(MapLine { inside, outside, count })
    }

    /// Reads a line of uid_map or gid_map as the kernel prints it, padded with blanks; `None` for any other
    /// line.
    pub fn of_kernel(line: &[u8]) -> Option<MapLine> {
        let mut numbers = line.split(u8::is_ascii_whitespace).filter(|number| !number.is_empty());
        MapLine::parse([numbers.next()?, numbers.next()?, numbers.next()?]).ok()
    }

    /// Both lines as one, if `next` continues this line on both sides.
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

/// The lines of one map, sorted by inside ID, without overlaps on either side.
pub struct RequestedLines<const ROOM: usize> {
    lines: [MapLine; ROOM],
    used: usize,
}

/// A map as typed.
pub type RequestedMap = RequestedLines<MAX_LINES>;

/// A map of at most as many lines as the kernel accepts. The launcher plans with it, as it takes much less
/// memory.
pub type PlannedMap = RequestedLines<MAX_EXTENTS>;

impl<const ROOM: usize> RequestedLines<ROOM> {
    /// A map without lines.
    pub const EMPTY: Self = RequestedLines { lines: [MapLine::UNUSED; ROOM], used: 0 };

    /// The lines as requested, sorted by inside ID.
    pub fn lines(&self) -> &[MapLine] {
        self.lines.get(..self.used).unwrap_or(&[])
    }

    /// True if there are no lines.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Adds the lines of `IN:OUT:COUNT[,IN:OUT:COUNT]…`.
    ///
    /// # Errors
    /// The first mistake in the text.
    pub fn push_text(&mut self, text: &[u8]) -> Result<(), BadMap> {
        for range in text.split(|byte| *byte == b',') {
            self.push(MapLine::parse(fields(range, b':').ok_or(Invalid::MapFields)?)?)?;
        }
        Ok(self.check_size()?)
    }

    /// Adds one line.
    ///
    /// # Errors
    /// A side is not a valid range, the line overlaps an earlier one, or the map is full.
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

    /// The lines, with lines that continue each other on both sides joined.
    pub fn joined(&self) -> impl Iterator<Item = MapLine> {
        self.joined_if(|_| true)
    }

    /// The same, but two lines are joined only if `is_fit` accepts the result.
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

    /// Checks the joined lines against the kernel's two limits.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub fn check_size(&self) -> Result<(), Invalid> {
        let mut text = Text::EMPTY;
        kernel_text(self.joined(), &mut text).map(|_| ())
    }
}

/// Appends lines in the mapper's syntax: `IN:OUT:COUNT,…`.
pub fn push_typed<const N: usize>(text: &mut Text<N>, lines: impl Iterator<Item = MapLine>) {
    for (at, line) in lines.enumerate() {
        text.push(if at == 0 { "" } else { "," });
        line.push_to(text, ":");
    }
}

/// The text for `uid_map` or `gid_map`.
///
/// # Errors
/// The text exceeds one of the kernel's limits.
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
