"""HTTP to one server with the standard library: kept connections, streams, and retries where repeating is safe."""

from __future__ import annotations

import http.client
import io
import json
import os
import select
import socket
import ssl
import threading
import time
import urllib.parse
from contextlib import contextmanager
from typing import IO, Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from . import errors

Query = Mapping[str, Optional[Union[str, int]]]
Body = Union[None, bytes, IO[bytes]]

#: A connection that says nothing for so long is given up.
TIMEOUT_SECONDS = 600.0
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.2
_BUSY = {429, 502, 503, 504}


class CutOff(errors.Unavailable):
    """An answer that began and did not end. Asking again may help, and for a file the rest is enough."""


class Transport:
    """Requests to one server. Threads may share it; a forked child starts with connections of its own."""

    def __init__(self, url: str, token: Optional[str] = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.timeout_seconds = timeout_seconds
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise errors.Invalid(f"'{url}' is not the URL of a server; expected http://HOST:PORT or https://HOST")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._prefix = parts.hostname, parts.port, parts.path
        self._lock = threading.Lock()
        self._idle: List[http.client.HTTPConnection] = []
        self._owner = os.getpid()

    def __getstate__(self) -> Dict[str, Any]:
        return {"url": self.url, "token": self.token, "timeout_seconds": self.timeout_seconds}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def json(
        self, method: str, path: str, *, query: Query = {}, body: object = None, idempotent: Optional[bool] = None
    ) -> Any:
        """The JSON of an answer (None if it is empty); ``body`` is sent as JSON.

        ``idempotent`` says that repeating the request changes nothing more; GET, PUT and DELETE are by nature.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        answer = self.bytes(method, path, query=query, body=data, headers=headers, idempotent=idempotent)
        return json.loads(answer) if answer else None

    def bytes(
        self, method: str, path: str, *, query: Query = {}, body: Body = None, headers: Mapping[str, str] = {},
        idempotent: Optional[bool] = None,
    ) -> bytes:
        """The whole body of an answer."""
        with self.open(method, path, query=query, body=body, headers=headers, idempotent=idempotent) as answer:
            return answer.read()

    @contextmanager
    def open(
        self, method: str, path: str, *, query: Query = {}, body: Body = None, headers: Mapping[str, str] = {},
        idempotent: Optional[bool] = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer to read as it comes.

        Raises:
            SlipwayError: for an answer of 400 or more, or when there is no server.
            CutOff: the answer ended before its end.
        """
        safe = method in ("GET", "HEAD", "PUT", "DELETE") if idempotent is None else idempotent
        connection, answer = self._send(method, self._target(path, query), body, dict(headers), ATTEMPTS if safe else 1)
        try:
            if answer.status >= 400:
                raise errors.from_answer(answer.status, answer.read(), f"{method} {path}")
            yield answer
        except (http.client.HTTPException, ConnectionError, socket.timeout) as problem:
            connection.close()
            raise CutOff(f"The answer to {method} {path} was cut off ({problem or type(problem).__name__}). Try again.") from problem
        except BaseException:
            connection.close()
            raise
        if answer.isclosed() and not answer.will_close:
            self._keep(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Closes the kept connections; a later request opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # --- parts ------------------------------------------------------------------------------------------------------

    def _target(self, path: str, query: Query) -> str:
        items = [(name, str(value)) for name, value in query.items() if value is not None]
        encoded = urllib.parse.urlencode(items, quote_via=urllib.parse.quote)
        return self._prefix + path + ("?" + encoded if encoded else "")

    def _send(
        self, method: str, target: str, body: Body, headers: Dict[str, str], attempts: int
    ) -> Tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        start = body.tell() if body is not None and not isinstance(body, bytes) else 0
        if body is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(body.seek(0, io.SEEK_END) - start)
        for attempt in range(1, attempts + 1):
            if body is not None and not isinstance(body, bytes):
                body.seek(start)
            connection = self._connection()
            try:
                connection.request(method, target, body=body, headers=headers)
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as problem:
                connection.close()
                if attempt == attempts:
                    raise errors.Unavailable(
                        f"There is no Slipway server at {self.url} ({problem or type(problem).__name__}). "
                        "Start one with 'slipway serve', or name another with SLIPWAY_URL."
                    ) from problem
                self._pause(attempt, None)
                continue
            if answer.status not in _BUSY or attempt == attempts:
                return connection, answer
            connection.close()
            self._pause(attempt, answer.headers.get("Retry-After"))
        raise AssertionError("unreachable: the last attempt returns or raises")

    @staticmethod
    def _pause(attempt: int, told: Optional[str]) -> None:
        seconds = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
        if told and told.isdigit():
            seconds = max(seconds, min(float(told), 30.0))
        time.sleep(seconds)

    def _connection(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._owner != os.getpid():
                # The parent's sockets are shared with this process: two that read from one would mix up answers.
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                connection = self._idle.pop()
                # Readable while nothing was asked means that the server has closed it.
                if connection.sock and not _readable(connection.sock):
                    return connection
                connection.close()
        if self._secure:
            return _SecureConnection(
                self._host, self._port, timeout=self.timeout_seconds, context=ssl.create_default_context())
        return _Connection(self._host, self._port, timeout=self.timeout_seconds)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if self._owner == os.getpid() and len(self._idle) < 8:
                self._idle.append(connection)
                return
        connection.close()


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        # Headers and body go out in two writes; without this the second waits for an acknowledgement of the first.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _SecureConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _readable(connection: socket.socket) -> bool:
    if hasattr(select, "poll"):  # select() knows no descriptor beyond 1023
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([connection], [], [], 0)[0])


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return urllib.parse.quote(text, safe="")
