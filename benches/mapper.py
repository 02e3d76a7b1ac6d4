"""One run of the mapper, by the number of lines in /etc/subuid and /etc/subgid."""

import pathlib
from statistics import median

import contest
import figures
import plots
from contest import Variant

OURS, FLOOR, ALONE, BOTH = "newidmap-helper, both maps", "floor in C, both maps", "newuidmap alone", "newuidmap, then newgidmap"
FIRST, COUNT = 100_000, 1024
# Rounds by number of lines: as many as a minute allows.
ROUNDS = {1: 500, 10: 500, 1_000: 500, 100_000: 50, 1_000_000: 15}


def write_grants(lines):
    """Writes both files, with the caller's line as the last one, and returns where its range starts."""
    text = "".join(f"user{at:06}:{FIRST + at * COUNT}:{COUNT}\n" for at in range(lines - 1))
    start = FIRST + (lines - 1) * COUNT
    for file in ("subuid", "subgid"):
        pathlib.Path(f"/etc/{file}").write_text(f"{text}{contest.USER}:{start}:{COUNT}\n")
    return start


def variants(start):
    """All variants, for a map of the caller's own ID and a range."""
    joined = f"0:{contest.UID}:1,1:{start}:{COUNT}"
    native = ["fd:7", "--uid-map", joined, "--gid-map", joined]
    triples = ["PID", *f"0 {contest.UID} 1 1 {start} {COUNT}".split()]
    newuidmap, newgidmap = ["/usr/bin/newuidmap", *triples], ["/usr/bin/newgidmap", *triples]
    return [
        Variant(FLOOR, [[f"{contest.BENCH}/mapper", *native]]),
        Variant(OURS, [["/usr/libexec/subroot/newidmap-helper", *native]]),
        Variant(ALONE, [newuidmap]),
        Variant(BOTH, [newuidmap, newgidmap]),
    ]


def measure(lines, rounds):
    """The section about one size, and the median wall time of each by name."""
    known = variants(write_grants(lines))
    samples = contest.clock("map", rounds, known)
    rows = []
    for variant in known:
        sample = samples[variant.name]
        counts = contest.count("map", variant)
        rows.append([
            variant.name, figures.time(median(sample.wall)), figures.spread(sample.wall), figures.time(median(sample.cpu)),
            f"{counts.calls:,}", figures.interval(sample.wall, samples[FLOOR].wall), figures.interval(sample.cpu, samples[FLOOR].cpu),
        ])
    heading = ["", "wall", "half of them", "CPU", "system calls", "wall × floor", "CPU × floor"]
    ours = samples[OURS].wall
    alone, both = (figures.interval(samples[name].wall, ours) for name in (ALONE, BOTH))
    walls = {name: median(sample.wall) for name, sample in samples.items()}
    section = (
        f"## {lines:,} {'line' if lines == 1 else 'lines'}\n\n{figures.table(heading, rows)}\n"
        f"Against newidmap-helper, newuidmap alone takes {alone} times as long, both of shadow's {both}. {rounds} rounds.\n"
    )
    return section, walls


INTRODUCTION = """# The mapper

One run of the whole process, from vfork to its end, for a fresh process in a new user namespace: the caller's own ID and a range of
1,024, in both maps. The caller's line is the last one of /etc/subuid and of /etc/subgid. The floor is a program in C without
libc, `benches/floor/mapper.c`: it makes the system calls of newidmap-helper, one for one, reads as much at a time, and has no text for any error.
All variants run in each round, in a random order, as an ordinary user. See [how to read this](README.md).

![wall time by lines](mapper.svg)
"""


def report(check, place):
    """The page."""
    rounds = {lines: 1 for lines in (1, 1_000)} if check else ROUNDS
    measured = {lines: measure(lines, count) for lines, count in rounds.items()}
    sections = [section for section, _ in measured.values()]
    if place:
        names = [variant.name for variant in variants(0)]
        series = {name: [walls[name] / 1e3 for _, walls in measured.values()] for name in names}
        axes = ("lines in each file", "wall time in µs")
        plots.lines(place / "mapper.svg", "One run of the mapper", axes, list(measured), series)
    return "\n".join([INTRODUCTION, f"Measured on: {figures.machine()}.\n", *sections])
