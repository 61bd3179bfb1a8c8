"""Dataset versions and slices: rows in the form that you want, files, shards for training."""

from __future__ import annotations

import pathlib
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence, Union

from . import errors
from .transport import Query, segment

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

    from .client import Client
    from .files import Files
    from .parts import Part
    from .shards import Shards

_ARROW = "application/vnd.apache.arrow.stream"
_PAGE = 1000


@dataclass(frozen=True)
class Column:
    """A column; ``type`` is DuckDB's name, for example ``BIGINT`` or ``TIMESTAMP``."""

    name: str
    type: str


class Table:
    """Rows of a version or a slice. Each call reads what it needs; nothing is kept but the cache of files."""

    def __init__(self, client: Client, info: Dict[str, Any]) -> None:
        self.client = client
        #: All that the server says about it, as JSON.
        self.info = info

    @property
    def ref(self) -> str:
        """Names it exactly: ``dataset:sales@3``, ``slice:weekend@2``."""
        return str(self.info["ref"])

    def __repr__(self) -> str:
        return f"<slipway {self.ref}>"

    def _path(self) -> str:
        raise NotImplementedError

    def _query(self) -> Dict[str, Optional[Union[str, int]]]:
        return {}

    # --- rows -------------------------------------------------------------------------------------------------------

    def rows(
        self, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None, order: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Dict[str, Any]]:
        """Rows as dicts, page after page; needs no other package.

        Args:
            filter: for example ``units > 2 AND store = '31'``.
            order: for example ``units DESC, day``.
        """
        query: Dict[str, Optional[Union[str, int]]] = {
            **self._query(), "columns": ",".join(columns) if columns else None, "filter": filter, "order": order}
        left, after = limit, None
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = self.client.transport.json(
                "GET", self._path() + "/rows", query={**query, "limit": size, "after": after})
            names = [column["name"] for column in page["columns"]]
            for row in page["rows"]:
                yield dict(zip(names, row))
            left = None if left is None else left - len(page["rows"])
            after = page.get("next")
            if after is None:
                return

    def profile(self) -> Dict[str, Any]:
        """Counts, NULLs, quantiles, histograms and top values of each column."""
        answer: Dict[str, Any] = self.client.transport.json("GET", self._path() + "/profile", query=self._query())
        return answer

    def batches(
        self, batch_rows: int = 65536, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None
    ) -> Iterator[pyarrow.RecordBatch]:
        """Rows as Arrow batches of at most ``batch_rows``, in bounded memory."""
        with _stream(self, columns, filter) as reader:
            for batch in reader:
                for start in range(0, batch.num_rows, batch_rows):
                    yield batch.slice(start, batch_rows)

    def to_arrow(self, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None) -> pyarrow.Table:
        """All rows as a ``pyarrow.Table``."""
        with _stream(self, columns, filter) as reader:
            return reader.read_all()

    def to_pandas(self, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None) -> pandas.DataFrame:
        """All rows as a ``pandas.DataFrame``."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise errors.missing("pandas", "to_pandas", "pandas") from None
        frame: pandas.DataFrame = self.to_arrow(columns, filter).to_pandas()
        return frame

    def to_polars(self, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None) -> polars.DataFrame:
        """All rows as a ``polars.DataFrame``."""
        try:
            import polars
        except ImportError:
            raise errors.missing("polars", "to_polars", "polars") from None
        return polars.from_arrow(self.to_arrow(columns, filter))

    def to_duckdb(self, connection: Optional[duckdb.DuckDBPyConnection] = None) -> duckdb.DuckDBPyRelation:
        """The rows as a relation of ``connection`` (DuckDB's default connection unless given)."""
        import duckdb

        return (connection or duckdb).from_arrow(self.to_arrow())

    # --- training ---------------------------------------------------------------------------------------------------

    def parts(self, columns: Optional[Sequence[str]] = None) -> List[Part]:
        """Parquet files that hold all rows in order. Of rows that the server computes, one is written for them here."""
        from .parts import spilled

        with _stream(self, columns, None) as reader:
            return [spilled(reader)]

    def shards(
        self, batch_rows: int = 1024, *, columns: Optional[Sequence[str]] = None, rank: Optional[int] = None,
        world_size: Optional[int] = None, shuffle: bool = True, seed: int = 0, epoch: int = 0,
        shuffle_rows: int = 65536, even: bool = True,
    ) -> Shards:
        """This process's share of the rows, as Arrow batches, for training.

        The order depends on ``seed``, ``epoch``, ``world_size``, ``batch_rows``, ``shuffle_rows`` and the version's content
        alone: any machine gives the same. See :class:`slipway.shards.Shards` for how, and for how to resume.

        Args:
            rank, world_size: which share of how many; default the variables ``RANK`` and ``WORLD_SIZE``, else all rows.
            shuffle_rows: rows that are held in memory and mixed.
            even: every rank gets the same number of rows, so that none waits for another at the end; fewer than
                ``world_size`` rows are left out, others in each epoch. False gives each row to one rank.
        """
        from .shards import Shards

        return Shards(
            self, batch_rows=batch_rows, columns=columns, rank=rank, world_size=world_size, shuffle=shuffle, seed=seed,
            epoch=epoch, shuffle_rows=shuffle_rows, even=even)

    def to_torch(self, batch_rows: int = 1024, **options: Any) -> Any:
        """A ``torch.utils.data.IterableDataset`` of dicts of tensors; ``options`` are those of :meth:`shards`.

        Give it to a ``DataLoader`` with ``batch_size=None``. Its workers share the rows of the rank among themselves.
        """
        from .loaders import torch_dataset

        return torch_dataset(self, batch_rows, options)

    def to_tf(self, batch_rows: int = 1024, **options: Any) -> Any:
        """A ``tf.data.Dataset`` of dicts of tensors; ``options`` are those of :meth:`shards`."""
        from .loaders import tf_dataset

        return tf_dataset(self, batch_rows, options)

    def log_input(self, context: str = "training", run_id: Optional[str] = None) -> None:
        """Links this to an MLflow run: the active one (MLflow starts one if there is none) or ``run_id``.

        Args:
            context: ``training`` or ``evaluation`` decide how Slipway names the link; any other text is kept.
        """
        from .tracking import log_input

        log_input(self, context, run_id)


class DatasetVersion(Table):
    """One immutable version of a dataset."""

    @property
    def name(self) -> str:
        """The dataset's name."""
        return str(self.info["dataset"])

    @property
    def version(self) -> int:
        """The number."""
        return int(self.info["version"])

    @property
    def digest(self) -> str:
        """``sha256:…`` of the content: equal digests, equal content."""
        return str(self.info["digest"])

    @property
    def row_count(self) -> int:
        """Rows; for files, the files."""
        return int(self.info["rows"])

    @property
    def columns(self) -> List[Column]:
        """The schema."""
        return [Column(column["name"], column["type"]) for column in self.info["columns"]]

    @property
    def kind(self) -> str:
        """``table`` or ``files``."""
        return str(self.info.get("kind", "table"))

    def __len__(self) -> int:
        return self.row_count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetVersion) and (self.ref, self.client.url) == (other.ref, other.client.url)

    def __hash__(self) -> int:
        return hash((self.ref, self.client.url))

    def _path(self) -> str:
        return f"/api/v1/datasets/{segment(self.name)}/versions/{self.version}"

    @property
    def _base(self) -> str:
        return f"/api/v1/datasets/{segment(self.name)}"

    # --- rows -------------------------------------------------------------------------------------------------------

    def paths(self) -> List[pathlib.Path]:
        """The version's Parquet files on this machine, fetched unless they are in the cache. Do not change them."""
        if self.kind != "table":
            raise errors.Invalid(f"{self.ref} holds files, not a table; use .files or .to_arrow()")
        return [part.fetch() for part in self.parts()]

    def parts(self, columns: Optional[Sequence[str]] = None) -> List[Part]:
        """Parquet files that hold all rows in order."""
        from .parts import RemotePart

        if self.kind != "table":
            return super().parts(columns)
        return [
            RemotePart(self.client.transport, f"{self._path()}/files/{urllib.parse.quote(item['path'])}", item["digest"])
            for item in self.client.items(self._path() + "/files")]

    def _dataset(self) -> Any:
        """The cached files as one ``pyarrow.dataset``; a column that an older file lacks is NULL there."""
        try:
            import pyarrow
            import pyarrow.dataset
            import pyarrow.parquet
        except ImportError:
            raise errors.missing("pyarrow", "Reading a table", "arrow") from None
        paths = [str(path) for path in self.paths()]
        schema = pyarrow.unify_schemas([pyarrow.parquet.read_schema(path) for path in paths])
        return pyarrow.dataset.dataset(paths, schema=schema, format="parquet")

    def batches(
        self, batch_rows: int = 65536, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None
    ) -> Iterator[pyarrow.RecordBatch]:
        """Rows as Arrow batches of at most ``batch_rows``, in bounded memory, in the version's order.

        Without a filter they come from the version's Parquet files, which are fetched once and kept in the cache; with
        one, the server sends only what fits.
        """
        if filter is not None or self.kind != "table":
            yield from super().batches(batch_rows, columns, filter)
            return
        for batch in self._dataset().to_batches(
                columns=list(columns) if columns else None, batch_size=batch_rows, batch_readahead=4):
            if batch.num_rows:
                yield batch

    def to_arrow(self, columns: Optional[Sequence[str]] = None, filter: Optional[str] = None) -> pyarrow.Table:
        """All rows as a ``pyarrow.Table``; where from, see :meth:`batches`."""
        if filter is not None or self.kind != "table":
            return super().to_arrow(columns, filter)
        return self._dataset().to_table(columns=list(columns) if columns else None)

    def to_duckdb(self, connection: Optional[duckdb.DuckDBPyConnection] = None) -> duckdb.DuckDBPyRelation:
        """The rows as a relation of ``connection`` (DuckDB's default connection unless given).

        For a table the relation reads the cached Parquet files as it is used, so it takes no memory of its own.
        """
        try:
            import duckdb
        except ImportError:
            raise errors.missing("duckdb", "to_duckdb", "duckdb") from None
        if self.kind != "table":
            return super().to_duckdb(connection)
        return (connection or duckdb).read_parquet([str(path) for path in self.paths()], union_by_name=True)

    # --- files ------------------------------------------------------------------------------------------------------

    @property
    def files(self) -> Files:
        """The files of a file dataset: list, open, iterate images, download."""
        from .files import Files

        if self.kind != "files":
            raise errors.Invalid(f"{self.ref} is a table; .paths() gives its Parquet files")
        return Files(self)

    # --- history ----------------------------------------------------------------------------------------------------

    def history(self) -> Iterator[DatasetVersion]:
        """The versions of the dataset, newest first."""
        for info in self.client.items(self._base + "/versions"):
            yield DatasetVersion(self.client, info)

    def diff(self, other: Union[int, str, DatasetVersion]) -> Dict[str, Any]:
        """What changed from here to ``other`` (a version, number, tag or branch): schema, rows, cells, statistics."""
        to = other.version if isinstance(other, DatasetVersion) else other
        answer: Dict[str, Any] = self.client.transport.json(
            "GET", self._base + "/diff", query={"from": self.version, "to": to})
        return answer

    def tag(self, name: str) -> DatasetVersion:
        """Names this version, or moves the name here: ``sales.tag("prod")``."""
        self.client.transport.json("PUT", f"{self._base}/tags/{segment(name)}", body={"version": self.version})
        return self

    def branch(self, name: str) -> DatasetVersion:
        """Starts a branch here."""
        self.client.transport.json("PUT", f"{self._base}/branches/{segment(name)}", body={"from": str(self.version)})
        return self

    def append(
        self, rows: object, *, message: str = "", branch: Optional[str] = None, key: Optional[str] = None
    ) -> DatasetVersion:
        """Adds rows to the dataset; see :meth:`slipway.Client.append`. Returns the new version."""
        return self.client.append(self.name, rows, message=message, branch=branch, key=key)

    def slice(self, name: str, **options: Any) -> Slice:
        """Names a slice over the dataset; see :meth:`slipway.Client.create_slice`."""
        return self.client.create_slice(name, f"dataset:{self.name}", **options)


class Slice(Table):
    """A named, versioned query over a dataset."""

    @property
    def name(self) -> str:
        """The slice's name."""
        return str(self.info["name"])

    @property
    def version(self) -> int:
        """The number."""
        return int(self.info["version"])

    def _path(self) -> str:
        return f"/api/v1/slices/{segment(self.name)}"

    def _query(self) -> Dict[str, Optional[Union[str, int]]]:
        return {"version": self.version}


class _Stream:
    """An Arrow stream of the server, as a context that gives a ``pyarrow.RecordBatchReader``."""

    def __init__(self, table: Table, columns: Optional[Sequence[str]], filter: Optional[str]) -> None:
        query: Query = {
            **table._query(), "columns": ",".join(columns) if columns else None, "filter": filter}
        self._open = table.client.transport.open("GET", table._path() + "/data", query=query, headers={"Accept": _ARROW})

    def __enter__(self) -> Any:
        try:
            import pyarrow
        except ImportError:
            raise errors.missing("pyarrow", "Reading Arrow", "arrow") from None
        self._answer = self._open.__enter__()
        return pyarrow.ipc.open_stream(self._answer)

    def __exit__(self, *problem: Any) -> None:
        if problem[0] is None:
            self._answer.read()  # what follows the last batch; the connection can be used again then
        self._open.__exit__(*problem)


def _stream(table: Table, columns: Optional[Sequence[str]], filter: Optional[str]) -> _Stream:
    return _Stream(table, columns, filter)
