"""Parquet files behind a table: how many rows each row group has, and the rows, fetched when they are needed."""

from __future__ import annotations

import io
import os
import pathlib
import re
import shutil
import tempfile
import weakref
from typing import Any, List, Optional, Sequence

from . import cache
from .transport import Transport

_FOOTER_BYTES = 64 << 10


class Part:
    """One Parquet file."""

    _last: Any = (None, None, None)

    def fetch(self) -> pathlib.Path:
        """Its path on this machine."""
        raise NotImplementedError

    def row_groups(self) -> List[int]:
        """The rows of each of its row groups."""
        import pyarrow.parquet

        return _counts(pyarrow.parquet.read_metadata(str(self.fetch())))

    def read(self, row_group: int, columns: Optional[Sequence[str]]) -> Any:
        """One row group as a ``pyarrow.Table``; the last one is kept, because neighbours ask for it again."""
        import pyarrow.parquet

        wanted = None if columns is None else tuple(columns)
        if self._last[:2] != (row_group, wanted):
            with pyarrow.parquet.ParquetFile(str(self.fetch())) as file:
                self._last = (row_group, wanted, file.read_row_group(row_group, columns=columns and list(columns)))
        return self._last[2]

    def forget(self) -> None:
        """Lets go of the row group that is kept."""
        self._last = (None, None, None)


class RemotePart(Part):
    """One Parquet file of a version, on the server until its rows are needed."""

    def __init__(self, transport: Transport, url_path: str, digest: str) -> None:
        self._transport = transport
        self._url_path = url_path
        self.digest = digest

    def fetch(self) -> pathlib.Path:
        return cache.fetch(self._transport, self._url_path, self.digest)

    def row_groups(self) -> List[int]:
        """From the file's last bytes alone: a rank counts the rows of all files, but fetches only its own."""
        if cache.path_of(self.digest).exists():
            return super().row_groups()
        import pyarrow.parquet

        tail, size = self._tail(_FOOTER_BYTES)
        if tail is None:  # the server does not give ranges
            return super().row_groups()
        needed = int.from_bytes(tail[-8:-4], "little") + 8
        if needed > len(tail) and len(tail) < size:
            tail, size = self._tail(needed)
            if tail is None:
                return super().row_groups()
        return _counts(pyarrow.parquet.read_metadata(_Tail(tail, size)))

    def _tail(self, count: int) -> Any:
        with self._transport.open("GET", self._url_path, headers={"Range": f"bytes=-{count}"}) as answer:
            if answer.status != 206:
                return None, 0
            size = re.match(r"bytes \d+-\d+/(\d+)", answer.headers.get("Content-Range", ""))
            return answer.read(), int(size[1]) if size else 0


class _LocalPart(Part):
    """A file of this process's own; it goes when nothing uses it any more."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        weakref.finalize(self, _remove, str(path.parent), os.getpid())

    def fetch(self) -> pathlib.Path:
        return self._path


def spilled(reader: Any) -> Part:
    """The rows of a ``pyarrow.RecordBatchReader`` in a file in the temporary folder."""
    import pyarrow.parquet

    part = _LocalPart(pathlib.Path(tempfile.mkdtemp(prefix="slipway-")) / "rows.parquet")
    with pyarrow.parquet.ParquetWriter(str(part.fetch()), reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
    return part


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not a forked child, which has a copy of the object
        shutil.rmtree(folder, ignore_errors=True)


def _counts(metadata: Any) -> List[int]:
    return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]


class _Tail(io.RawIOBase):
    """The end of a file, at its place: enough for whoever reads only the footer."""

    def __init__(self, tail: bytes, size: int) -> None:
        self._tail, self._size, self._at = tail, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        start = self._at - (self._size - len(self._tail))
        if start < 0:
            raise OSError("a Parquet footer reaches further back than it says")
        piece = self._tail[start:start + len(buffer)]
        buffer[:len(piece)] = piece
        self._at += len(piece)
        return len(piece)
