"""An import of an archive, and the removal of the tree, beside GNU tar and rm of real root, on a filesystem with a journal."""

import os
import pathlib
import random
import shutil
import subprocess
from dataclasses import dataclass

import contest
import figures
import launch
import layout
from contest import BENCH, Samples

# An ext4 with a journal, whatever the machine's own disk has.
DISK = pathlib.Path("/mnt/imports")
IMAGE = pathlib.Path(f"{BENCH}/imports.ext4")
SUBROOT, TAR, IN_SUBROOT, UMOCI, PODMAN, RM = "subroot import", "GNU tar, root", "GNU tar in subroot unshare", "umoci", "podman", "rm -rf, root"
COMPRESSIONS = {"tar": ["cat"], "tar.gz": ["gzip", "-c"], "tar.zst": ["zstd", "-c", "-q"], "tar.xz": ["xz", "-c", "-1", "-T0"]}
TAR_OPTIONS = ["-xp", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*", "--exclude=./dev/*"]


@dataclass
class Variant:
    """A name, a command that makes or removes the directory DIR, and whether root runs it."""

    name: str
    command: list
    by_root: bool = False


def variants(archive, kind):
    """The programs that unpack this archive; umoci and podman, where they are installed, the one that most images have."""
    user, root = f"{DISK}/user/DIR", f"{DISK}/root/DIR"
    tar = ["tar", *TAR_OPTIONS, "-f", archive]
    inside = f"mkdir {user} && tar {' '.join(TAR_OPTIONS)} -f {archive} -C {user}"
    known = [
        Variant(TAR, ["/bin/sh", "-c", f"mkdir {root} && exec {' '.join(tar)} -C {root}"], by_root=True),
        Variant(SUBROOT, [f"{BENCH}/subroot", "-q", "import", archive, user]),
        Variant(IN_SUBROOT, [f"{BENCH}/subroot", "unshare", "--", "sh", "-c", inside]),
    ]
    if kind == "tar.gz" and shutil.which("umoci"):
        layout.write(pathlib.Path(f"{DISK}/layout"), pathlib.Path(archive))
        unpack = ["/usr/bin/umoci", "unpack", "--image", f"{DISK}/layout:latest", user]
        known.append(Variant(UMOCI, [f"{BENCH}/subroot", "unshare", "--", *unpack]))
    if kind == "tar.gz" and shutil.which("podman"):
        place = ["--root", user, "--runroot", "/mnt/home/runroot", "--storage-driver", "overlay"]
        known.append(Variant(PODMAN, ["/usr/bin/podman", *place, "pull", "--quiet", f"oci:{DISK}/layout:latest"]))
    return known


def sample(variant, samples, number):
    """Runs a command once, by itself: what the one before has written is on the disk."""
    os.sync()
    words = [word.replace("DIR", str(number)) for word in variant.command]
    words = [f"{BENCH}/clock", "launch", "1", "@0", *words]
    words = words if variant.by_root else contest.as_user(words)
    ran = subprocess.run(words, env=contest.ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"benches: {variant.name}:\n{ran.stdout[-500:]}{ran.stderr[-2000:]}")
    _, _, wall, cpu, largest = ran.stdout.splitlines()[-1].split()
    samples.wall.append(int(wall))
    samples.cpu.append(int(cpu) * 1000)
    samples.largest.append(int(largest))


def remove(number):
    """Removes what a command has made, without measuring it."""
    for owner in ("user", "root"):
        subprocess.run(["rm", "-rf", f"{DISK}/{owner}/{number}"], check=True)


def unpack(known, rounds):
    """Runs all variants in each round, in a random order."""
    samples = {variant.name: Samples([], [], []) for variant in known}
    for number in range(rounds):
        for variant in random.sample(known, len(known)):
            sample(variant, samples[variant.name], number)
            remove(number)
    return samples


def removals(archive, rounds):
    """Removes a tree of subordinate IDs, by its owner and by root."""
    known = [
        Variant(RM, ["/bin/rm", "-rf", f"{DISK}/user/DIR"], by_root=True),
        Variant("subroot rm", [f"{BENCH}/subroot", "rm", f"{DISK}/user/DIR"]),
    ]
    make = Variant("", [f"{BENCH}/subroot", "-q", "import", archive, f"{DISK}/user/DIR"])
    samples = {variant.name: Samples([], [], []) for variant in known}
    for number in range(rounds):
        for variant in random.sample(known, len(known)):
            sample(make, Samples([], [], []), number)
            sample(variant, samples[variant.name], number)
    return known, samples


def archives(check):
    """The archives, by their compression: a Debian with compilers, or a small directory."""
    plain = pathlib.Path(f"{DISK}/system.tar")
    if check:
        subprocess.run(["tar", "-cf", plain, "-C", "/usr/lib/python3", "."], check=True)
    else:
        shutil.copy(f"{BENCH}/everyday.tar", plain)
    made = {}
    for kind, command in COMPRESSIONS.items():
        made[kind] = f"{DISK}/system.{kind}"
        if kind != "tar":
            with open(made[kind], "wb") as to, open(plain, "rb") as source:
                subprocess.run(command, stdin=source, stdout=to, check=True)
    return made


def table(known, samples):
    """One row for each variant, relative to the first one."""
    base = samples[known[0].name]
    rows = []
    for variant in known:
        own = samples[variant.name]
        rows.append([
            variant.name, figures.interval(own.wall, base.wall), figures.interval(own.cpu, base.cpu), f"{max(own.largest) / 1024:,.0f} MiB"
        ])
    return figures.table(["", "wall", "CPU", "largest process"], rows)


INTRODUCTION = """# Imports

`subroot import` of one archive in four compressions, beside GNU tar run by the host's real root, and `subroot rm` of the tree beside root's
`rm -rf`. The archive is the Debian of the everyday tests: with compilers, python3, git and npm. Owners, modes, times, links and extended
attributes are kept by all. Digests are not computed: an archive has none. umoci and podman unpack the tar.gz as the layer of an image, and
verify its digest. The filesystem is an ext4 with a journal on a loop device; before each command, everything is written to it. wall and CPU
are multiples of the first row's, with their 95 % interval; the largest process is the peak of its resident memory. See [how to read
this](README.md).
"""


def report(check, place):
    """The page."""
    rounds = 1 if check else 8
    launch.write_grants(True)
    make_disk()
    made = archives(check)
    sections = []
    for kind, archive in made.items():
        known = variants(archive, kind)
        sections.append(f"## {kind}\n\n{table(known, unpack(known, rounds))}")
    known, samples = removals(made["tar"], rounds)
    sections.append(f"## Removal\n\n{table(known, samples)}")
    return "\n".join([INTRODUCTION, f"Measured on: {figures.machine()}. {rounds} rounds.\n", *sections])


def make_disk():
    """The filesystem, in a sparse file that ends with this world."""
    DISK.mkdir()
    subprocess.run(["mount", "-o", "loop", IMAGE, DISK], check=True)
    for owner, uid in (("user", contest.UID), ("root", 0)):
        (DISK / owner).mkdir()
        os.chown(DISK / owner, uid, uid)
    # A process of podman from an earlier contest would keep a mount namespace without this filesystem.
    if shutil.which("podman"):
        migrate = contest.as_user(["/usr/bin/podman", "system", "migrate"])
        subprocess.run(migrate, env=contest.ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True)
