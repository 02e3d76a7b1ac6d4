//! Random grants and random requests: the kernel's maps are exactly those of the model, and refusals leave no
//! trace (P1, P3, P9).

use crate::attempt;
use std::env;
use std::time::{SystemTime, UNIX_EPOCH};
use subroot_tests::{Host, Maps};

const ROUNDS: u32 = 800;
/// Everyone in the host's passwd: the uids, and the gids that are not uids.
const LIVE: [u64; 7] = [0, 1, 42, 65534, 1000, 1001, 1002];
const ALICE: u64 = 1000;

/// First and count.
type Range = (u64, u64);
/// Inside, outside, count.
type Line = (u64, u64, u64);

/// xorshift64*: every seed except 0 leads through all others.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("an index")]
    }

    /// Grants that are adjacent, overlap, contain live IDs, and sometimes are empty or contain ID 0.
    fn grants(&mut self) -> Vec<Range> {
        let grant = |random: &mut Random| match random.below(8) {
            0 => (random.pick(&LIVE), 1 + random.below(2)),
            1 => (random.below(3), random.below(4)),
            2 => (995 + random.below(10), 1 + random.below(4)),
            _ => (100_000 + random.below(40), random.below(20)),
        };
        (0..self.below(7)).map(|_| grant(self)).collect()
    }

    /// Lines of which many are covered by the grants, some continue each other, and a few are invalid.
    fn lines(&mut self, grants: &[Range]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..self.below(5) {
            let inside = self.below(40);
            let line = match (self.below(12), grants, lines.last()) {
                (0, _, _) => (inside, ALICE, 1),
                (1, _, _) => (inside, self.pick(&LIVE), 1),
                (2, _, _) => (4_294_967_290 + self.below(6), 100_000, 1 + self.below(3)),
                (3, _, _) => (inside, 100_000 + self.below(60), self.below(8)),
                (4..=5, _, Some((inside, outside, count))) => {
                    (inside + count, outside + count, 1 + self.below(4))
                }
                (_, [_, ..], _) => {
                    let (first, count) = self.pick(grants);
                    let skipped = self.below(count.max(1));
                    (inside, first + skipped, 1 + self.below((count - skipped.min(count)).max(1)))
                }
                _ => (inside, 1 + self.below(3), 1),
            };
            lines.push(line);
        }
        lines
    }
}

/// True if the lines are a map: valid ranges, no two of which overlap on either side.
fn is_map(lines: &[Line]) -> bool {
    let exists = |first: u64, count: u64| count > 0 && first + count <= u64::from(u32::MAX);
    let apart = |one: u64, two: u64, counts: (u64, u64)| one + counts.0 <= two || two + counts.1 <= one;
    lines.iter().enumerate().all(|(at, line)| {
        let is_apart = |other: &Line| {
            let counts = (line.2, other.2);
            apart(line.0, other.0, counts) && apart(line.1, other.1, counts)
        };
        exists(line.0, line.2) && exists(line.1, line.2) && lines[..at].iter().all(is_apart)
    })
}

/// True if every ID of the line is in a valid grant: one that does not start at 0, and contains no live
/// account's ID unless it is a single ID.
fn is_granted(line: &Line, grants: &[Range]) -> bool {
    let over_live = |grant: &Range| LIVE.iter().any(|id| (grant.0..grant.0 + grant.1).contains(id));
    let stands = |grant: &&Range| grant.0 > 0 && (grant.1 == 1 || !over_live(grant));
    let grants: Vec<&Range> = grants.iter().filter(stands).collect();
    (line.1..line.1 + line.2).all(|id| grants.iter().any(|grant| (grant.0..grant.0 + grant.1).contains(&id)))
}

/// The map that the kernel must show: sorted by inside ID, adjacent lines joined.
fn shown(lines: &[Line]) -> String {
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<Line> = Vec::new();
    for line in sorted {
        match joined.last_mut() {
            Some(last) if (last.0 + last.2, last.1 + last.2) == (line.0, line.1) => last.2 += line.2,
            _ => joined.push(line),
        }
    }
    joined.iter().map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect()
}

/// The expected status and maps.
fn expected(uid: &[Line], gid: &[Line], grants: &[Vec<Range>; 2], deny: bool) -> (i32, Maps) {
    if (uid.is_empty() && gid.is_empty()) || !is_map(uid) || !is_map(gid) {
        return (2, Maps::untouched());
    }
    let own = |line: &Line| line.1 == ALICE && line.2 == 1;
    let allowed =
        |lines: &[Line], grants: &[Range]| lines.iter().all(|line| own(line) || is_granted(line, grants));
    if !allowed(uid, &grants[0]) || !allowed(gid, &grants[1]) {
        return (1, Maps::untouched());
    }
    let denied = deny || (!gid.is_empty() && !gid.iter().any(|line| is_granted(line, &grants[1])));
    (0, Maps::new(&shown(uid), &shown(gid), if denied { "deny" } else { "allow" }))
}

fn option(name: &str, lines: &[Line]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{}:{}:{}", line.0, line.1, line.2)).collect();
    if lines.is_empty() { String::new() } else { format!("{name} {}", lines.join(",")) }
}

/// SUBROOT_SEED repeats a run.
fn seed() -> u64 {
    let given = env::var("SUBROOT_SEED").ok().map(|seed| seed.parse().expect("SUBROOT_SEED is a number"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").subsec_nanos();
    given.unwrap_or_else(|| u64::from(now())).max(1)
}

#[test]
fn the_kernel_holds_exactly_what_a_model_allows() {
    let seed = seed();
    println!("SUBROOT_SEED={seed} repeats this run");
    let host = Host::new();
    let alice = host.user("alice");
    let mut random = Random(seed);
    let mut seen = [0_u32; 3];
    for round in 0..ROUNDS {
        let grants = [random.grants(), random.grants()];
        for (path, grants) in ["/etc/subuid", "/etc/subgid"].iter().zip(&grants) {
            let lines = grants.iter().map(|(first, count)| format!("alice:{first}:{count}\n"));
            host.write(path, lines.collect::<String>());
        }
        let (uid, gid) = (random.lines(&grants[0]), random.lines(&grants[1]));
        let deny = random.below(6) == 0;
        let setgroups = if deny { "--setgroups deny" } else { "" };
        let words = format!("{} {} {setgroups}", option("--uid-map", &uid), option("--gid-map", &gid));
        let (outcome, maps) = attempt(&host, &alice, &words);
        let expected = expected(&uid, &gid, &grants, deny);
        assert_eq!(
            (outcome.code(), maps),
            expected,
            "round {round} of {seed}: {words}, {grants:?}: {outcome:?}"
        );
        seen[usize::try_from(outcome.code()).expect("0, 1 or 2")] += 1;
    }
    assert!(seen.iter().all(|count| *count > ROUNDS / 20), "an outcome is hardly tried: {seen:?} of {seed}");
}
