"""The files of a version of a file dataset."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Iterator, Optional, Tuple, Union

from . import cache, errors

if TYPE_CHECKING:
    from .dataset import DatasetVersion

_PAGE = 1000


@dataclass(frozen=True)
class File:
    """A file: its path in the version, its size, ``sha256:…`` of its bytes."""

    path: str
    size_bytes: int
    digest: str


class Files:
    """The files of one version, by path. Bytes come through the cache and are verified."""

    def __init__(self, version: DatasetVersion) -> None:
        self._version = version

    def __iter__(self) -> Iterator[File]:
        return self.list()

    def __len__(self) -> int:
        return self._version.row_count

    def list(self, prefix: str = "") -> Iterator[File]:
        """Those whose path begins with ``prefix``, in the order of their paths."""
        query = {"prefix": prefix or None}
        for item in self._version.client.items(self._version._path() + "/files", query):
            yield File(item["path"], int(item["sizeBytes"]), item["digest"])

    def local(self, file: Union[str, File]) -> pathlib.Path:
        """The path of a verified copy on this machine. Do not change it: it is the cache's."""
        return cache.fetch(self._version.client.transport, self._url(self._file(file).path), self._file(file).digest)

    def open(self, file: Union[str, File]) -> IO[bytes]:
        """A file to read, opened in binary."""
        return open(self.local(file), "rb")

    def read(self, file: Union[str, File]) -> bytes:
        """The bytes of a file."""
        return self.local(file).read_bytes()

    def images(self, prefix: str = "") -> Iterator[Tuple[str, Any]]:
        """(path, ``PIL.Image.Image``) of each PNG, JPEG, GIF, BMP, TIFF or WebP file; other files are passed over."""
        try:
            from PIL import Image
        except ImportError:
            raise errors.missing("pillow", "Reading images", "images") from None
        for file in self.list(prefix):
            if os.path.splitext(file.path)[1].lower() in _IMAGES:
                with self.open(file) as stream:
                    image = Image.open(stream)
                    image.load()
                yield file.path, image

    def download(self, folder: Union[str, "os.PathLike[str]"], prefix: str = "", threads: int = 8) -> int:
        """Copies the files into ``folder``, in their subfolders; returns how many it wrote.

        A file that is there with the right size and SHA-256 is left, so a download that was cut off goes on. Others in
        their place are replaced; files that the version has not are not touched.
        """
        root = pathlib.Path(folder)

        def place(file: File) -> int:
            target = root.joinpath(*_parts(file.path))
            if target.is_file() and target.stat().st_size == file.size_bytes and cache.sha256(target) == file.digest:
                return 0
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as out:
                try:
                    with self.open(file) as stream:
                        shutil.copyfileobj(stream, out, 1 << 20)
                    os.chmod(out.name, 0o644)
                    os.replace(out.name, target)
                except BaseException:
                    os.unlink(out.name)
                    raise
            return 1

        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(place, self.list(prefix)))

    # --- parts ------------------------------------------------------------------------------------------------------

    def _url(self, path: str) -> str:
        return f"{self._version._path()}/files/{urllib.parse.quote(path)}"

    def _file(self, file: Union[str, File]) -> File:
        if isinstance(file, File):
            return file
        for found in self.list(file):
            if found.path == file:
                return found
            break
        raise errors.NotFound(f"{self._version.ref} has no file {file}", code="not_found", ref=self._version.ref)


_IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"}


def _parts(path: str) -> "list[str]":
    """The segments of a path that stays below the folder; the server promises it, and it is cheap to make sure."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise errors.Invalid(f"The path {path!r} leads out of the folder")
    return parts
