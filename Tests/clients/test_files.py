"""Datasets of files through the real command line and real servers."""

import hashlib
import io
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import tarfile
import time
import zipfile
import zlib

import pytest
import requests
from servers import BINARY, REPOSITORY, Server, serving

pytestmark = pytest.mark.stricter


@pytest.fixture(autouse=True)
def tracking():
    """These tests have servers of their own: nothing to point mlflow at."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("files")) as server:
        yield server


class Command:
    """`slipway data …` against a server, with a cache folder of its own."""

    def __init__(self, server, cache, **environment):
        self.environment = dict(os.environ, SLIPWAY_URL=server.url, SLIPWAY_CACHE=str(cache), **environment)

    def start(self, *arguments):
        return subprocess.Popen(
            [BINARY, "data", *map(str, arguments)], cwd=REPOSITORY, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def fails(self, *arguments):
        process = self.start(*arguments)
        out, error = process.communicate(timeout=120)
        assert process.returncode != 0, out
        return error

    def __call__(self, *arguments):
        process = self.start(*arguments, "--json")
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        return json.loads(out)


@pytest.fixture
def run(server, tmp_path):
    return Command(server, tmp_path / "cache")


def fill(folder, count, size=1000, seed=1):
    make = random.Random(seed)
    for i in range(count):
        path = folder / f"d{i % 7}" / f"f {i}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make.randbytes(size))
    age(folder)
    return folder


def age(folder):
    """Files that were written this instant would be read again: time stamps cannot tell whether they changed since."""
    before = time.time() - 10
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (before, before))


def content(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*") if p.is_file() and p.relative_to(folder).parts[0] != ".slipway" and not p.name.startswith(".slipway-part-")}


def rows(run, sql, **inputs):
    arguments = [f"--input={name}=dataset:{ref}" for name, ref in inputs.items()]
    return run("query", sql, *arguments)


def test_add_change_and_check_out(run, server, tmp_path, unique):
    name, folder = unique("photos"), fill(tmp_path / "in", 300)
    first = run("add", folder, name)
    assert (first["version"], first["files"], first["rows"], first["sizeBytes"]) == (1, 300, 300, 300_000)
    assert first["kind"] == "files" and first["added"]["read"] == 300
    time.sleep(0.05)
    (folder / "d1" / "f 1.bin").write_bytes(b"changed")
    (folder / "d2" / "f 2.bin").unlink()
    (folder / "ü.txt").write_text("new")
    second = run("add", folder, name)
    assert {k: second["added"][k] for k in ("changed", "removed", "read")} == {"changed": 2, "removed": 1, "read": 2}
    again = run("add", folder, name)
    assert again["unchanged"] and again["version"] == 2
    # Checked out: the old one, then the same folder as the new one, then by links.
    out = tmp_path / "out"
    assert run("checkout", f"{name}@1", out)["written"] == 300
    assert len(content(out)) == 300
    moved = run("checkout", name, out)
    assert (moved["written"], moved["removed"]) == (2, 1) and content(out) == content(folder)
    assert not (out / ".slipway").exists()
    linked = tmp_path / "linked"
    run("checkout", name, linked, "--link")
    run("checkout", name, tmp_path / "linked2", "--link")
    assert content(linked) == content(folder) == content(tmp_path / "linked2")
    assert (linked / "ü.txt").stat().st_ino == (tmp_path / "linked2" / "ü.txt").stat().st_ino
    assert (linked / "ü.txt").stat().st_mode & 0o222 == 0
    # A checked-out folder can be changed and added; what was changed is not overwritten.
    (out / "d1" / "f 1.bin").write_text("mine")
    assert "not what was checked out" in run.fails("checkout", f"{name}@1", out)
    third = run("add", out, name)
    assert (third["version"], third["added"]["changed"], third["added"]["removed"]) == (3, 1, 0)
    without = run("rm", name, "--file", "d0/f 0.bin", "--file", "d0/f 7.bin")
    assert (without["version"], without["files"]) == (4, 298)
    log = run("log", name)
    assert [v["version"] for v in log] == [4, 3, 2, 1] and all(v["recipe"]["kind"] == "files" for v in log)


def test_names_are_bytes(run, tmp_path, unique):
    """Two names that read the same, one with é as a character, one with e and an accent, are two files."""
    name, folder = unique("names"), tmp_path / "in"
    for i, path in enumerate(["caf\u00e9", "cafe\u0301", "d\u00e9/x", "de\u0301/y", "z"]):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(str(i))
    age(folder)
    assert run("add", folder, name)["files"] == 5
    assert run("add", folder, name)["unchanged"]
    run("checkout", name, tmp_path / "out")
    assert content(tmp_path / "out") == content(folder) and len(content(folder)) == 5
    (folder / "cafe\u0301").write_text("changed")
    assert run("add", folder, name)["added"]["changed"] == 1
    run("checkout", name, tmp_path / "out")
    assert content(tmp_path / "out") == content(folder)


def test_mistakes_are_told_before_work_is_done(run, server, tmp_path, unique):
    name, folder = unique("mistakes"), fill(tmp_path / "in", 3)
    (folder / "only-here").write_text(name)
    assert "project:nowhere does not exist" in run.fails("add", folder, name, "--project", "nowhere")
    digest = hashlib.sha256(name.encode()).hexdigest()
    missing = requests.post(f"{server.url}/api/v1/objects/missing", data=digest + "\n", timeout=30)
    assert missing.text == digest + "\n"
    run("add", folder, name)
    assert "has no file 'd0'" in run.fails("rm", name, "--file", "d0/f 0.bin", "--file", "d0")
    assert run("show", name)["version"] == 1
    assert run("rm", name, "--file", "d0/f 0.bin")["files"] == 3


def test_a_folder_is_known_to_every_dataset_and_branch(run, tmp_path, unique):
    """What was removed from a folder goes from the version too, after the folder was added elsewhere meanwhile."""
    name, folder = unique("known"), fill(tmp_path / "in", 4)
    run("add", folder, name)
    run("add", folder, unique("copy"))
    (folder / "d0" / "f 0.bin").unlink()
    assert run("add", folder, name)["files"] == 3
    run("branch", "create", name, "dev")
    (folder / "d1" / "f 1.bin").unlink()
    assert run("add", folder, name, "--branch", "dev")["files"] == 2
    assert run("add", folder, unique("copy"))["files"] == 2
    assert run("show", name)["files"] == 3


def test_metadata_becomes_columns(run, tmp_path, unique):
    name, folder = unique("digits"), fill(tmp_path / "in", 20)
    table = tmp_path / "about.csv"
    table.write_text("path,label,score\nd0/f 0.bin,cat,0.5\nd1/f 1.bin,dog,1.5\n")
    made = run("add", folder, name, "--metadata", table)
    assert [c["name"] for c in made["columns"]] == ["path", "size_bytes", "media_type", "digest", "label", "score"]
    assert made["files"] == 20
    got = rows(run, "SELECT path, label, score, digest, size_bytes FROM p WHERE label IS NOT NULL ORDER BY path", p=name)
    digest = hashlib.sha256((folder / "d0" / "f 0.bin").read_bytes()).hexdigest()
    assert got[0] == {"path": "d0/f 0.bin", "label": "cat", "score": 0.5, "digest": digest, "size_bytes": 1000}
    assert len(got) == 2
    # New rows go over the old; a column may come; a file that goes takes its row with it, and does not bring it back.
    table.write_text("path,label,who\nd1/f 1.bin,wolf,ada\nd2/f 2.bin,cow,ada\n")
    run("add", folder, name, "--metadata", table)
    got = rows(run, "SELECT path, label, score, who FROM p WHERE label IS NOT NULL ORDER BY path", p=name)
    assert [tuple(r.values()) for r in map(lambda r: {k: r[k] for k in ("path", "label", "score", "who")}, got)] == [
        ("d0/f 0.bin", "cat", 0.5, None), ("d1/f 1.bin", "wolf", 1.5, "ada"), ("d2/f 2.bin", "cow", None, "ada")]
    kept = (folder / "d1" / "f 1.bin").read_bytes()
    (folder / "d1" / "f 1.bin").unlink()
    run("add", folder, name)
    (folder / "d1" / "f 1.bin").write_bytes(kept)
    back = run("add", folder, name)
    assert len(rows(run, "SELECT path FROM p WHERE label IS NOT NULL", p=name)) == 2 and back["rows"] == 20
    # Old versions are what they were.
    assert len(rows(run, "SELECT path FROM p WHERE label IS NOT NULL", p=f"{name}@2")) == 3
    table.write_text("path,label\nnowhere.png,x\n")
    assert "no file 'nowhere.png'" in run.fails("add", folder, name, "--metadata", table)
    table.write_text("path,label\nd0/f 0.bin,x\nd0/f 0.bin,y\n")
    assert "more than once" in run.fails("add", folder, name, "--metadata", table)
    # The metadata travels with a checkout and is no file of the dataset.
    out = tmp_path / "out"
    run("checkout", name, out)
    assert (out / ".slipway" / "metadata.parquet").is_file()
    assert run("add", out, name)["unchanged"]


def test_two_writers(run, server, tmp_path, unique):
    name, a = unique("shared"), fill(tmp_path / "a", 10)
    run("add", a, name)
    b = tmp_path / "b"
    run("checkout", name, b)
    time.sleep(0.05)
    (a / "d0" / "f 0.bin").write_text("from a")
    (a / "only-a").write_text("a")
    run("add", a, name, "--message", "a's")
    # Other paths: both changes are there.
    (b / "d1" / "f 1.bin").write_text("from b")
    (b / "d2" / "f 2.bin").unlink()
    merged = run("add", b, name)
    assert merged["mergedWithOthers"] and merged["files"] == 10
    out = tmp_path / "out"
    run("checkout", name, out)
    assert (out / "d0" / "f 0.bin").read_text() == "from a" and (out / "d1" / "f 1.bin").read_text() == "from b"
    assert (out / "only-a").exists() and not (out / "d2" / "f 2.bin").exists()
    # The same path: the later one is told what happened, and the head stays.
    (a / "d1" / "f 1.bin").write_text("also from a")
    error = run.fails("add", a, name)
    assert "d1/f 1.bin" in error and f"dataset:{name}@3" in error and "meanwhile" in error
    assert run("show", name)["version"] == 3
    # A folder that never was this dataset's adds and does not remove.
    other = tmp_path / "other"
    other.mkdir()
    (other / "extra").write_text("x")
    assert run("add", other, name)["files"] == 11
    assert run("add", other, name, "--replace")["files"] == 1


def test_large_files_are_stored_by_what_changed(run, server, tmp_path, unique):
    name, folder = unique("large"), tmp_path / "in"
    folder.mkdir()
    data = bytearray(random.Random(7).randbytes(40 << 20))
    (folder / "model.bin").write_bytes(data)
    run("add", folder, name)
    stored = lambda: sum(f.stat().st_size for f in (server.folder / "data" / "objects").rglob("*") if f.is_file())
    before = stored()
    data[20 << 20:(20 << 20) + 100_000] = b"!" * 100_000
    data[30 << 20:30 << 20] = b"inserted"
    time.sleep(0.05)
    (folder / "model.bin").write_bytes(data)
    run("add", folder, name)
    assert 0 < stored() - before < 4 << 20
    out = tmp_path / "out"
    run("checkout", name, out)
    assert (out / "model.bin").read_bytes() == data
    url = f"{server.url}/api/v1/datasets/{name}/versions/2/files/model.bin"
    for header, start, end in [("bytes=5-9", 5, 10), ("bytes=20971500-20971599", 20971500, 20971600),
                               ("bytes=-10", len(data) - 10, len(data)), (f"bytes={len(data) - 3}-", len(data) - 3, len(data))]:
        answer = requests.get(url, headers={"Range": header}, timeout=30)
        assert answer.status_code == 206 and answer.content == data[start:end]
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(data)}"
    assert requests.get(url, headers={"Range": f"bytes={len(data)}-"}, timeout=30).status_code == 416
    whole = requests.get(url, timeout=60)
    assert whole.content == data and whole.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert requests.get(url, headers={"If-None-Match": whole.headers["ETag"]}, timeout=30).status_code == 304


def test_nothing_is_shown_as_a_page(run, server, tmp_path, unique):
    name, folder = unique("web"), tmp_path / "in"
    folder.mkdir()
    for file in ("evil.svg", "evil.html", "evil.xml", "fine.png"):
        (folder / file).write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    run("add", folder, name)
    types = {}
    for file in folder.iterdir():
        headers = requests.get(f"{server.url}/api/v1/datasets/{name}/versions/1/files/{file.name}", timeout=30).headers
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Content-Disposition"].startswith("attachment")
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        types[file.name] = headers["Content-Type"]
    assert types == {"evil.svg": "application/octet-stream", "evil.html": "application/octet-stream",
                     "evil.xml": "application/octet-stream", "fine.png": "image/png"}


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")


def test_archives(run, server, tmp_path, unique):
    name = unique("packed")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("x/1.txt", "one")
        z.writestr("2.bin", bytes(9 << 20) + os.urandom(1 << 20))
    made = run("add", archive, name, "--at", "from/zip")
    assert made["files"] == 2
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as t:
        entry = tarfile.TarInfo("./3.txt")
        entry.size = 5
        t.addfile(entry, io.BytesIO(b"three"))
    assert run("add", tmp_path / "b.tar.gz", name)["files"] == 3
    out = tmp_path / "out"
    run("checkout", name, out)
    assert sorted(content(out)) == ["3.txt", "from/zip/2.bin", "from/zip/x/1.txt"]
    # Refused, by name, and nothing comes of it.
    bad = tmp_path / "bad.zip"
    for make, words in [
        (lambda z: z.writestr("../../evil", "x"), "contains '..'"),
        (lambda z: z.writestr("bomb", bytes(200 << 20)), "times its own size"),
        (lambda z: z.writestr("huge.png", png(60_000, 60_000)), "60000 × 60000 pixels"),
        (lambda z: z.writestr(".slipway/metadata.parquet", b"x"), "is in the folder .slipway"),
        (lambda z: z.writestr("a\x1b[2Jb", "x"), "'a?[2Jb' contains a control character"),
        (lambda z: z.mkdir("only-a-folder"), "has no files"),
    ]:
        with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as z:
            make(z)
        assert words in run.fails("add", bad, name)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "huge.png").write_bytes(png(60_000, 60_000))
    assert "in/huge.png is an image of 60000 × 60000 pixels" in run.fails("add", tmp_path / "in", name)
    assert run("show", name)["version"] == 2


def test_what_is_sent_is_checked(run, server, tmp_path, unique):
    name = unique("checked")
    good, digest = b"hello", hashlib.sha256(b"hello").digest()
    frame = lambda d, b: d + struct.pack("<Q", len(b)) + b
    send = lambda body: requests.post(f"{server.url}/api/v1/objects/batch", data=body, timeout=30)
    assert send(frame(digest, good)).json() == {"objects": 1, "bytes": 5}
    assert send(frame(digest, b"other")).status_code == 400
    assert send(frame(digest, good)[:-1]).status_code == 400
    assert send(digest + struct.pack("<Q", 1 << 40)).status_code == 413
    missing = requests.post(f"{server.url}/api/v1/objects/missing", data=f"{digest.hex()}\n{'0' * 64}\n", timeout=30)
    assert missing.text == "0" * 64 + "\n"
    commit = lambda *lines: requests.post(
        f"{server.url}/api/v1/datasets/{name}/files", data="\n".join(json.dumps(l) for l in lines), timeout=30)
    line = {"path": "a", "digest": digest.hex(), "size": 5}
    for broken, words in [({**line, "path": "../a"}, "contains '..'"), ({**line, "digest": "0" * 64}, "no object"),
                          ({**line, "size": 6}, "another size"), ({**line, "path": ".slipway/x"}, ".slipway"),
                          ({**line, "x": 1}, "not a known field"), ({**line, "chunks": digest.hex()}, "chunk list")]:
        answer = commit(line, broken)
        assert answer.status_code == 400 and words in answer.text, answer.text
    assert commit(line, {**line, "path": "a/b"}).status_code == 409
    assert requests.get(f"{server.url}/api/v1/datasets/{name}", timeout=30).status_code == 404
    assert commit(line, {**line, "path": "b/c"}).json()["files"] == 2
    tree = requests.get(f"{server.url}/api/v1/datasets/{name}/versions/1/files?folder=", timeout=30).json()["items"]
    assert [(i["path"], i["folder"]) for i in tree] == [("a", False), ("b", True)]


def test_kill_in_the_middle_of_an_add(run, server, tmp_path, unique):
    """However often it is killed, the add that ends gives the whole folder, and no version before is torn."""
    name, folder = unique("killed"), fill(tmp_path / "in", 1500, size=20_000)
    whole, started = random.Random(3), time.monotonic()
    for _ in range(6):
        process = run.start("add", folder, name)
        time.sleep(whole.uniform(0.02, 0.4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = run("add", folder, name)
    assert done["files"] == 1500 and done["version"] == 1
    out = tmp_path / "out"
    run("checkout", name, out)
    assert content(out) == content(folder)
    assert time.monotonic() - started < 120


def test_kill_in_the_middle_of_a_checkout(run, server, tmp_path, unique):
    name, folder = unique("resumed"), fill(tmp_path / "in", 800, size=20_000)
    (folder / "large.bin").write_bytes(random.Random(5).randbytes(64 << 20))
    run("add", folder, name)
    wanted, out = content(folder), tmp_path / "out"
    points = random.Random(4)
    for _ in range(6):
        process = run.start("checkout", name, out)
        time.sleep(points.uniform(0.05, 0.4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # What is there under its own name is whole.
        if out.exists():
            assert all(wanted[path] == digest for path, digest in content(out).items())
    last = run("checkout", name, out)
    assert not list(out.rglob(".slipway-part-*"))
    assert content(out) == wanted and not (out / ".slipway").exists()
    assert last["files"] == 801


def test_push_and_pull(server, tmp_path, unique):
    here = Command(server, tmp_path / "cache")
    name, folder = unique("travels"), fill(tmp_path / "in", 200)
    (folder / "large.bin").write_bytes(random.Random(9).randbytes(20 << 20))
    table = tmp_path / "about.csv"
    table.write_text("path,label\nd0/f 0.bin,cat\n")
    here("add", folder, name, "--metadata", table, "--message", "first")
    with serving(tmp_path / "there") as there:
        away = Command(there, tmp_path / "cache2")
        sent = here("push", name, "--to", there.url)
        # 201 files, of which one in chunks, and the table about them.
        assert sent["version"] == 1 and sent["files"] == 201 and sent["message"] == "first"
        assert sent["digest"] == here("show", name)["digest"]
        assert here("push", name, "--to", there.url)["unchanged"]
        time.sleep(0.05)
        (folder / "d3" / "f 3.bin").write_bytes(b"edited")
        data = bytearray((folder / "large.bin").read_bytes())
        data[5 << 20:(5 << 20) + 10] = b"x" * 10
        (folder / "large.bin").write_bytes(data)
        (folder / "d4" / "f 4.bin").unlink()
        here("add", folder, name)
        sent = here("push", name, "--to", there.url)
        assert sent["sent"]["files"] == 3 and sent["sent"]["bytes"] < 5 << 20 and sent["version"] == 2
        out = tmp_path / "out"
        away("checkout", name, out)
        assert content(out) == content(folder)
        assert rows(away, "SELECT label FROM p WHERE label IS NOT NULL", p=name) == [{"label": "cat"}]
        # There it moves on; here that is pulled, and the other way round it would be a conflict.
        (out / "there.txt").write_text("there")
        away("add", out, name)
        (folder / "here.txt").write_text("here")
        here("add", folder, name)
        assert "is not among the versions" in here.fails("push", name, "--to", there.url)
        # The branch that is not there yet begins at the newest version that both have.
        pulled = here("pull", name, "--from", there.url, "--branch", "theirs")
        assert pulled["sent"]["files"] == 1 and pulled["branch"] == "theirs" and pulled["parent"] == 2
        # A table travels as its parts.
        rows_csv = tmp_path / "t.csv"
        rows_csv.write_text("a,b\n1,x\n2,y\n")
        table_name = unique("table")
        here("append", table_name, rows_csv)
        here("append", table_name, rows_csv)
        pushed = here("push", table_name, "--to", there.url)
        assert (pushed["rows"], pushed["kind"], pushed["files"]) == (4, "table", 2)
        assert pushed["digest"] == here("show", table_name)["digest"]
        away("append", table_name, rows_csv)
        assert here("pull", table_name, "--from", there.url)["rows"] == 6
        # A part that is too large for a frame.
        noise = random.Random(11)
        rows_csv.write_text("a\n" + "\n".join(noise.randbytes(40).hex() for _ in range(500_000)))
        here("append", unique("wide"), rows_csv)
        assert here("show", unique("wide"))["sizeBytes"] > 17 << 20
        assert here("push", unique("wide"), "--to", there.url)["rows"] == 500_000


def test_deletion_and_retention(run, server, tmp_path, unique):
    name, folder = unique("old"), fill(tmp_path / "in", 30)
    for i in range(6):
        time.sleep(0.03)
        (folder / "changes.bin").write_bytes(random.Random(100 + i).randbytes(50_000))
        run("add", folder, name)
    run("tag", "create", name, "keep", "--from", "1")
    # Says beforehand what it frees, and that is what the collection frees.
    preview = run("rm", f"{name}@2")
    assert preview["dryRun"] and preview["versions"] == [f"dataset:{name}@2"]
    assert 50_000 <= preview["frees"]["bytes"] < 60_000
    assert "is tagged keep" in run.fails("rm", f"{name}@1", "--yes")
    assert "head of the branch main" in run.fails("rm", f"{name}@6", "--yes")
    run("rm", f"{name}@2", "--yes")
    assert "deleted" in run.fails("checkout", f"{name}@2", tmp_path / "gone")
    assert run("show", f"{name}@2")["deleted"]
    outcome = run("retain", name, "--keep-last", "2")
    assert outcome["dryRun"] and outcome["versions"] == [f"dataset:{name}@4", f"dataset:{name}@3"]
    assert run("retain", name, "--apply")["count"] == 2
    assert [v["version"] for v in run("log", name)] == [6, 5, 1]
    collect = lambda dry: requests.post(
        f"{server.url}/api/v1/objects/collect", json={"dryRun": dry, "graceSeconds": 0}, timeout=60).json()
    # What was touched within this second counts as young.
    deadline, freed = time.monotonic() + 10, preview["frees"]["bytes"] + outcome["frees"]["bytes"]
    while (found := collect(True))["removedBytes"] < freed:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    collect(False)
    for version in (1, 5, 6):
        out = tmp_path / f"v{version}"
        run("checkout", f"{name}@{version}", out)
        assert len(content(out)) == 31
    # All of it; the name can be used again, and numbers go on.
    assert run("rm", name, "--all", "--yes")["count"] == 3
    assert "does not exist" in run.fails("show", name)
    assert run("add", folder, name)["version"] == 7


def test_memory_stays_small(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    assert peak < 500_000, f"{peak} kB"
