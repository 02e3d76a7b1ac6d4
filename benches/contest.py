"""Commands that do the same, run in turn as a plain user: timed by clock, counted by strace, and examined while they run."""

import os
import pathlib
import re
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass

BENCH = "/mnt/bench"
TRACE = "/mnt/traces/trace"
USER, UID = "bench", 1000
ENVIRONMENT = {"HOME": "/mnt/home", "PATH": "/usr/bin:/bin", "USER": USER, "TMPDIR": "/mnt/home/tmp", "XDG_RUNTIME_DIR": "/run/user/1000"}


@dataclass
class Variant:
    """One of the compared variants: its name in the table, and its commands, which run one after the other."""

    name: str
    commands: list


@dataclass
class Samples:
    """What was measured of one variant, in the order of the rounds."""

    wall: list
    cpu: list
    largest: list


def clock(mode, rounds, variants, at_once=None):
    """Runs all variants in each round and returns the samples by name."""
    words = clock_words(mode, rounds, variants, at_once)
    ran = subprocess.run(as_user(words), env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"benches: {' '.join(words)}:\n{ran.stderr[-2000:]}")
    samples = {variant.name: Samples([], [], []) for variant in variants}
    for line in ran.stdout.splitlines():
        _, index, wall, cpu, largest = line.split()
        sample = samples[variants[int(index)].name]
        sample.wall.append(int(wall))
        sample.cpu.append(int(cpu) * 1000)
        sample.largest.append(int(largest))
    return samples


def clock_words(mode, rounds, variants, at_once=None):
    """The command line of clock, in which a variant's name is its index."""
    words = [f"{BENCH}/clock", mode, str(rounds)] + ([str(at_once)] if at_once else [])
    for index, variant in enumerate(variants):
        words.append(f"@{index}")
        for at, command in enumerate(variant.commands):
            words += (["+"] if at else []) + command
    return words


def as_user(words):
    """A command line that first changes to the user; strace does so itself, so that setuid programs keep their privilege."""
    return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *words]


@dataclass
class Counts:
    """What strace saw of one run: system calls, programs started and processes."""

    calls: int
    programs: int
    processes: int


def count(mode, variant):
    """Counts for one run, without clock itself and the target."""
    words = clock_words(mode, 1, [variant])
    strace = ["strace", "-f", "-qq", "-e", "signal=none", "-u", USER, "-o", TRACE, *words]
    subprocess.run(strace, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    lines = defaultdict(list)
    for line in pathlib.Path(TRACE).read_text(errors="replace").splitlines():
        pid, _, call = line.partition(" ")
        lines[pid].append(call.strip())
    lines.pop(next(iter(lines)))
    if mode == "map":
        # The target is the process that executes nothing.
        lines = {pid: calls for pid, calls in lines.items() if calls[0].startswith("execve(")}
    calls = [call for of_process in lines.values() for call in of_process]
    # As strace -c counts: a call that never returns is left out.
    made = [call for call in calls if re.match(r"\w+\(", call) and not call.endswith("= ?")]
    started = [call for call in calls if re.match(r"(execve\(|<\.\.\. execve resumed).*= 0$", call)]
    return Counts(len(made), len(started), len(lines))


def private_memory(command):
    """Private memory of these processes in KiB, and their number, while the command waits; without the command itself."""
    before = processes()
    running = subprocess.Popen(
        command, env=ENVIRONMENT, user=UID, group=UID, extra_groups=[],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    if running.stdout.read(1) != b".":
        raise SystemExit(f"benches: {' '.join(command)}: ended with {running.wait()}")
    # Of a sandbox that has settled, not of one that has just been made.
    time.sleep(0.2)
    kept = [pid for pid in processes() - before if name_of(pid) not in ("pause", "")]
    private = sum(private_of(pid) for pid in kept)
    running.stdin.close()
    running.wait()
    return private, len(kept)


def processes():
    """All PIDs of this pid namespace."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def name_of(pid):
    """The name of a process; empty if it has just ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def private_of(pid):
    """KiB of a process that no other one shares."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", rollup, re.M))
