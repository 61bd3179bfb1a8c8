"""What the server says when it refuses, as exceptions: one class for each code of the API."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional, Type


class SlipwayError(Exception):
    """The server refused or failed.

    The message says what was wrong, what was expected and what to do; it is the server's own.

    Attributes:
        code: one of the API's closed set (``invalid``, ``not_found``, ``conflict`` …).
        message: the server's words.
        details: machine-readable facts, for example ``{"field": "where"}`` or the head of a branch that moved.
        ref: what it is about, for example ``dataset:sales@3``.
        request_id: finds the request in the server's log.
        status: the HTTP status; None when no answer came.
    """

    code = "internal"

    def __init__(
        self,
        message: str,
        *,
        code: Optional[str] = None,
        details: Optional[Dict[str, Any]] = None,
        ref: Optional[str] = None,
        request_id: Optional[str] = None,
        status: Optional[int] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details or {}
        self.ref = ref
        self.request_id = request_id
        self.status = status

    def __str__(self) -> str:
        place = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}: {self.message}{place}"


class Invalid(SlipwayError):
    """The request is malformed or breaks a rule; sending it again cannot help."""

    code = "invalid"


class Unauthenticated(SlipwayError):
    """No token, or one that does not count; set SLIPWAY_TOKEN."""

    code = "unauthenticated"


class Forbidden(SlipwayError):
    """The token's owner may not do this."""

    code = "forbidden"


class NotFound(SlipwayError):
    """The named thing does not exist."""

    code = "not_found"


class Conflict(SlipwayError):
    """The state does not allow this now: a branch moved, a name is taken."""

    code = "conflict"


class TooLarge(SlipwayError):
    """A size, count or depth is over its limit."""

    code = "too_large"


class RateLimited(SlipwayError):
    """Too many requests."""

    code = "rate_limited"


class DeadlineExceeded(SlipwayError):
    """The work did not end in the time that it was given."""

    code = "deadline_exceeded"


class Cancelled(SlipwayError):
    """The work was cancelled."""

    code = "cancelled"


class Unavailable(SlipwayError):
    """No server, or a part of it that is needed is not there now."""

    code = "unavailable"


class Unsupported(SlipwayError):
    """Slipway does not do this, or an optional package of this client is not installed."""

    code = "unsupported"


class Internal(SlipwayError):
    """A fault of the server's own; the cause is in its log under the request id."""

    code = "internal"


_BY_CODE: Dict[str, Type[SlipwayError]] = {
    kind.code: kind
    for kind in (
        Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, RateLimited, DeadlineExceeded, Cancelled,
        Unavailable, Unsupported, Internal,
    )
}

_BY_STATUS: Dict[int, Type[SlipwayError]] = {
    400: Invalid, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 413: TooLarge, 429: RateLimited,
    499: Cancelled, 501: Unsupported, 503: Unavailable, 504: DeadlineExceeded,
}


def from_answer(status: int, body: bytes, what: str) -> SlipwayError:
    """The exception for an answer of 400 or more; ``what`` names the request where the body is not the API's."""
    try:
        error: Any = json.loads(body)["error"]
        message, code = error["message"], error["code"]
    except (ValueError, KeyError, TypeError):
        kind = _BY_STATUS.get(status, Invalid if status < 500 else Internal)
        text = body[:500].decode("utf-8", "replace").strip()
        return kind(f"{what} was answered with HTTP {status}{': ' + text if text else ''}", status=status)
    return _BY_CODE.get(code, SlipwayError)(
        message, code=code, details=error.get("details"), ref=error.get("ref"), request_id=error.get("requestId"),
        status=status,
    )


def missing(package: str, purpose: str, extra: str) -> Unsupported:
    """The exception for an optional package that is not installed."""
    return Unsupported(f"{purpose} needs {package}, which is not installed. Run: pip install 'slipway[{extra}]'")
