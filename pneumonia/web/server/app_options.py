"""What stands around Gradio's own server: the log, the doors, the bounds, the health route, the sweeping."""

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
    """The `app_kwargs` of `launch`: what every request passes, from the outside in."""
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
    """Gradio prints the traceback of what fails outside our handlers, and its last line quotes paths and names."""
    traceback_stub = SimpleNamespace(print_exc=_log_location)
    for module in (queueing, route_utils, routes):
        module.traceback = traceback_stub  # type: ignore[attr-defined]


def _log_location(*_: Any, **__: Any) -> None:
    error = sys.exception()
    if error is not None:
        errors.request_id.set("")  # Gradio's queue works on in the context of the request that woke it first
        InternalError.from_exception(error)
