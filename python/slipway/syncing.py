"""Sends a spool to a server; as often as one likes, nothing is lost or there twice."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple, Union

from . import errors
from .spool import Spool, SpooledRun

if TYPE_CHECKING:
    from .client import Client

_POINTS = 20_000
_RUNS = 100
_BLOCK = 1 << 20
ORIGIN = "spool"


@dataclass
class Synced:
    """What came of it: runs and points of the spool, what the server did not have, and what it kept otherwise."""

    runs: int = 0
    points: int = 0
    files: int = 0
    added_runs: int = 0
    added_points: int = 0
    added_files: int = 0
    #: Lines that a crash cut off; they were not acknowledged to the program that logged.
    torn_lines: int = 0
    removed: int = 0
    problems: List[str] = field(default_factory=list)


def sync(client: Client, folder: Union[str, "os.PathLike[str]", None] = None, remove: bool = False) -> Synced:
    """See :meth:`slipway.Client.sync`."""
    result = Synced()
    runs = Spool(folder).runs()
    ids = _experiments(client, runs)
    for start in range(0, len(runs), _RUNS):
        part = runs[start:start + _RUNS]
        _records(client, part, ids, result)
        for run in part:
            whole = _points(client, run, result) and _files(client, run, result)
            result.runs += 1
            result.torn_lines += run.torn
            if remove and whole and run.end is not None:
                run.remove()
                result.removed += 1
    return result


def _experiments(client: Client, runs: List[SpooledRun]) -> Dict[str, str]:
    """The ids of the experiments on the server, by name."""
    first: Dict[str, int] = {}
    for run in runs:
        assert run.begin is not None
        name, started = run.begin["experiment"], run.begin["started"]
        first[name] = min(started, first.get(name, started))
    if not first:
        return {}
    answer = client.transport.json(
        "POST", "/api/v1/import/experiments", idempotent=True, query={"project": client.project},
        body={"origin": ORIGIN, "experiments": [
            {"id": name, "name": name, "created": created, "updated": created} for name, created in first.items()]})
    ids: Dict[str, str] = answer["ids"]
    return ids


def _records(client: Client, runs: List[SpooledRun], ids: Dict[str, str], result: Synced) -> None:
    records = [run.record(ids[(run.begin or {})["experiment"]]) for run in runs]
    answer = _import(client, {"runs": records})["runs"]
    result.added_runs += answer["added"]
    result.problems += answer["problems"]


def _points(client: Client, run: SpooledRun, result: Synced) -> bool:
    """Sends the points that the server lacks; says whether all are there."""
    for batch in _batches(run):
        answer = _import(client, {"points": batch})["points"]
        result.added_points += answer["added"]
        result.points += answer["added"] + answer["present"]
        result.problems += answer["problems"]
        if answer["problems"]:
            return False
    return True


def _batches(run: SpooledRun) -> Iterator[List[Dict[str, Any]]]:
    batch: List[Dict[str, Any]] = []
    count = 0
    for key, points in run.points.items():
        # In the order of steps, so that the server appends without reading back.
        plain = [_wire(point) for point in sorted(set(points), key=lambda point: (point[0], point[1], str(point[2])))]
        at = 0
        while at < len(plain):
            some = plain[at:at + _POINTS - count]
            batch.append({"run": run.id, "key": key, "points": some})
            count += len(some)
            at += len(some)
            if count == _POINTS:
                yield batch
                batch, count = [], 0
    if batch:
        yield batch


def _wire(point: Tuple[int, int, float]) -> List[Union[int, float, str]]:
    step, at, value = point
    return [step, at, value if value == value else "NaN"]


def _files(client: Client, run: SpooledRun, result: Synced) -> bool:
    """Sends the files that the server lacks, or has as an earlier line of the log had them."""
    if not run.artifacts:
        return True
    answer = client.transport.json("GET", "/api/v1/import/files", query={"of": f"run:{run.id}"})
    here = {item["path"]: item["digest"] for item in answer["items"]}
    whole = True
    for path, digests in run.artifacts.items():
        result.files += 1
        found = here.get(path)
        if found == digests[-1]:
            continue
        if found is not None and found not in digests:
            result.problems.append(f"run {run.id}: kept another {path}")
            continue
        sent = _send_file(client, run, path)
        if sent == digests[-1]:
            result.added_files += 1
        else:  # it is being replaced: the next time has both
            result.problems.append(f"run {run.id}: {path} is not as it was logged")
            whole = False
    return whole


def _send_file(client: Client, run: SpooledRun, path: str) -> Optional[str]:
    local: pathlib.Path = run.folder / "artifacts" / path
    try:
        with open(local, "rb") as file:
            digest = hashlib.sha256()
            for block in iter(lambda: file.read(_BLOCK), b""):
                digest.update(block)
            if digest.hexdigest() != run.artifacts[path][-1]:
                return digest.hexdigest()
            file.seek(0)
            answer = json.loads(client.transport.bytes(
                "PUT", f"/api/v1/runs/{run.id}/artifacts/{urllib.parse.quote(path)}", body=file,
                headers={"Content-Type": "application/octet-stream"}))
    except FileNotFoundError:
        return None
    return str(answer["digest"])[len("sha256:"):]


def _import(client: Client, body: Dict[str, Any]) -> Any:
    try:
        return client.transport.json("POST", "/api/v1/import/runs", idempotent=True, body=body)
    except errors.NotFound as problem:
        raise errors.NotFound(f"{problem.message} It was deleted on the server while the spool was sent; send it again.") from problem
