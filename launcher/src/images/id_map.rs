//! The maps with which a layer was unpacked, as text. The owners of its files are IDs of the host, so a layer
//! is only used with the maps that it was unpacked with.

use crate::images::hash;

/// Both maps: the lines `INSIDE:OUTSIDE:COUNT` of users separated by commas, a semicolon, and the lines of
/// groups. They are sorted, and adjacent lines are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapText(String);

impl MapText {
    /// From the lines of both maps: the first ID inside, the first outside, and the count.
    #[must_use]
    pub fn of_lines(uids: &[[u32; 3]], gids: &[[u32; 3]]) -> MapText {
        MapText(format!("{};{}", joined(uids), joined(gids)))
    }

    /// From the texts of /proc/PID/uid_map and gid_map. `None` if one of them is not a map.
    #[must_use]
    pub fn of_files(uid_map: &str, gid_map: &str) -> Option<MapText> {
        Some(MapText::of_lines(&lines(uid_map)?, &lines(gid_map)?))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The maps of layers in which the files of IDs that are not mapped belong to the caller: `--squash-ids`.
    #[must_use]
    pub fn squashed(&self) -> MapText {
        MapText(format!("{};squashed", self.0))
    }

    /// The name of the directory of layers that were unpacked with these maps.
    #[must_use]
    pub fn key(&self) -> String {
        hash::hex(self.0.as_bytes())
    }
}

fn joined(lines: &[[u32; 3]]) -> String {
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    let mut merged: Vec<[u32; 3]> = Vec::new();
    for line in sorted.into_iter().filter(|[_, _, count]| *count > 0) {
        match merged.last_mut() {
            Some(last) if follows(*last, line) => last[2] = last[2].saturating_add(line[2]),
            _ => merged.push(line),
        }
    }
    merged
        .iter()
        .map(|[inside, outside, count]| format!("{inside}:{outside}:{count}"))
        .collect::<Vec<_>>()
        .join(",")
}

fn follows([inside, outside, count]: [u32; 3], next: [u32; 3]) -> bool {
    inside.checked_add(count) == Some(next[0]) && outside.checked_add(count) == Some(next[1])
}

fn lines(file: &str) -> Option<Vec<[u32; 3]>> {
    let line = |line: &str| {
        let numbers: Vec<u32> =
            line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
        numbers.try_into().ok()
    };
    file.lines().map(line).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::MapText;

    #[test]
    fn adjacent_lines_are_one_whatever_their_order() {
        let map =
            MapText::of_lines(&[[11, 100_010, 5], [0, 1000, 1], [1, 100_000, 10]], &[[0, 7, 1], [1, 9, 0]]);
        assert_eq!(map.text(), "0:1000:1,1:100000:15;0:7:1");
    }

    #[test]
    fn lines_that_are_adjacent_only_inside_or_only_outside_stay_apart() {
        let map = MapText::of_lines(&[[0, 5, 1], [1, 7, 1]], &[[0, 5, 1], [2, 6, 1]]);
        assert_eq!(map.text(), "0:5:1,1:7:1;0:5:1,2:6:1");
    }

    #[test]
    fn the_files_of_the_kernel_give_the_same_text() {
        let file = "         0       1000          1\n         1     100000      65535\n";
        let map = MapText::of_files(file, file).unwrap();
        let planned = [[0, 1000, 1], [1, 100_000, 65_535]];
        assert_eq!(map, MapText::of_lines(&planned, &planned));
        assert_eq!(map.key().len(), 16);
        assert_ne!(map.key(), MapText::of_lines(&planned, &[[0, 1000, 1]]).key());
        assert_eq!(MapText::of_files("0 1000", file), None);
        assert_eq!(MapText::of_files("0 x 1", file), None);
    }
}
