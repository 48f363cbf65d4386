"""Log of the service: one line per request and one per film or batch, as `key=value` pairs.

No line contains a file name, client address, path, pixel value or DICOM tag.

    request id=4f0c… method=POST route=/gradio_api/upload status=200 ms=12 bytes=183022
    film id=9a31… endpoint=/predict format=PNG outcome=Pneumonia ms=31 bytes=182760

The id is returned to the caller as `X-Request-ID`, and the message of an internal error contains it. The line of a call
of the REST API with a token ends with `client=` and the name of the token.
"""

from __future__ import annotations

import logging
import secrets
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ... import errors, imaging, operating_system, service_log
from ...errors import InternalError, PneumoniaError
from ...inference.decision import Failure, Prediction
from ...inference.outcome_code import outcome_code
from . import malformed_requests, route_policy
from .request_limits import BodyRefused
from .upload import Upload

log = logging.getLogger("pneumonia")

Outcome: TypeAlias = Prediction | Failure | str | None


def configure() -> None:
    """Set up logging: this package from level INFO, libraries from level WARNING and without their text.

    Also replaces `traceback.print_exc`. Gradio prints the traceback of every error outside this package's handlers, and
    the last line of a traceback quotes the exception's text, which may contain paths and file names.
    """
    service_log.configure()
    traceback.print_exc = _log_location


def _log_location(*_: Any, **__: Any) -> None:
    """Replace `traceback.print_exc`: log the type and the location of the current exception, without its text."""
    error = sys.exception()
    if error is not None:
        InternalError.from_exception(error)


class RequestLog:
    """Middleware that assigns an id to each request, logs a line at its end, and handles exceptions.

    Adds the id to the response as `X-Request-ID`. If the application raises, the response is 500 `internal` with the id
    and without the text of the exception.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        errors.request_id.set(request_id)
        exchange = _Exchange(request_id, receive, send)
        started_at = time.monotonic()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            response = _internal_error_response(error)
            if not exchange.status:
                await response(scope, receive, exchange.send)
        finally:
            _log(scope, exchange, started_at)


def _log(scope: Scope, exchange: _Exchange, started_at: float) -> None:
    """Log a request that has ended, unless its route is not logged; `started_at` is a time of `time.monotonic`."""
    rule = route_policy.rule_for(scope)
    if not rule.is_logged:
        return
    client = scope["state"].get("api_client")
    log.info(
        "request id=%s method=%s route=%s status=%s ms=%.0f bytes=%d%s",
        exchange.request_id,
        scope["method"],
        rule.name,
        exchange.status or "-",
        1000 * (time.monotonic() - started_at),
        exchange.received_bytes,
        f" client={client}" if client else "",
    )


class InternalErrors:
    """Innermost middleware, inside Gradio's application: answers an exception, in most cases with 500 `internal`.

    Outside Gradio's application, it would come too late: that has already answered with a text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_response_started = False

        async def record_start(message: Message) -> None:
            nonlocal has_response_started
            has_response_started = True
            await send(message)

        try:
            await self._app(scope, receive, record_start)
        except BodyRefused:
            raise
        except ClientDisconnect:
            return  # nobody is left to answer, and no code of ours has failed
        except Exception as error:
            if scope["type"] != "http" or has_response_started:
                raise
            usage = malformed_requests.usage_error(scope, error)
            response = JSONResponse({"error": usage.as_dict()}, 400) if usage else _internal_error_response(error)
            await response(scope, receive, send)


def _internal_error_response(error: Exception) -> JSONResponse:
    """500 `internal` with an id; 503 `busy` if the error is that too many files are open."""
    if operating_system.is_out_of_files(error):
        return JSONResponse({"error": operating_system.out_of_files_error().as_dict()}, 503, {"Retry-After": "60"})
    return JSONResponse({"error": InternalError.from_exception(error).as_dict()}, 500)


class _Exchange:
    """Counts the bytes received in one request and records the status of its response."""

    def __init__(self, request_id: str, receive: Receive, send: Send) -> None:
        self.request_id, self._receive, self._send = request_id, receive, send
        self.status = 0
        self.received_bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.received_bytes += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-ID"] = self.request_id
        await self._send(message)


@dataclass
class LogEntry:
    """The part of a film's log line that the handler supplies: it sets `outcome` before the line is written."""

    outcome: Outcome = None


@contextmanager
def film(endpoint: str, upload: Upload | bytes | None) -> Iterator[LogEntry]:
    """Log one film when the block ends. The handler sets `outcome` of the yielded entry."""
    entry, started_at = LogEntry(), time.monotonic()
    request_id = current_request_id()
    token = errors.request_id.set(request_id)
    image_format, size = _format_and_size(upload)
    try:
        yield entry
    finally:
        errors.request_id.reset(token)
        log.info(
            "film id=%s endpoint=%s format=%s outcome=%s ms=%.0f bytes=%d",
            request_id,
            endpoint,
            image_format,
            _outcome_text(entry.outcome),
            1000 * (time.monotonic() - started_at),
            size,
        )


@contextmanager
def batch(endpoint: str, results: list[Any] | None = None) -> Iterator[list[Any]]:
    """Log a batch when the block ends. The handler appends its results to the yielded list."""
    results, started_at = [] if results is None else results, time.monotonic()
    request_id = current_request_id()
    token = errors.request_id.set(request_id)
    try:
        yield results
    finally:
        with suppress(ValueError):  # Gradio resumes a batch on the page in another context for each update of its table
            errors.request_id.reset(token)
        log.info(
            "batch id=%s endpoint=%s films=%d outcomes=%s ms=%.0f",
            request_id,
            endpoint,
            len(results),
            _outcome_counts(results),
            1000 * (time.monotonic() - started_at),
        )


def restore_request_id(scope: Scope) -> None:
    """Make the id of the request with this scope the current one. Gradio's queue runs calls outside their request."""
    errors.request_id.set(str(scope.get("state", {}).get("request_id", "")))


def current_request_id() -> str:
    """Return the id of the current request, 16 hexadecimal digits; a new id outside a request."""
    return errors.request_id.get() or secrets.token_hex(8)


def _outcome_text(outcome: Outcome) -> str:
    return outcome_code(outcome) if isinstance(outcome, Prediction | Failure) else outcome or "internal"


def _outcome_counts(results: Iterable[Outcome]) -> str:
    counts = Counter(_outcome_text(result) for result in results)
    return ",".join(f"{outcome}:{count}" for outcome, count in sorted(counts.items())) or "-"


def _format_and_size(upload: Upload | bytes | None) -> tuple[str, int]:
    """Return the image format, detected from the first bytes, and the size in bytes."""
    if upload is None:
        return "-", 0
    first_bytes, size = (upload[:512], len(upload)) if isinstance(upload, bytes) else (b"", 0)
    if isinstance(upload, Upload):
        with suppress(OSError), upload.path.open("rb") as file:
            first_bytes, size = file.read(512), upload.path.stat().st_size
    try:
        return imaging.detect_format(first_bytes), size
    except PneumoniaError:
        return "other", size
