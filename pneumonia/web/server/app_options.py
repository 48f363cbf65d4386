"""Assembles the `app_kwargs` that `Blocks.launch` passes to Gradio's FastAPI app: middleware, routes, lifespan."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from gradio import queueing, route_utils, routes
from starlette.middleware import Middleware

from ... import errors
from ...errors import InternalError
from . import cleanup, connection_limits, health, login, request_limits, request_log, route_policy, upload_storage


def app_kwargs(cleanup_interval_s: float) -> dict[str, Any]:
    """Return the `app_kwargs` for `Blocks.launch`, and install the connection limits.

    A request passes through the middleware in this order: request log, route policy, login throttle, request limits,
    deletion of aborted uploads. `routes` adds `/health`. `lifespan` deletes expired data every `cleanup_interval_s`
    seconds. `openapi_url` is None, because FastAPI would otherwise publish a schema of all of Gradio's routes.
    """
    connection_limits.install()
    _suppress_gradio_tracebacks()
    middleware_classes = (
        request_log.RequestLog,
        route_policy.RoutePolicy,
        login.LoginThrottle,
        request_limits.RequestLimits,
        upload_storage.DeleteAbortedUploads,
    )
    return {
        "middleware": [Middleware(middleware_class) for middleware_class in middleware_classes],
        "routes": [health.ROUTE],
        "lifespan": cleanup.cleanup_lifespan(cleanup_interval_s),
        "openapi_url": None,
    }


def _suppress_gradio_tracebacks() -> None:
    """Replace the `traceback` module that Gradio's modules use.

    Gradio prints the traceback of every error outside this package's handlers. The last line of a traceback quotes the
    exception's text, which may contain paths and file names.
    """
    traceback_stub = SimpleNamespace(print_exc=_log_location)
    for module in (queueing, route_utils, routes):
        module.traceback = traceback_stub  # type: ignore[attr-defined]


def _log_location(*_: Any, **__: Any) -> None:
    """Replace `traceback.print_exc`: log the type and the location of the current exception, without its text."""
    error = sys.exception()
    if error is not None:
        # Gradio's queue runs in the context of the request that started it, so its request id would be wrong here.
        errors.request_id.set("")
        InternalError.from_exception(error)
