"""One launch of a program that ends at once: with only the caller's own ID mapped, and with a full map."""

import json
import pathlib
import subprocess
from statistics import median

import contest
import figures
import plots
from contest import BENCH, Variant

ROOTFS = f"{BENCH}/rootfs"
START, COUNT = 100_000, 65536
MAP = f"0:{contest.UID}:1,1:{START}:{COUNT}"
SUBROOT, FLOOR, BARE = "subroot", "floor in C", "floor in C without /dev and /sys"
UNSHARE, BUBBLEWRAP, CRUN, PODMAN = "unshare --root", "bubblewrap", "crun", "podman run --rootfs"
AT_ONCE = [1, 2, 8, 64]
# The number of rounds for podman, and how many are started at once at most: it takes a hundred times as long.
PODMAN_ROUNDS, PODMAN_AT_ONCE = 15, 8


def write_grants(full):
    """Grants the caller a range, or nothing."""
    for file in ("subuid", "subgid"):
        pathlib.Path(f"/etc/{file}").write_text(f"{contest.USER}:{START}:{COUNT}\n" if full else "")


def write_bundle(full, command):
    """A bundle for crun: its own example, with this root, these IDs and the host's network."""
    directory = pathlib.Path("/mnt/home/bundle")
    directory.mkdir(exist_ok=True)
    config = directory / "config.json"
    config.unlink(missing_ok=True)
    subprocess.run(["crun", "spec", "--rootless"], cwd=directory, check=True)
    spec = json.loads(config.read_text())
    spec["root"] = {"path": ROOTFS, "readonly": False}
    spec["process"] |= {"terminal": False, "args": [command]}
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["destination"] != "/sys/fs/cgroup"]
    spec["linux"]["namespaces"] = [kind for kind in spec["linux"]["namespaces"] if kind["type"] != "network"]
    own = {"containerID": 0, "hostID": contest.UID, "size": 1}
    granted = {"containerID": 1, "hostID": START, "size": COUNT}
    for kind in ("uidMappings", "gidMappings"):
        spec["linux"][kind] = [own, granted] if full else [own]
    config.write_text(json.dumps(spec))
    return ["/usr/bin/crun", "--cgroup-manager=disabled", "run", "--bundle", str(directory), "TURN"]


def variants(full, command):
    """All variants; podman, which needs its own map, with a full map only."""
    floor = [f"{BENCH}/launch"] + (["--mapper", f"{BENCH}/mapper", MAP] if full else [])
    namespaces = "--mount --pid --ipc --uts --cgroup --fork --kill-child".split()
    unshare = ["/usr/bin/unshare", "--map-root-user"] + (["--map-auto"] if full else []) + namespaces
    sandbox = "--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup --uid 0 --gid 0 --die-with-parent".split()
    places = ["--bind", ROOTFS, "/", "--proc", "/proc", "--dev", "/dev", "--ro-bind", "/sys", "/sys"]
    driver = [f"{BENCH}/drive", str(contest.UID), str(START), str(COUNT)] if full else []
    told = "--info-fd 5 --userns-block-fd 6".split() if full else []
    known = [
        Variant(BARE, [[*floor, ROOTFS, command]]),
        Variant(FLOOR, [[*floor, "--devices", ROOTFS, command]]),
        Variant(SUBROOT, [[f"{BENCH}/subroot", "run", ROOTFS, "--", command]]),
        Variant(UNSHARE, [[*unshare, "--root", ROOTFS, "--mount-proc", command]]),
        Variant(BUBBLEWRAP, [[*driver, "/usr/bin/bwrap", *told, *sandbox, *places, command]]),
        Variant(CRUN, [write_bundle(full, command)]),
    ]
    return known + ([podman(command)] if full else [])


def podman(command):
    """podman with as few features as its options allow."""
    options = "run --rm -i --network host --cgroups disabled --log-driver none --rootfs".split()
    return Variant(PODMAN, [["/usr/bin/podman", *options, f"{BENCH}/podman", command]])


def samples_of(known, rounds):
    """Times all variants. podman, if installed, has separate rounds with the floor: that takes less time and does not affect the others."""
    fast = [variant for variant in known if variant.name != PODMAN]
    samples = contest.clock("launch", rounds, fast)
    slow = [variant for variant in known if variant.name in (PODMAN, FLOOR)]
    if len(slow) < 2:
        return samples, {}
    return samples, contest.clock("launch", min(rounds, PODMAN_ROUNDS), slow)


def memory_of(full):
    """Private KiB and processes of each while its command runs, by name."""
    known = variants(full, "/bin/pause")
    commands = {variant.name: [word.replace("TURN", "look") for word in variant.commands[0]] for variant in known}
    return {name: contest.private_memory(command) for name, command in commands.items()}


def measure(full, rounds, place):
    """The section about one kind of map."""
    write_grants(full)
    memory = memory_of(full)
    known = variants(full, "/bin/true")
    fast, slow = samples_of(known, rounds)
    rows = []
    for variant in known:
        group = slow if variant.name == PODMAN else fast
        sample, floor = group[variant.name], group[FLOOR]
        counts = contest.count("launch", variant)
        private, processes = memory[variant.name]
        rows.append([
            variant.name, figures.time(median(sample.wall)), figures.spread(sample.wall), figures.time(median(sample.cpu)),
            figures.interval(sample.wall, floor.wall), figures.interval(sample.cpu, floor.cpu), f"{counts.calls:,}", counts.programs,
            counts.processes, f"{median(sample.largest):,.0f} KiB", f"{private:,} KiB in {processes}",
        ])
    heading = ["", "wall", "half of them", "CPU", "wall × floor", "CPU × floor", "system calls", "execs", "processes", "largest process", "private while running"]
    title = "A full map" if full else "The caller's own ID alone"
    load = measure_load(known, max(1, rounds // 30))
    picture = draw("full" if full else "own", title, known, fast, load, place) if place else ""
    return f"## {title}\n\n{picture}{figures.table(heading, rows)}\n{rounds} rounds.\n\n{load_table(known, load)}"


def draw(name, title, known, samples, load, place):
    """Writes both plots of a section; returns the Markdown that shows them."""
    floor = median(samples[FLOOR].cpu)
    bars = [(variant.name, median(samples[variant.name].cpu) / floor) for variant in known if variant.name in samples]
    plots.bars(place / f"launch-{name}.svg", f"{title}: CPU time, as multiples of the floor's", bars)
    series = {variant.name: [rates.get(variant.name) for rates in load.values()] for variant in known}
    axes = ("launches at once", "launches a second")
    plots.lines(place / f"load-{name}.svg", title, axes, list(load), series)
    return f"![CPU time](launch-{name}.svg)\n\n![launches a second](load-{name}.svg)\n\n"


def measure_load(known, rounds):
    """Launches per second of each variant, by the number that run at once."""
    rates = {}
    for at_once in AT_ONCE if rounds > 1 else AT_ONCE[:2]:
        able = [variant for variant in known if variant.name != PODMAN or at_once <= PODMAN_AT_ONCE]
        fast = [variant for variant in able if variant.name != PODMAN]
        samples = contest.clock("load", rounds, fast, at_once)
        if len(fast) < len(able):
            samples |= contest.clock("load", 1, able[-1:], at_once)
        rates[at_once] = {name: 1e9 / median(sample.wall) for name, sample in samples.items()}
    return rates


def load_table(known, rates):
    """The load measurements as a table."""
    rows = [[variant.name, *(f"{of_all[variant.name]:,.0f}" if variant.name in of_all else "" for of_all in rates.values())] for variant in known]
    return f"Launches a second, so many at once:\n\n{figures.table(['', *map(str, rates)], rows)}"


INTRODUCTION = """# A launch

One launch of a static program that ends at once, from vfork to the end of the launcher, by an ordinary user: new user, mount, pid, ipc, uts and
cgroup namespaces, the root changed, proc mounted, and by all but `unshare` and the second floor a private /dev, and /sys. The
CPU time is that of all processes together; the largest process is the peak of its resident memory; private is what no other
process shares, summed over all processes but the command itself. The floor is a program in C without libc, `benches/floor/launch.c`, which does
the least that gives such a sandbox, with a mapper in C for the full map: it has no init, relays no signal, drops no capability, checks
nothing and tidies up nothing. bubblewrap has no option for a full map, so that `benches/floor/drive.c` runs newuidmap and newgidmap for it.
All variants run in each round, in a random order; podman in rounds of its own with the floor. See [how to read this](README.md).
"""


def report(check, place):
    """The page."""
    rounds = 1 if check else 200
    sections = [measure(full, rounds, place) for full in (False, True)]
    return "\n".join([INTRODUCTION, f"Measured on: {figures.machine()}.\n", *sections])
