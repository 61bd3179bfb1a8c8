"""Rows of a caller as the bytes of a request."""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
from contextlib import contextmanager
from typing import IO, Any, Iterator, Tuple, cast

from . import errors

_TYPES = {
    ".parquet": "application/vnd.apache.parquet", ".csv": "text/csv", ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}
_MEMORY_BYTES = 64 << 20


@contextmanager
def body_of(rows: object) -> Iterator[Tuple[IO[bytes], str]]:
    """A file with the rows and its Content-Type. What does not fit into memory well is spooled to disk."""
    if isinstance(rows, (str, os.PathLike)):
        path = pathlib.Path(rows)
        content_type = _TYPES.get(path.suffix.lower())
        if content_type is None:
            raise errors.Invalid(f"The ending of {path.name} is not known; expected {', '.join(_TYPES)}")
        with open(path, "rb") as file:
            yield file, content_type
        return
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as spool:
        out = cast(IO[bytes], spool)
        if isinstance(rows, (list, tuple)):
            for row in rows:
                out.write(json.dumps(row, default=plain).encode() + b"\n")
            content_type = _TYPES[".ndjson"]
        else:
            _write_parquet(rows, out)
            content_type = _TYPES[".parquet"]
        out.seek(0)
        yield out, content_type


def _write_parquet(rows: object, out: IO[bytes]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise errors.missing("pyarrow", f"Sending a {type(rows).__name__}", "arrow") from None
    table: Any
    if isinstance(rows, pyarrow.Table):
        table = rows
    elif isinstance(rows, pyarrow.RecordBatch):
        table = pyarrow.Table.from_batches([rows])
    elif type(rows).__module__.split(".")[0] == "pandas":
        table = pyarrow.Table.from_pandas(rows, preserve_index=False)
    elif hasattr(rows, "to_arrow_table"):  # a relation of duckdb, whose to_arrow gives a reader
        table = rows.to_arrow_table()
    elif hasattr(rows, "to_arrow"):  # polars
        table = rows.to_arrow()
    elif hasattr(rows, "read_all"):  # a RecordBatchReader
        table = rows.read_all()
    else:
        raise errors.Invalid(
            f"A {type(rows).__name__} is not rows; expected a DataFrame, a pyarrow Table, a list of dicts or a file's path")
    pyarrow.parquet.write_table(table, out, compression="zstd")


def plain(value: Any) -> Any:
    """What JSON has no form for: times as ISO 8601, numbers of numpy and Decimal as they print."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return str(value)
