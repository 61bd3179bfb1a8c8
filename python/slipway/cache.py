"""Files of dataset versions on this machine, under their SHA-256: fetched once, verified, shared by all processes.

``SLIPWAY_CACHE`` names the folder (``~/.cache/slipway``), ``SLIPWAY_CACHE_BYTES`` its size (20 GiB). What was not used for
an hour goes first when it is full.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import pathlib
import threading
import time
from typing import List, Tuple

from . import errors
from .transport import ATTEMPTS, CutOff, Transport

DEFAULT_BYTES = 20 << 30
#: A file that was asked for so recently may be in use and stays.
IN_USE_SECONDS = 3600.0
_BLOCK = 1 << 20
#: The folder is measured when so much has come in, not at each file.
_TRIM_EVERY_BYTES = 1 << 30


def folder() -> pathlib.Path:
    """Where the cache is."""
    named = os.environ.get("SLIPWAY_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "slipway"


def path_of(digest: str) -> pathlib.Path:
    """Where an object lies once it is there; ``digest`` is hex, with or without ``sha256:``."""
    text = digest[7:] if digest.startswith("sha256:") else digest
    if len(text) != 64 or any(letter not in "0123456789abcdef" for letter in text):
        raise errors.Invalid(f"'{digest[:80]}' is not a SHA-256 digest")
    return folder() / "objects" / text[:2] / text


def sha256(path: pathlib.Path) -> str:
    """``sha256:…`` of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def fetch(transport: Transport, url_path: str, digest: str) -> pathlib.Path:
    """The local path of an object that the server gives at ``url_path``; downloaded unless it is there.

    A download that is cut off goes on where it stopped. Bytes that do not have the digest are never used.
    """
    target = path_of(digest)
    try:
        os.utime(target)
        return target
    except FileNotFoundError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        size, found = _download(transport, url_path, part)
        if found != target.name:
            raise errors.SlipwayError(
                f"{url_path} came with the SHA-256 {found}, not {target.name}: it was damaged on the way or on the server. "
                "Try again; if it stays so, check the server's storage")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    _note(size)
    return target


def _download(transport: Transport, url_path: str, part: pathlib.Path) -> Tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with open(part, "wb") as out:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                headers = {"Range": f"bytes={size}-"} if size else {}
                with transport.open("GET", url_path, headers=headers) as answer:
                    if size and answer.status != 206:  # the server began anew
                        digest, size = hashlib.sha256(), 0
                        out.seek(0)
                        out.truncate()
                    expected = None if answer.length is None else size + answer.length
                    while True:
                        block = answer.read(_BLOCK)
                        if not block:
                            break
                        out.write(block)
                        digest.update(block)
                        size += len(block)
                    if expected is not None and size != expected:
                        raise http.client.IncompleteRead(b"", expected - size)
                return size, digest.hexdigest()
            except CutOff:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.2 * 2 ** (attempt - 1))
    raise AssertionError("unreachable: the last attempt returns or raises")


# --- keeping the size ---------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_since_trim = _TRIM_EVERY_BYTES


def _note(size: int) -> None:
    global _since_trim
    with _lock:
        _since_trim += size
        if _since_trim < _TRIM_EVERY_BYTES:
            return
        _since_trim = 0
    trim(int(os.environ.get("SLIPWAY_CACHE_BYTES") or DEFAULT_BYTES))


def trim(limit_bytes: int, in_use_seconds: float = IN_USE_SECONDS) -> int:
    """Removes the objects that were not used for longest until the cache fits; returns the bytes that it freed."""
    entries: List[Tuple[float, int, pathlib.Path]] = []
    for path in (folder() / "objects").glob("??/*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        entries.append((status.st_mtime, status.st_size, path))
    total, freed, oldest_in_use = sum(size for _, size, _ in entries), 0, time.time() - in_use_seconds
    for used, size, path in sorted(entries):
        if total - freed <= limit_bytes or used > oldest_in_use:
            break
        path.unlink(missing_ok=True)
        freed += size
    return freed
