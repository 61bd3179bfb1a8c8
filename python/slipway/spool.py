"""Runs that are logged without a server, into a folder, and sent later.

    spool = slipway.offline("spool")                       # SLIPWAY_SPOOL, else ./slipway-spool
    with spool.start_run(experiment="restock", name="a") as run:
        run.log_params({"lr": 0.1})
        run.log_metric("loss", 0.5, step=1)
        run.log_artifact("model.onnx")
    slipway.sync("spool")                                  # or, in a shell: slipway sync spool

A spool is a folder; ``docs/spool.md`` describes its format. Each run has a folder of its own, named by the run's id, with
``log.jsonl``, to which each call appends one line by one ``write``, and ``artifacts/``, with a copy of each file.

What a call has logged survives the death of the process at once. It survives the loss of power after at most a second of
logging (``fsync="second"``), at once (``fsync="always"``) or whenever the system writes it (``fsync="never"``). The beginning
and the end of a run, and its artifacts, are synced in all but the last.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import sys
import threading
import time
import unicodedata
import uuid
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Type, Union
from urllib.parse import unquote

from . import errors

FORMAT = 1
LOG = "log.jsonl"
#: Infinities become what MLflow makes of them.
_NUMBERS = {"NaN": math.nan, "Infinity": sys.float_info.max, "-Infinity": -sys.float_info.max}
_POLICIES = ("always", "second", "never")
_STATES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_BLOCK = 1 << 20


class Spool:
    """A folder of runs that wait to be sent.

    Args:
        folder: made if it is not there; default ``SLIPWAY_SPOOL``, else ``slipway-spool``.
        fsync: ``second`` (default), ``always`` or ``never``; see the module.
    """

    def __init__(self, folder: Union[str, "os.PathLike[str]", None] = None, fsync: str = "second") -> None:
        if fsync not in _POLICIES:
            raise errors.Invalid(f"fsync='{fsync}' is not a policy; expected one of {', '.join(_POLICIES)}")
        self.folder = pathlib.Path(folder or os.environ.get("SLIPWAY_SPOOL") or "slipway-spool")
        self.fsync = fsync
        self.folder.mkdir(parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"slipway.Spool({str(self.folder)!r})"

    def start_run(
        self, experiment: str = "Default", name: Optional[str] = None, *, run_id: Optional[str] = None,
        tags: Mapping[str, str] = {}, user: Optional[str] = None,
    ) -> OfflineRun:
        """Begins a run, or goes on with one.

        Args:
            experiment: its name on the server; made there when it is sent.
            name: default the first characters of the id.
            run_id: a run that is in this spool goes on; one that another machine began gets lines of this one too.
        """
        if not experiment or len(experiment) > 500 or _has_control(experiment):
            raise errors.Invalid(
                f"{experiment[:80]!r} is not an experiment's name; expected 1 to 500 characters without line breaks")
        id = run_id or uuid.uuid4().hex
        if len(id) != 32 or any(letter not in "0123456789abcdef" for letter in id):
            raise errors.Invalid(f"'{id[:80]}' is not a run's id; expected 32 hex digits")
        run = OfflineRun(self, id)
        line: Dict[str, Any] = {
            "format": FORMAT, "experiment": experiment, "user": user or _user(), "started": _now(),
            "name": name or id[:8]}
        run._append({"run": line}, sync=True)
        if tags:
            run.set_tags(tags)
        return run

    def runs(self) -> List[SpooledRun]:
        """The runs of the spool as their logs have them now, by id."""
        found = (path.parent for path in sorted(self.folder.glob(f"*/{LOG}")))
        return [run for run in map(SpooledRun, found) if run.begin is not None]


class OfflineRun:
    """A run that is being logged. Threads may share it. Usable in ``with``: an exception ends it as ``FAILED``."""

    def __init__(self, spool: Spool, id: str) -> None:
        self.id = id
        self.folder = spool.folder / id
        self._fsync = spool.fsync
        self._lock = threading.Lock()
        self._synced = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / LOG
        self._file: Optional[int] = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        size = os.fstat(self._file).st_size
        # What a crash cut off is left on a line of its own, which readers pass over.
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")
        if self._fsync != "never":
            for folder in (spool.folder, self.folder):
                _sync_folder(folder)

    def __repr__(self) -> str:
        return f"<slipway offline run {self.id}>"

    # --- logging ----------------------------------------------------------------------------------------------------

    def log_param(self, key: str, value: object) -> None:
        """A parameter; its first value counts."""
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, object]) -> None:
        """Parameters as texts."""
        self._append({"params": {_key(key): str(value) for key, value in params.items()}})

    def log_metric(self, key: str, value: float, step: int = 0, timestamp: Optional[int] = None) -> None:
        """One point; ``timestamp`` in milliseconds since 1970, now by default."""
        self.log_metrics({key: value}, step, timestamp)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0, timestamp: Optional[int] = None) -> None:
        """A point of each metric."""
        at = _now() if timestamp is None else int(timestamp)
        for number, what in ((step, "step"), (at, "timestamp")):
            if not -(1 << 63) <= int(number) < 1 << 63:
                raise errors.Invalid(f"{what}={number} does not fit into 64 bits")
        self._append({"metrics": [[_key(key), int(step), at, _plain(value)] for key, value in metrics.items()]})

    def set_tag(self, key: str, value: object) -> None:
        """A tag; its last value counts."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Tags as texts."""
        self._append({"tags": {_key(key): str(value) for key, value in tags.items()}})

    def log_artifact(self, path: Union[str, "os.PathLike[str]"], artifact_path: Optional[str] = None) -> None:
        """Copies a file into the spool, below ``artifact_path`` of the run's artifacts."""
        source = pathlib.Path(path)
        with open(source, "rb") as file:
            self._store("/".join(filter(None, [artifact_path, source.name])), iter(lambda: file.read(_BLOCK), b""))

    def log_artifacts(self, folder: Union[str, "os.PathLike[str]"], artifact_path: Optional[str] = None) -> None:
        """Copies all files below a folder."""
        top = pathlib.Path(folder)
        for path in sorted(found for found in top.rglob("*") if found.is_file()):
            below = path.relative_to(top).parent.as_posix()
            self.log_artifact(path, "/".join(filter(None, [artifact_path, "" if below == "." else below])) or None)

    def log_text(self, text: str, artifact_file: str) -> None:
        """Stores a text as an artifact."""
        self._store(artifact_file, iter([text.encode()]))

    def log_dict(self, dictionary: Mapping[str, Any], artifact_file: str) -> None:
        """Stores a dictionary as JSON."""
        self.log_text(json.dumps(dictionary, indent=2), artifact_file)

    def end(self, status: str = "FINISHED") -> None:
        """Ends the run; a second time does nothing."""
        if status not in _STATES:
            raise errors.Invalid(f"'{status}' is not a status; expected one of {', '.join(_STATES)}")
        with self._lock:
            if self._file is None:
                return
        self._append({"end": {"status": status, "ended": _now()}}, sync=True)
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> OfflineRun:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], problem: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.end("FINISHED" if kind is None else "KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    # --- parts ------------------------------------------------------------------------------------------------------

    def _store(self, path: str, blocks: Iterator[bytes]) -> None:
        if not path or any(map(_is_unsafe, path.split("/"))):
            raise errors.Invalid(f"{path[:200]!r} is not a path of an artifact; expected names with / between them")
        target = self.folder / "artifacts" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".tmp-{uuid.uuid4().hex}"
        digest, size = hashlib.sha256(), 0
        try:
            with open(temporary, "wb") as file:
                for block in blocks:
                    file.write(block)
                    digest.update(block)
                    size += len(block)
                file.flush()
                if self._fsync != "never":
                    os.fsync(file.fileno())
            # One after the other, so that the last line about a path is about the file that is there.
            with self._lock:
                os.replace(temporary, target)
                if self._fsync != "never":
                    _sync_folder(target.parent)
                self._write({"artifact": {"path": path, "sha256": digest.hexdigest(), "size": size}}, sync=True)
        finally:
            temporary.unlink(missing_ok=True)

    def _append(self, line: Mapping[str, Any], sync: bool = False) -> None:
        with self._lock:
            self._write(line, sync)

    def _write(self, line: Mapping[str, Any], sync: bool) -> None:
        if self._file is None:
            raise errors.Conflict(f"The run {self.id} has ended; go on with start_run(run_id='{self.id}')")
        data = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        written = os.write(self._file, data)
        while written < len(data):  # a full disk, or a signal
            written += os.write(self._file, data[written:])
        now = time.monotonic()
        if self._fsync == "always" or (self._fsync == "second" and (sync or now - self._synced >= 1)):
            os.fsync(self._file)
            self._synced = now


class SpooledRun:
    """What a run's folder has: all whole lines of its log, put together."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.id = folder.name
        #: The first line: experiment, name, user, started; None before there is one.
        self.begin: Optional[Dict[str, Any]] = None
        self.end: Optional[Dict[str, Any]] = None
        self.params: Dict[str, str] = {}
        #: All values of each tag, the last one counts.
        self.tags: Dict[str, List[str]] = {}
        #: SHA-256 of all contents of each artifact, the last one counts.
        self.artifacts: Dict[str, List[str]] = {}
        #: Different points in the order in which they were logged, by metric.
        self.points: Dict[str, List[Tuple[int, int, float]]] = {}
        #: Lines that a crash cut off.
        self.torn = 0
        for line in self._lines():
            self._take(line)

    def _lines(self) -> Iterator[Dict[str, Any]]:
        with open(self.folder / LOG, "rb") as file:
            for data in file:
                if not data.endswith(b"\n"):  # it is being written, or was cut off
                    self.torn += 1
                    return
                if data == b"\n":
                    continue
                try:
                    line = json.loads(data)
                except ValueError:
                    self.torn += 1
                    continue
                if isinstance(line, dict):
                    yield line

    def _take(self, line: Dict[str, Any]) -> None:
        if "run" in line:
            if line["run"].get("format", 0) > FORMAT:
                raise errors.Unsupported(
                    f"{self.folder} was written by a newer slipway (format {line['run']['format']}); upgrade this one")
            self.begin = self.begin or line["run"]
            self.end = None  # it goes on
        elif "params" in line:
            for key, value in line["params"].items():
                self.params.setdefault(key, value)
        elif "tags" in line:
            for key, value in line["tags"].items():
                self.tags.setdefault(key, []).append(value)
        elif "metrics" in line:
            for key, step, at, value in line["metrics"]:
                number = _NUMBERS[value] if isinstance(value, str) else float(value)
                self.points.setdefault(key, []).append((step, at, number))
        elif "artifact" in line:
            self.artifacts.setdefault(line["artifact"]["path"], []).append(line["artifact"]["sha256"])
        elif "end" in line:
            self.end = line["end"]

    def record(self, experiment: str) -> Dict[str, Any]:
        """The run as ``POST /api/v1/import/runs`` takes it."""
        assert self.begin is not None
        end = self.end or {}
        earlier = {key: values[:-1] for key, values in self.tags.items() if len(values) > 1}
        return {
            "id": self.id, "experiment": experiment, "name": self.begin["name"], "user": self.begin["user"],
            "status": end.get("status", "RUNNING"), "started": self.begin["started"], "ended": end.get("ended"),
            "params": self.params, "tags": {key: values[-1] for key, values in self.tags.items()},
            "earlierTags": earlier}

    def remove(self) -> None:
        """Deletes the run's folder."""
        shutil.rmtree(self.folder)


def _has_control(text: str) -> bool:
    return any(ord(letter) < 32 or ord(letter) == 127 for letter in text)


def _key(key: object) -> str:
    """What the server takes as a metric's, parameter's or tag's key: said here, where the program can still change it."""
    text = str(key)
    parts = text.split("/")
    if not re.fullmatch(r"[\w\-. /:]{1,250}", text) or any(part in ("", ".", "..") for part in parts) or text.startswith(".."):
        raise errors.Invalid(
            f"{text[:80]!r} is not a key; expected up to 250 letters, digits and _-./ : that are no path to somewhere else")
    return text


def _is_unsafe(part: str) -> bool:
    """Whether a reader down the line could take a part of a path for another: decoded, or in its compatible letters."""
    for _ in range(6):
        plain = unicodedata.normalize("NFKC", part)
        if plain in ("", ".", "..") or "/" in plain or "\\" in plain or _has_control(plain):
            return True
        part = unquote(part)
    return False


def _plain(value: float) -> Union[float, str]:
    number = float(value)
    return number if math.isfinite(number) else "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _now() -> int:
    return time.time_ns() // 1_000_000


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _sync_folder(path: pathlib.Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
