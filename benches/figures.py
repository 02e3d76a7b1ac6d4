"""Medians, spreads and ratios of paired samples, as text for a table."""

import datetime
import pathlib
import platform
import random
import re
from statistics import median

RESAMPLES = 2000


def quartiles(values):
    """The first and the third quartile."""
    ordered = sorted(values)
    return ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]


def ratio(values, base):
    """The ratio of two medians, and its 95 % interval by resampling whole rounds: a disturbance of a round affects both."""
    chance = random.Random(1)
    rounds = range(len(base))
    ratios = []
    for _ in range(RESAMPLES):
        drawn = chance.choices(rounds, k=len(base))
        ratios.append(median([values[at] for at in drawn]) / median([base[at] for at in drawn]))
    ratios.sort()
    return median(values) / median(base), ratios[RESAMPLES // 40], ratios[-RESAMPLES // 40]


def time(nanoseconds):
    """A time with three significant digits, in µs or ms."""
    if nanoseconds < 10e6:
        return f"{nanoseconds / 1e3:,.0f} µs"
    return f"{nanoseconds / 1e6:,.1f} ms" if nanoseconds < 100e6 else f"{nanoseconds / 1e6:,.0f} ms"


def times(factor):
    """A ratio with two decimal places, fewer for large ones."""
    return f"{factor:.2f}" if factor < 10 else f"{factor:.1f}"


def interval(values, base):
    """A ratio with its interval."""
    if values is base:
        return "1"
    middle, low, high = ratio(values, base)
    return f"{times(middle)} ({times(low)} to {times(high)})"


def spread(values):
    """The interquartile range: half of the values are inside."""
    return " to ".join(time(value) for value in quartiles(values))


def table(heading, rows):
    """A table in Markdown."""
    lines = [heading, ["---"] + ["---:"] * (len(heading) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def machine():
    """The machine and the date, in one line."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    cpus = len(re.findall(r"^processor", pathlib.Path("/proc/cpuinfo").read_text(), re.M))
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    kind = "virtual machine, " if "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text() else ""
    return (
        f"{kind}{cpus} × {cpu[1] if cpu else platform.machine()}, Linux {platform.release()}, "
        f"{system[1] if system else 'unknown system'}, {datetime.date.today().isoformat()}"
    )
