//! A command line of arbitrary arguments: it is accepted exactly when a naive reading accepts it, and means
//! the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use subroot_idmap::{IdKind, MapLine, Request, RequestedMap, TargetArg, Text, Verb, push_typed};

// One argument per line, the program's name first.
fuzz_target!(|input: &[u8]| {
    let mut words = input.strip_suffix(b"\n").unwrap_or(input).split(|byte| *byte == b'\n');
    let program = words.next().unwrap_or_default();
    let words: Vec<&[u8]> = words.collect();
    let mut request = Request::EMPTY;
    let (verb, expected) = match program {
        b"newuidmap" => (request.read_triples(IdKind::Uid, words.iter().copied()), naive_triples(&words, 0)),
        b"newgidmap" => (request.read_triples(IdKind::Gid, words.iter().copied()), naive_triples(&words, 1)),
        _ => (request.read(words.iter().copied()), naive_options(&words)),
    };
    match (verb, expected) {
        (Ok(Verb::Map(target)), Some(expected)) => {
            let target = match target {
                TargetArg::Pid(pid) => pid.to_string(),
                TargetArg::Descriptor(number) => format!("fd:{number}"),
            };
            assert_eq!((target, request.deny_setgroups), (expected.target, expected.deny));
            is_sound(&request.maps.uid, &expected.maps[0]);
            is_sound(&request.maps.gid, &expected.maps[1]);
        }
        (Ok(verb), None) => {
            let word: &[u8] = if verb == Verb::Help { b"--help" } else { b"--version" };
            assert!(matches!(verb, Verb::Help | Verb::Version) && words == [word], "{verb:?}");
        }
        (Ok(verb), Some(_)) => panic!("only {verb:?}"),
        (Err(why), Some(_)) => panic!("{why:?}"),
        (Err(_), None) => {}
    }
});

type Line = (u64, u64, u64);

/// The content of a command line.
#[derive(Default)]
struct Said {
    target: String,
    maps: [Vec<Line>; 2],
    deny: bool,
}

fn naive_options(words: &[&[u8]]) -> Option<Said> {
    let mut words = words.iter().map(|word| std::str::from_utf8(word).ok());
    let target = words.next()??;
    let mut said = Said { target: target.to_owned(), ..Said::default() };
    while let Some(word) = words.next() {
        match word? {
            "--uid-map" if said.maps[0].is_empty() => said.maps[0] = naive_map(words.next()??)?,
            "--gid-map" if said.maps[1].is_empty() => said.maps[1] = naive_map(words.next()??)?,
            "--setgroups" if !said.deny && words.next()?? == "deny" => said.deny = true,
            _ => return None,
        }
    }
    let is_whole = is_target(target) && said.maps.iter().any(|map| !map.is_empty());
    is_whole.then_some(said)
}

fn naive_triples(words: &[&[u8]], kind: usize) -> Option<Said> {
    let words: Option<Vec<&str>> = words.iter().map(|word| std::str::from_utf8(word).ok()).collect();
    let words = words?;
    let (target, rest) =
        words.split_first().filter(|(target, rest)| is_target(target) && !rest.is_empty())?;
    let mut said = Said { target: (*target).to_owned(), ..Said::default() };
    said.maps[kind] = naive_lines(rest.chunks(3).map(<[&str]>::to_vec))?;
    Some(said)
}

fn naive_map(text: &str) -> Option<Vec<Line>> {
    naive_lines(text.split(',').map(|line| line.split(':').collect()))
}

fn naive_lines<'t>(lines: impl Iterator<Item = Vec<&'t str>>) -> Option<Vec<Line>> {
    let mut taken: Vec<Line> = Vec::new();
    for line in lines {
        let [inside, outside, count] = line[..] else { return None };
        let line = (number(inside)?, number(outside)?, number(count)?);
        let fits = |first: u64| first + line.2 <= u64::from(u32::MAX);
        let meets = |one: u64, first: u64, count: u64| one < first + count && first < one + line.2;
        let overlaps = |known: &Line| meets(line.0, known.0, known.2) || meets(line.1, known.1, known.2);
        if line.2 == 0 || !fits(line.0) || !fits(line.1) || taken.iter().any(overlaps) || taken.len() == 4096
        {
            return None;
        }
        taken.push(line);
    }
    taken.sort_unstable();
    let joined = naive_joined(&taken);
    (joined.len() <= 340 && text_of(&joined).len() <= 4095).then_some(taken)
}

fn naive_joined(lines: &[Line]) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::new();
    for line in lines {
        match joined.last_mut() {
            Some(last) if (last.0 + last.2, last.1 + last.2) == (line.0, line.1) => last.2 += line.2,
            _ => joined.push(*line),
        }
    }
    joined
}

fn text_of(lines: &[Line]) -> String {
    lines.iter().map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect()
}

fn number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| *number <= u64::from(u32::MAX) && number.to_string() == text)
}

fn is_target(word: &str) -> bool {
    word.strip_prefix("fd:").map_or(number(word).is_some_and(|pid| pid > 0), |word| number(word).is_some())
}

fn is_sound(map: &RequestedMap, expected: &[Line]) {
    let wide = |line: MapLine| (u64::from(line.inside), u64::from(line.outside), u64::from(line.count));
    assert_eq!(map.lines().iter().copied().map(wide).collect::<Vec<_>>(), expected);
    assert_eq!(map.joined().map(wide).collect::<Vec<_>>(), naive_joined(expected));
    if expected.is_empty() {
        return;
    }
    let mut argument = Text::<{ 4096 * 33 }>::EMPTY;
    push_typed(&mut argument, map.lines().iter().copied());
    let mut again = RequestedMap::EMPTY;
    assert_eq!(again.push_text(argument.whole().expect("room for any map")), Ok(()));
    assert_eq!(again.lines(), map.lines());
}
