"""What each further bind costs in one launch."""

from statistics import median

import contest
import figures
import launch
import plots
from contest import BENCH, Variant

SUBROOT, BUBBLEWRAP = launch.SUBROOT, launch.BUBBLEWRAP
NUMBERS = [0, 10, 100]


def variants(number):
    """Both programs, with this many binds of one directory, and only the caller's own ID mapped."""
    targets = [f"/srv/{at}" for at in range(number)]
    known = {variant.name: variant.commands[0] for variant in launch.variants(False, "/bin/true")}
    ours, theirs = known[SUBROOT], known[BUBBLEWRAP]
    volumes = [word for target in targets for word in ("-v", f"{BENCH}/source:{target}")]
    binds = [word for target in targets for word in ("--bind", f"{BENCH}/source", target)]
    return [
        Variant(f"{SUBROOT} {number}", [[*ours[:2], *volumes, *ours[2:]]]),
        Variant(f"{BUBBLEWRAP} {number}", [[*theirs[:-1], *binds, theirs[-1]]]),
    ]


def each(samples, name, number, what):
    """Nanoseconds for each bind, as the difference to a launch without in the same round."""
    pairs = zip(getattr(samples[f"{name} {number}"], what), getattr(samples[f"{name} 0"], what))
    return median((with_them - without) / number for with_them, without in pairs)


INTRODUCTION = """# Binds

A launch with the caller's own ID alone and 0, 10 or 100 binds of one directory, at places side by side that the root has. What one bind costs is the
median, over all rounds, of the difference to the launch without any in the same round. See [how to read this](README.md).

![microseconds for each bind](binds.svg)
"""


def report(check, place):
    """The page and its plot."""
    rounds = 1 if check else 100
    launch.write_grants(False)
    samples = contest.clock("launch", rounds, [variant for number in NUMBERS for variant in variants(number)])
    rows, bars = [], []
    for name in (SUBROOT, BUBBLEWRAP):
        for number in NUMBERS[1:]:
            wall, cpu = (each(samples, name, number, what) for what in ("wall", "cpu"))
            rows.append([name, number, *(f"{nanoseconds / 1e3:.1f} µs" for nanoseconds in (wall, cpu))])
            bars.append((f"{name}, {number} binds", cpu / 1e3))
    if place:
        plots.bars(place / "binds.svg", "CPU time of each bind, in µs", bars)
    table = figures.table(["", "binds", "wall of each", "CPU of each"], rows)
    return f"{INTRODUCTION}\nMeasured on: {figures.machine()}.\n\n{table}\n{rounds} rounds.\n"
