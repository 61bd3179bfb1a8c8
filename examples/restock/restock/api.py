"""A thin client of Slipway's HTTP API: JSON in, JSON out, and the server's own words when it says no."""

import os
from typing import Any

import requests

TIMEOUT_SECONDS = 120


class APIError(RuntimeError):
    """The server refused or failed; the message is the server's."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class API:
    """Slipway at SLIPWAY_URL, with SLIPWAY_TOKEN if set. Keeps its connection open between calls."""

    def __init__(self, url: str | None = None, token: str | None = None):
        self.url = (url or os.environ.get("SLIPWAY_URL", "http://127.0.0.1:5000")).rstrip("/")
        self.session = requests.Session()
        token = token or os.environ.get("SLIPWAY_TOKEN")
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: object) -> Any:
        """JSON of a GET."""
        return self.call("GET", path, params=query).json()

    def get_bytes(self, path: str) -> bytes:
        """The body of a GET."""
        return self.call("GET", path).content

    def post(self, path: str, body: object, **headers: str) -> Any:
        """JSON of a POST with a JSON body; None if the answer is empty."""
        answer = self.call("POST", path, json=body, headers=headers)
        return answer.json() if answer.content else None

    def put(self, path: str, body: object) -> Any:
        """JSON of a PUT with a JSON body; None if the answer is empty."""
        answer = self.call("PUT", path, json=body)
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, data: bytes, content_type: str, **query: str) -> Any:
        """JSON of a request whose body is bytes."""
        answer = self.call(method, path, data=data, headers={"Content-Type": content_type}, params=query)
        return answer.json() if answer.content else None

    def exists(self, path: str) -> bool:
        """Whether a GET finds something."""
        try:
            self.get(path)
        except APIError as error:
            if error.status == 404:
                return False
            raise
        return True

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request; raises APIError with what the server said."""
        answer = self.session.request(method, self.url + path, timeout=TIMEOUT_SECONDS, **options)
        if answer.ok:
            return answer
        try:
            message = answer.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = answer.text[:500]
        raise APIError(answer.status_code, f"{method} {path}: {answer.status_code} {message}")
