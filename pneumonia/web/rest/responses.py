"""Responses of the REST API: JSON, and one HTTP status for each error code."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from ...errors import Busy, PneumoniaError
from ...inference.decision import Failure
from ..server import shutdown

STATUS = {
    "usage": 400,
    "unauthorized": 401,
    "too_large": 413,
    "unsupported_format": 415,
    "unreadable_image": 422,
    "empty_file": 422,
    "too_small": 422,
    "unsupported_dicom": 422,
    "no_pixels": 422,
    "busy": 429,
    "internal": 500,
    "disk_full": 507,
}
"""Error code -> HTTP status (RFC 9110; 429: RFC 6585; 507: RFC 4918).

A caller who is to come back gets 429, or 503 during a shutdown, with `Retry-After`."""


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The content as JSON."""
    return JSONResponse(content, status, headers)


def failure_response(scope: Scope, failure: Failure, retry_after_s: int = 1) -> Response:
    """The response for a film without an answer. `retry_after_s` is for `busy`."""
    status = STATUS.get(failure.error.code, 500)
    headers = None
    if isinstance(failure.error, Busy):
        is_ending = shutdown.is_draining(scope["app"])
        status, headers = (503, {"Retry-After": "60"}) if is_ending else (429, {"Retry-After": str(retry_after_s)})
    return json_response(failure.as_dict(), status, headers)


def error_response(scope: Scope, error: PneumoniaError, retry_after_s: int = 1) -> Response:
    """The response for a call without an answer for any film."""
    return failure_response(scope, Failure(None, error), retry_after_s)
