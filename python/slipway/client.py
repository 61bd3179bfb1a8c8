"""A server, as somebody: where datasets and slices come from and new rows go to."""

from __future__ import annotations

import itertools
import json
import os
import uuid
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

from . import errors
from .transport import Transport, segment
from .upload import body_of, plain

if TYPE_CHECKING:
    from .dataset import DatasetVersion, Slice
    from .syncing import Synced

DEFAULT_URL = "http://127.0.0.1:5000"
_PAGE = 1000
#: Events in one request; the server takes no more than 10,000.
_EVENTS = 5000


class Client:
    """One server.

    Args:
        url: default ``SLIPWAY_URL``, else ``http://127.0.0.1:5000``.
        token: default ``SLIPWAY_TOKEN``; a server on loopback needs none.
        project: where new datasets and slices go; default ``SLIPWAY_PROJECT``, else ``default``.
    """

    def __init__(self, url: Optional[str] = None, token: Optional[str] = None, project: Optional[str] = None) -> None:
        self.transport = Transport(
            url or os.environ.get("SLIPWAY_URL") or DEFAULT_URL, token or os.environ.get("SLIPWAY_TOKEN") or None)
        self.project = project or os.environ.get("SLIPWAY_PROJECT") or "default"

    @property
    def url(self) -> str:
        """The server's address."""
        return self.transport.url

    def __repr__(self) -> str:
        return f"slipway.Client({self.url!r}, project={self.project!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    # --- reading ----------------------------------------------------------------------------------------------------

    def dataset(self, ref: str) -> DatasetVersion:
        """The version that a ref names now: ``sales``, ``sales@3``, ``sales@prod``, ``dataset:sales@latest``.

        What comes back is pinned to a number, so it stays the same when the tag or branch moves on.
        """
        from .dataset import DatasetVersion

        name, selector = parse_ref(ref, "dataset")
        path = f"/api/v1/datasets/{segment(name)}/versions/{segment(selector or 'latest')}"
        return DatasetVersion(self, self.transport.json("GET", path))

    def slice(self, ref: str) -> Slice:
        """A slice: ``weekend``, ``slice:weekend``, ``weekend@2``."""
        from .dataset import Slice

        name, selector = parse_ref(ref, "slice")
        return Slice(
            self, self.transport.json("GET", f"/api/v1/slices/{segment(name)}", query={"version": selector}))

    def datasets(self, project: Optional[str] = None) -> Iterator[Dict[str, Any]]:
        """All datasets that you may see, by name, as the server describes them."""
        return self.items("/api/v1/datasets", {"project": project})

    def slices(self, project: Optional[str] = None) -> Iterator[Dict[str, Any]]:
        """The newest version of each slice, as the server describes it."""
        return self.items("/api/v1/slices", {"project": project})

    def query(
        self, sql: str, inputs: Mapping[str, str], params: Sequence[object] = (), limit: int = 1000
    ) -> List[Dict[str, Any]]:
        """Runs one SELECT on the server over versions and slices: ``query("SELECT count(*) n FROM s", {"s": "dataset:sales"})``."""
        answer = self.transport.json(
            "POST", "/api/v1/query", idempotent=True,
            body={"sql": sql, "inputs": dict(inputs), "params": list(params), "limit": limit})
        names = [column["name"] for column in answer["columns"]]
        return [dict(zip(names, row)) for row in answer["rows"]]

    def request(
        self, method: str, path: str, body: object = None, query: Mapping[str, Optional[Union[str, int]]] = {}
    ) -> Any:
        """Anything else of the API, as JSON: ``request("POST", "/api/v1/label-tasks/digits/next", {"count": 10})``.

        ``GET /api/v1/openapi.json`` says what there is.
        """
        return self.transport.json(method, path, body=body, query=query)

    def items(self, path: str, query: Mapping[str, Optional[Union[str, int]]] = {}) -> Iterator[Dict[str, Any]]:
        """The items of any listing of the API, page after page."""
        after: Optional[str] = None
        while True:
            page = self.transport.json("GET", path, query={"limit": _PAGE, **query, "after": after})
            yield from page["items"]
            after = page.get("next")
            if after is None:
                return

    # --- writing ----------------------------------------------------------------------------------------------------

    def append(
        self, dataset: str, rows: object, *, message: str = "", branch: Optional[str] = None, key: Optional[str] = None
    ) -> DatasetVersion:
        """Adds rows as a new version, and makes the dataset if it is new.

        Args:
            dataset: its name.
            rows: a pandas or polars DataFrame, a pyarrow Table, a list of dicts, or the path of a .parquet, .csv or
                .ndjson file. An index of pandas is not sent.
            message: why.
            branch: which branch gets the version; ``main`` by default.
            key: your own id of this batch. The same key again gives the version that it made the first time, so a job
                that may run twice should give one. Without it only this call's own retries are safe.

        Raises:
            Conflict: the dataset's schema does not take these rows' columns, or the branch moved.
        """
        from .dataset import DatasetVersion

        with body_of(rows) as (body, content_type):
            answer = self.transport.bytes(
                "POST", f"/api/v1/datasets/{segment(dataset)}/append", body=body, idempotent=True,
                headers={"Content-Type": content_type},
                query={"project": self.project, "message": message, "branch": branch, "key": key or uuid.uuid4().hex})
        return DatasetVersion(self, json.loads(answer))

    def append_events(
        self, dataset: str, events: Iterable[Mapping[str, Any]], *, id: Optional[str] = None,
        branch: Optional[str] = None,
    ) -> Dict[str, int]:
        """Hands over events, which become rows of a new version soon (after a second, unless the dataset says otherwise).

        Args:
            events: ``{"id": its own id, "row": {column: value}, "time": when it happened, if known}``; with ``id``, the rows
                themselves.
            id: the column of the rows that holds the event's id.

        Returns ``{"accepted": …, "known": …}``: an event whose id is known changes nothing, so all may be sent again. What
        is accepted is on the server's disk.
        """
        done = {"accepted": 0, "known": 0}
        waiting = iter(events)
        while True:
            batch = list(itertools.islice(waiting, _EVENTS))
            if not batch:
                return done
            if id is not None:
                batch = [{"id": str(row[id]), "row": row} for row in batch]
            body = json.dumps({"events": batch}, default=plain).encode()
            answer = json.loads(self.transport.bytes(
                "POST", f"/api/v1/datasets/{segment(dataset)}/events", body=body, idempotent=True,
                headers={"Content-Type": "application/json"}, query={"project": self.project, "branch": branch}))
            for key in done:
                done[key] += answer[key]

    def create_slice(
        self, name: str, over: str, *, where: Optional[str] = None, filter: Optional[str] = None,
        split: Optional[Mapping[str, Any]] = None, wrong: Optional[Mapping[str, Any]] = None, description: str = "",
        purpose: str = "", owner: Optional[str] = None,
    ) -> Slice:
        """Names a slice, or makes its next version. One of ``where``, ``filter``, ``split`` and ``wrong`` says which rows.

        Args:
            over: a dataset or another slice: ``dataset:sales``, ``slice:weekend``.
            where: a condition in DuckDB's SQL, what follows WHERE.
            filter: a filter expression: ``units > 2 AND store = '31'``.
            split: a part of a split; :meth:`create_split` makes all parts at once.
            wrong: what a model got wrong: ``{"predictions": "dataset:scored", "prediction": "units_hat", "truth": "units"}``.
        """
        from .dataset import Slice

        body = {
            "name": name, "over": over, "where": where, "filter": filter, "split": split, "wrong": wrong,
            "description": description, "purpose": purpose, "owner": owner}
        said = {key: value for key, value in body.items() if value not in (None, "")}
        return Slice(self, self.transport.json("POST", "/api/v1/slices", body=said))

    def create_split(
        self, prefix: str, over: str, fractions: Mapping[str, float], *, seed: int = 0, by: Sequence[str] = (),
        unit: Sequence[str] = (), purpose: str = "",
    ) -> Dict[str, Slice]:
        """Divides rows at random into slices named PREFIX-PART: ``create_split("sales", "dataset:sales", {"train": 0.8, "test": 0.2})``.

        Args:
            by: columns whose values are strata: each part gets its share of each.
            unit: columns whose equal rows stay in one part, for example the customer.

        Returns the slices by the names of their parts.
        """
        from .dataset import Slice

        split: Dict[str, Any] = {
            "kind": "stratified" if by else "random", "seed": seed,
            "parts": [{"name": name, "fraction": fraction} for name, fraction in fractions.items()]}
        for key, columns in (("by", by), ("unit", unit)):
            if columns:
                split[key] = list(columns)
        answer = self.transport.json(
            "POST", "/api/v1/slices/split", body={"prefix": prefix, "over": over, "split": split, "purpose": purpose})
        return {name: Slice(self, info) for name, info in zip(fractions, answer["items"])}


    def sync(self, folder: Union[str, "os.PathLike[str]", None] = None, *, remove: bool = False) -> Synced:
        """Sends the runs of a spool (:func:`slipway.offline`). What the server has is not sent again.

        It may be cut off, be repeated, run while the runs go on, and run on several machines: each point, parameter and
        file is there once in the end. Experiments that are not there are made in this client's project.

        Args:
            folder: default ``SLIPWAY_SPOOL``, else ``slipway-spool``.
            remove: deletes the runs that have ended and are on the server whole.
        """
        from .syncing import sync

        return sync(self, folder, remove)


def parse_ref(text: str, kind: str) -> "tuple[str, Optional[str]]":
    """``dataset:sales@3`` or ``sales@3`` as (name, selector).

    Raises:
        Invalid: for another kind or an empty name.
    """
    bare = text[len("slipway://"):] if text.startswith("slipway://") else text
    if ":" in bare:
        found, bare = bare.split(":", 1)
        if found != kind:
            raise errors.Invalid(f"'{text}' names a {found}; expected {kind}:NAME or NAME")
    name, at, selector = bare.partition("@")
    if not name or (at and not selector):
        raise errors.Invalid(f"'{text}' is not a {kind}; expected NAME, NAME@3 or NAME@TAG")
    return name, selector or None
