"""Datasets of files: list, open, look at, download."""

import os
import struct
import subprocess
import zlib

import pytest
import slipway
from servers import BINARY


def png(grey):
    """A picture of 2 by 2 pixels in one grey."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([grey, grey]) for _ in range(2))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


FILES = {f"{folder}/{grey}.png": png(grey) for folder, grey in [("dark", 3), ("dark", 40), ("light", 200)]}
FILES["notes/Käse 🧀 & co.txt"] = "Grüße".encode()


@pytest.fixture(scope="module")
def version(server, unique, tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    for path, data in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
    name = unique("pictures")
    subprocess.run([BINARY, "data", "add", root, name], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "SLIPWAY_URL": server, "HOME": str(tmp_path_factory.mktemp("home"))})
    return slipway.Client(server).dataset(name)


def test_files_are_listed_and_read(version):
    assert (version.kind, len(version), len(version.files)) == ("files", 4, 4)
    assert {file.path: version.files.read(file) for file in version.files} == FILES
    assert [file.path for file in version.files.list("dark/")] == ["dark/3.png", "dark/40.png"]
    (file,) = version.files.list("notes/")
    assert (file.size_bytes, len(file.digest)) == (len(FILES[file.path]), 71)
    with version.files.open("light/200.png") as stream:
        assert stream.read(4) == b"\x89PNG"
    for absent in ("light", "light/2", "x"):
        with pytest.raises(slipway.NotFound, match=absent):
            version.files.open(absent)


def test_images(version):
    pytest.importorskip("PIL")
    assert {path: (image.size, image.getpixel((1, 1))) for path, image in version.files.images()} == {
        "dark/3.png": ((2, 2), 3), "dark/40.png": ((2, 2), 40), "light/200.png": ((2, 2), 200)}


def test_a_download_goes_on_where_it_stopped(version, tmp_path):
    out = tmp_path / "out"
    assert version.files.download(out) == 4
    assert {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()} == FILES
    (out / "dark/3.png").write_bytes(b"damaged")
    (out / "light/200.png").unlink()
    (out / "own.txt").write_text("stays")
    assert version.files.download(out) == 2
    assert version.files.download(out, "dark/") == 0
    assert (out / "own.txt").exists() and (out / "dark/3.png").read_bytes() == FILES["dark/3.png"]


def test_files_are_rows_too(version):
    pytest.importorskip("pyarrow")
    table = version.to_arrow(columns=["path", "size_bytes"])
    assert dict(zip(table["path"].to_pylist(), table["size_bytes"].to_pylist())) == {
        path: len(data) for path, data in FILES.items()}
    assert [row["path"] for row in version.rows(filter="size_bytes < 20")] == ["notes/Käse 🧀 & co.txt"]
    paths = [path for batch in version.shards(2, columns=["path"], seed=1) for path in batch.column(0).to_pylist()]
    assert sorted(paths) == sorted(FILES)
    with pytest.raises(slipway.Invalid, match="holds files"):
        version.paths()


def test_a_table_has_no_files(unique):
    with pytest.raises(slipway.Invalid, match="is a table"):
        slipway.append(unique("table"), [{"id": 1}]).files
