//! A mapper.conf of arbitrary bytes: accepted rules never overlap, wrap or contain ID 0, and grant the ranges
//! they state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use subroot_idmap::{Account, Caller, Config, Invalid};

/// The settings for one caller, or the first line that was rejected.
type Reading = Result<Config, (usize, Invalid)>;

fuzz_target!(|file: &[u8]| {
    let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    let alice = caller(1000, Some("alice"));
    let reading = read(&alice, &lines);
    reads_the_same(&reading, &read(&alice, &lines), &alice);
    let taken = reading.as_ref().map_or_else(|(number, _)| *number, |_| lines.len());
    let rules: Vec<Rule> = lines[..taken].iter().filter_map(|line| Rule::of_line(line)).collect();
    are_apart(&rules);
    if let Err((number, Invalid::Overlaps)) = reading {
        let refused = Rule::of_line(lines[number]).expect("a rule, as nothing else overlaps");
        assert!(rules.iter().any(|rule| rule.meets(&refused)) || shared(refused.uids, refused.area));
    }
    if reading.is_ok() {
        computes(&rules, &lines);
    }
});

fn caller(uid: u32, name: Option<&str>) -> Caller {
    let mut caller = Caller::new(uid, uid);
    if let Some(name) = name {
        caller.add_account(&Account {
            name: name.as_bytes(),
            uid: Some(uid),
            gid: Some(uid),
            is_whole: true,
        });
    }
    caller
}

fn read(caller: &Caller, lines: &[&[u8]]) -> Reading {
    let mut config = Config::DEFAULT;
    for (number, line) in lines.iter().enumerate() {
        config.add_line(caller, line).map_err(|why| (number, why))?;
    }
    Ok(config)
}

fn reads_the_same(one: &Reading, two: &Reading, caller: &Caller) {
    match (one, two) {
        (Ok(one), Ok(two)) => {
            let stand = |config: &Config| {
                (
                    config.denies_setgroups,
                    config.allows_live_ids,
                    config.allows_own_groups,
                    config.computed_grant(caller),
                )
            };
            assert_eq!(stand(one), stand(two));
        }
        (Err(one), Err(two)) => assert_eq!(one, two),
        _ => panic!("read once and refused once"),
    }
}

/// The first ID and the end.
type Span = (u64, u64);

struct Rule {
    uids: Span,
    area: Span,
    count: u64,
}

impl Rule {
    /// A naive reading of a line that is a rule, whether or not it should be accepted.
    fn of_line(line: &[u8]) -> Option<Rule> {
        let text = std::str::from_utf8(line).ok().filter(|line| line.len() <= 1023)?;
        let trim = |text: &'_ str| text.trim_matches(|c: char| c.is_ascii_whitespace()).to_owned();
        let (key, value) = text.split_once('=')?;
        let value = trim(value);
        let [uids, start, count] = value.split(':').collect::<Vec<_>>()[..] else { return None };
        let (first, last) = uids.split_once('-')?;
        let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
        let (start, count) = (start.parse::<u64>().ok()?, count.parse::<u64>().ok()?);
        let accounts = (last + 1).checked_sub(first)?;
        let area = (start, start.checked_add(accounts.checked_mul(count)?)?);
        (trim(key) == "computed-grants").then_some(Rule { uids: (first, last + 1), area, count })
    }

    fn meets(&self, other: &Rule) -> bool {
        [self.uids, self.area].iter().any(|one| [other.uids, other.area].iter().any(|two| shared(*one, *two)))
    }
}

fn shared(one: Span, two: Span) -> bool {
    one.0 < two.1 && two.0 < one.1
}

fn are_apart(rules: &[Rule]) {
    for (at, rule) in rules.iter().enumerate() {
        for (first, end) in [rule.uids, rule.area] {
            assert!(first < end && end <= u64::from(u32::MAX), "a rule that wraps or is empty");
        }
        assert!(rule.area.0 > 0 && rule.count > 0, "a rule that holds ID 0");
        assert!(!shared(rule.uids, rule.area), "a rule that overlaps itself");
        assert!(!rules[..at].iter().any(|earlier| earlier.meets(rule)), "rules that overlap");
    }
}

/// Compares the computed grants of the uids at the ends of every rule with the text of the rules.
fn computes(rules: &[Rule], lines: &[&[u8]]) {
    let ends = rules
        .iter()
        .take(8)
        .flat_map(|rule| [rule.uids.0.saturating_sub(1), rule.uids.0, rule.uids.1 - 1, rule.uids.1]);
    for uid in ends {
        let caller = caller(u32::try_from(uid).expect("a uid"), None);
        let Ok(config) = read(&caller, lines) else { panic!("taken for one caller and not for another") };
        let rule = rules.iter().find(|rule| (rule.uids.0..rule.uids.1).contains(&uid));
        let expected = rule.map(|rule| (rule.area.0 + (uid - rule.uids.0) * rule.count, rule.count));
        let granted =
            config.computed_grant(&caller).map(|range| (u64::from(range.first()), u64::from(range.count())));
        assert_eq!(granted, expected);
    }
}
