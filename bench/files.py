"""Many small files and a large one as dataset versions, against dvc and against hashing alone."""

import contextlib
import hashlib
import os
import pathlib
import random
import shutil
import tempfile
import time

from measure import VENV, Peak, timed

SMALL_BYTES = 1024
EDIT_BYTES = 1 << 20


def make_small(folder, count, seed=7):
    """count files of 1 KiB of noise, 100 a folder: all different, so that nothing is stored twice for free."""
    noise = random.Random(seed)
    for first in range(0, count, 100):
        place = folder / f"{first // 100:05d}"
        place.mkdir(parents=True)
        for number in range(first, min(first + 100, count)):
            (place / f"{number:07d}.bin").write_bytes(noise.randbytes(SMALL_BYTES))
    os.sync()


def make_large(path, mib, seed=7):
    noise = random.Random(seed)
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(noise.randbytes(1 << 20))
    os.sync()


def edit_middle(path, seed=8):
    """Writes 1 MiB of other noise over the middle."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(random.Random(seed).randbytes(EDIT_BYTES))
    os.sync()


def disk_bytes(folder):
    """What the files below take, links counted once."""
    seen, total = set(), 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(os.path.join(root, name))
                if status.st_ino not in seen:
                    seen.add(status.st_ino)
                    total += status.st_size
    return total


class Slipway:
    """The command line of one server; what it keeps for itself lies in a folder of its own."""

    def __init__(self, options, target, folder):
        self.binary, self.target, self.folder = options.binary, target, folder
        self.environment = {"SLIPWAY_URL": target.url, "HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home/cache")}
        (folder / "home").mkdir(exist_ok=True)

    def run(self, *arguments):
        return timed([self.binary, *arguments], self.folder, self.environment, self.target.pid)

    def add(self, path, name):
        return self.run("data", "add", path, name, "--json")

    def checkout(self, ref, path):
        return self.run("data", "checkout", ref, path)

    def stored(self):
        return disk_bytes(self.target.folder / "data")


class DVC:
    """A fresh repository of dvc without git, its cache and state beside it."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / ".site"), "HOME": str(folder)}
        folder.mkdir(exist_ok=True)
        self.run("init", "--no-scm", "-q")

    def run(self, *arguments):
        return timed([VENV / "dvc", *arguments], self.folder, self.environment)

    def add(self, path):
        return self.run("add", "-q", path)

    def checkout(self):
        return self.run("checkout", "-q")

    def stored(self):
        return disk_bytes(self.folder / ".dvc/cache")


def hash_in_process(folder):
    """Seconds of this process to list the files, read each and take its SHA-256."""
    begin = time.perf_counter()
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                hashlib.sha256(file.read()).hexdigest()
    return time.perf_counter() - begin


def hash_small(folder):
    """The same by coreutils, processes' starts included."""
    return timed(["bash", "-c", 'find "$1" -type f -print0 | xargs -0 sha256sum > /dev/null', "bash", folder]).wall


@contextlib.contextmanager
def scratch():
    """A folder of a run; on the repository's disk, because the system's temporary folder may be memory."""
    here = pathlib.Path(__file__).resolve().parent.parent / ".slipway"
    with tempfile.TemporaryDirectory(prefix="bench-", dir=here, ignore_cleanup_errors=True) as name:
        yield pathlib.Path(name)


def measure_small(options, start_server, count, with_dvc):
    """Figures of `count` files: {name: (ours, theirs …)}; see the caller for what they are."""
    found = {}
    with scratch() as folder:
        files = folder / "files"
        make_small(files, count)
        hash_in_process(files)  # so that all read from the page cache
        found["hashlib"] = min(hash_in_process(files) for _ in range(options.rounds))
        found["sha256sum"] = min(hash_small(files) for _ in range(options.rounds))
        changed = files / "00000/0000005.bin"
        if not options.anchors:
            for _ in range(options.rounds):
                with start_server() as target, tempfile.TemporaryDirectory(dir=folder) as own, Peak(target.pid) as peak:
                    ours = Slipway(options, target, pathlib.Path(own))
                    add = ours.add(files, "small")
                    changed.write_bytes(random.randbytes(SMALL_BYTES))
                    again = ours.add(files, "small")
                    unchanged = ours.add(files, "small")
                keep(found, "add", add), keep(found, "again", again), keep(found, "unchanged", unchanged)
                found["peak"] = max(found.get("peak", 0), peak.mib, add.peak_mib)
        if with_dvc:
            for number in range(options.rounds):
                theirs = DVC(folder / f"dvc{number}")
                shutil.copytree(files, theirs.folder / "files")
                os.sync()
                keep(found, "dvc add", theirs.add("files"))
                (theirs.folder / "files" / changed.relative_to(files)).write_bytes(random.randbytes(SMALL_BYTES))
                keep(found, "dvc again", theirs.add("files"))
                shutil.rmtree(theirs.folder)
    return found


def keep(found, name, cost):
    found[name] = cost if name not in found else found[name].best(cost)


def measure_large(options, start_server, mib):
    """Figures of one file of `mib` MiB: add, add again after an edit and the bytes that it stored, checkout."""
    found = {}
    with scratch() as folder:
        (folder / "files").mkdir()
        large = folder / "files/large.bin"
        make_large(large, mib)
        found["sha256sum"] = min(timed(["sha256sum", large]).wall for _ in range(options.rounds + 1))
        found["cp"] = timed(["cp", large, folder / "copy"]).wall
        (folder / "copy").unlink()
        if not options.anchors:
            with start_server() as target, Peak(target.pid) as peak:
                ours = Slipway(options, target, folder / "own") if (folder / "own").mkdir() is None else None
                found["add"] = ours.add(folder / "files", "large")
                before = ours.stored()
                edit_middle(large)
                found["again"] = ours.add(folder / "files", "large")
                found["stored"] = ours.stored() - before
                found["checkout"] = ours.checkout("large", folder / "out")
                same(large, folder / "out/large.bin")
            found["peak"] = max(peak.mib, *(found[name].peak_mib for name in ("add", "again", "checkout")))
            shutil.rmtree(folder / "out")
        theirs = DVC(folder / "dvc")
        make_large(theirs.folder / "large.bin", mib)
        found["dvc add"] = theirs.add("large.bin")
        before = theirs.stored()
        edit_middle(theirs.folder / "large.bin")
        found["dvc again"] = theirs.add("large.bin")
        found["dvc stored"] = theirs.stored() - before
        (theirs.folder / "large.bin").unlink()
        os.sync()
        found["dvc checkout"] = theirs.checkout()
        if not options.anchors:
            same(large, theirs.folder / "large.bin")
    return found


def same(a, b):
    """Both sides must have done the work."""
    digests = [timed(["sha256sum", path]).output.split()[0] for path in (a, b)]
    if digests[0] != digests[1]:
        raise RuntimeError(f"{b} is not what was added: {digests[1]}, expected {digests[0]}")
