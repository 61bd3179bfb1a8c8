"""Datasets of a Slipway server, and runs that are logged without one.

    import slipway

    sales = slipway.dataset("sales@prod")     # pinned: sales.ref is dataset:sales@7
    frame = sales.to_pandas()
    for batch in sales.shards(1024, seed=7):  # this rank's rows, shuffled, resumable
        ...
    sales.log_input()                         # links the version to the active MLflow run

    with slipway.offline().start_run(experiment="restock") as run:   # no server needed
        run.log_metric("loss", 0.5, step=1)
    slipway.sync()                            # later

``SLIPWAY_URL`` (http://127.0.0.1:5000), ``SLIPWAY_TOKEN`` and ``SLIPWAY_PROJECT`` say where, who and for what, as for the
command line. :class:`Client` does the same for several servers in one program.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from .client import Client
from .dataset import Column, DatasetVersion, Slice, Table
from .errors import (
    Cancelled, Conflict, DeadlineExceeded, Forbidden, Internal, Invalid, NotFound, RateLimited, SlipwayError, TooLarge,
    Unauthenticated, Unavailable, Unsupported,
)
from .files import File, Files
from .shards import Shards
from .spool import OfflineRun, Spool
from .syncing import Synced

__version__ = "0.1.0"

__all__ = [
    "Cancelled", "Client", "Column", "Conflict", "DatasetVersion", "DeadlineExceeded", "File", "Files", "Forbidden",
    "Internal", "Invalid", "NotFound", "OfflineRun", "RateLimited", "Shards", "Slice", "SlipwayError", "Spool", "Synced",
    "Table", "TooLarge", "Unauthenticated", "Unavailable", "Unsupported", "append", "append_events", "create_slice",
    "create_split", "dataset", "default_client", "offline", "query", "slice", "sync",
]

_lock = threading.Lock()
_default: Optional[Tuple[Tuple[Optional[str], ...], Client]] = None


def default_client() -> Client:
    """The client of the environment's variables; another one when they have changed."""
    global _default
    said = tuple(os.environ.get(name) for name in ("SLIPWAY_URL", "SLIPWAY_TOKEN", "SLIPWAY_PROJECT"))
    with _lock:
        if _default is None or _default[0] != said:
            _default = (said, Client())
        return _default[1]


def dataset(ref: str) -> DatasetVersion:
    """The version that a ref names now; see :meth:`Client.dataset`."""
    return default_client().dataset(ref)


def slice(ref: str) -> Slice:
    """A slice; see :meth:`Client.slice`."""
    return default_client().slice(ref)


def query(sql: str, inputs: Mapping[str, str], params: Sequence[object] = (), limit: int = 1000) -> List[Dict[str, Any]]:
    """Runs one SELECT on the server; see :meth:`Client.query`."""
    return default_client().query(sql, inputs, params, limit)


def append(dataset: str, rows: object, **options: Any) -> DatasetVersion:
    """Adds rows as a new version; see :meth:`Client.append`."""
    return default_client().append(dataset, rows, **options)


def append_events(dataset: str, events: Iterable[Mapping[str, Any]], **options: Any) -> Dict[str, int]:
    """Hands over events; see :meth:`Client.append_events`."""
    return default_client().append_events(dataset, events, **options)


def create_slice(name: str, over: str, **options: Any) -> Slice:
    """Names a slice; see :meth:`Client.create_slice`."""
    return default_client().create_slice(name, over, **options)


def create_split(prefix: str, over: str, fractions: Mapping[str, float], **options: Any) -> Dict[str, Slice]:
    """Divides rows into slices; see :meth:`Client.create_split`."""
    return default_client().create_split(prefix, over, fractions, **options)


def offline(folder: Union[str, "os.PathLike[str]", None] = None, fsync: str = "second") -> Spool:
    """A folder into which runs are logged without a server, to be sent by :func:`sync`; see :class:`slipway.Spool`."""
    return Spool(folder, fsync)


def sync(folder: Union[str, "os.PathLike[str]", None] = None, **options: Any) -> Synced:
    """Sends the runs of a spool; see :meth:`Client.sync`."""
    return default_client().sync(folder, **options)
