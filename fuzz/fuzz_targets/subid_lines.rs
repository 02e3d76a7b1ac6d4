//! A grant file of arbitrary bytes: it grants a caller what a naive reading of it grants.
#![no_main]

use libfuzzer_sys::fuzz_target;
use subroot_idmap::{Account, Caller, Granted, IdRange, MAX_GRANTS, each_line};

/// A name with which a line can have the maximum length, or one byte more.
const LONG: &str = match std::str::from_utf8(&[b'n'; 1019]) {
    Ok(name) => name,
    Err(_) => "",
};

/// The uids and names of the callers for which every file is read.
const CALLERS: [(u32, &[&str]); 6] = [
    (1000, &["alice", "alice-admin"]),
    (1001, &["1000", "+bob"]),
    (4711, &[]),
    (0, &["root"]),
    (7, &["ü", "#"]),
    (8, &[LONG]),
];

fuzz_target!(|file: &[u8]| {
    for (uid, names) in CALLERS {
        let mut caller = Caller::new(uid, uid);
        for name in names {
            caller.add_account(&Account {
                name: name.as_bytes(),
                uid: Some(uid),
                gid: Some(uid),
                is_whole: true,
            });
        }
        let expected: Vec<(u64, u64)> =
            file.split(|byte| *byte == b'\n').filter_map(|line| naive_grant(line, uid, names)).collect();
        let counting = expected.get(..MAX_GRANTS).unwrap_or(&expected);
        let mut granted = Granted::NONE;
        read(file, &caller, &mut granted);
        assert_eq!(granted.ranges().iter().map(ends).collect::<Vec<_>>(), counting);
        assert_eq!(granted.has_more(), counting.len() < expected.len());
        covers_the_union(&granted, counting);
        voids_what_holds(&mut granted, counting);
    }
});

/// Reads the file in chunks through a buffer hardly longer than the longest line. The file's content decides
/// both sizes.
fn read(mut file: &[u8], caller: &Caller, granted: &mut Granted) {
    let sum: usize = file.iter().map(|byte| usize::from(*byte)).sum();
    let mut buffer = vec![0; 1024 + sum % 64];
    let next = |free: &mut [u8], _| {
        let (now, later) = file.split_at(file.len().min(free.len()).min(1 + sum % 1500));
        free[..now.len()].copy_from_slice(now);
        file = later;
        Ok::<usize, ()>(now.len())
    };
    let mut last = 0;
    let visit = |number, line: &[u8]| {
        assert!(number > last);
        last = number;
        granted.add_line(caller, number, line);
    };
    each_line(&mut buffer, next, visit).expect("nothing fails here");
}

/// The first ID and the end of the range that a line grants, read with only the standard library.
fn naive_grant(line: &[u8], uid: u32, names: &[&str]) -> Option<(u64, u64)> {
    let line = std::str::from_utf8(line).ok().filter(|line| line.len() <= 1023)?;
    if line.starts_with('#') || line.contains(|c: char| c.is_ascii_control() || c == ' ') {
        return None;
    }
    let [owner, first, count] = line.split(':').collect::<Vec<_>>()[..] else { return None };
    let is_owners = if owner.bytes().all(|byte| byte.is_ascii_digit()) {
        owner == uid.to_string()
    } else {
        names.contains(&owner) && !owner.starts_with(['+', '-', '@', '!', '*'])
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    let (first, count) = (number(first)?, number(count)?);
    let end = first.checked_add(count)?;
    (is_owners && first > 0 && count > 0 && end <= u64::from(u32::MAX)).then_some((first, end))
}

fn ends(range: &IdRange) -> (u64, u64) {
    (u64::from(range.first()), u64::from(range.first()) + u64::from(range.count()))
}

/// A range is covered if every ID of it is in some line. That can change only where a line begins or ends.
fn covers_the_union(granted: &Granted, lines: &[(u64, u64)]) {
    let in_union = |id: u64| lines.iter().any(|(first, end)| (*first..*end).contains(&id));
    for (at, (first, end)) in lines.iter().take(8).enumerate() {
        let other = lines[(at * 7 + 3) % lines.len()];
        for (first, end) in [(*first, *end), (*first, end + 1), (first - 1, *end), (*first, other.1)] {
            let count = end.saturating_sub(first);
            let (Ok(from), Ok(count)) = (u32::try_from(first), u32::try_from(count)) else { continue };
            let Ok(range) = IdRange::new(from, count) else { continue };
            let edges = lines.iter().map(|line| line.1).filter(|edge| (first..end).contains(edge));
            let expected = in_union(first) && edges.into_iter().all(in_union);
            assert_eq!(granted.covers(range), expected, "{range:?}");
        }
    }
}

fn voids_what_holds(granted: &mut Granted, lines: &[(u64, u64)]) {
    let Some(live) = lines.first().and_then(|line| u32::try_from(line.1 - 1).ok()) else { return };
    granted.void_lines_over(live);
    let holds = |line: &&(u64, u64)| (line.0..line.1).contains(&u64::from(live)) && line.1 - line.0 > 1;
    let expected: Vec<_> = lines.iter().filter(|line| !holds(line)).copied().collect();
    assert_eq!(granted.ranges().iter().map(ends).collect::<Vec<_>>(), expected);
}
