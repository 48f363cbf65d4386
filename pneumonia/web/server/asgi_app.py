"""The ASGI application: middleware, `/health`, and Gradio's page mounted behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from . import (
    cleanup,
    gradio_environment,
    health,
    lingering_close,
    login,
    public_address,
    request_limits,
    request_log,
    route_policy,
    session_memory,
    upload_storage,
)


def create(page: gr.Blocks, options: dict[str, Any], cleanup_interval_s: float) -> FastAPI:
    """Return the application that serves `page`; `options` are the arguments of `gr.mount_gradio_app`.

    A request passes through the middleware in this order: lingering close, path prefix, request log, route policy,
    login, request limits, deletion of aborted uploads, relative addresses. The lifespan deletes expired data every
    `cleanup_interval_s` seconds. `openapi_url` is None, because FastAPI would otherwise publish a schema of all of
    Gradio's routes.
    """
    middleware_classes = (
        lingering_close.LingeringClose,
        public_address.StripPrefix,
        request_log.RequestLog,
        route_policy.RoutePolicy,
        login.LoginMiddleware,
        request_limits.RequestLimits,
        upload_storage.DeleteAbortedUploads,
        public_address.RelativeRoot,
    )
    app = FastAPI(
        openapi_url=None,
        routes=[health.ROUTE, _STARTUP_EVENTS],
        middleware=[Middleware(middleware_class) for middleware_class in middleware_classes],
        lifespan=cleanup.cleanup_lifespan(cleanup_interval_s),
    )
    app.state.page = page
    app.state.upload_folder = Path(gradio_environment.upload_folder())
    app.state.draining = False
    app.state.logins = login.LoginSessions() if options.get("auth") else None
    # `launch` has a parameter for this limit, `mount_gradio_app` has not.
    page.state_session_capacity = session_memory.MAX_SESSIONS
    inner_options = {"openapi_url": None, "middleware": [Middleware(request_log.InternalErrors)]}
    root_path = gradio_environment.root_path()
    gr.mount_gradio_app(app, page, "/", root_path=root_path, app_kwargs=inner_options, **options)
    _complete_launch(app, page)
    return app


def _complete_launch(app: FastAPI, page: gr.Blocks) -> None:
    """Set what `Blocks.launch` sets and `mount_gradio_app` does not.

    Without `has_launched`, Gradio does not check that the files named in a call are uploads. `close` ends the event
    streams of `page.app`.
    """
    page.has_launched = True
    (mount,) = (route for route in app.routes if isinstance(route, Mount))
    page.app = page.server_app = mount.app  # type: ignore[assignment]


async def _startup_events(_: Any) -> JSONResponse:
    """Answer as Gradio does after the start. Gradio's own route would start the queue of a mounted page again."""
    return JSONResponse(False)


_STARTUP_EVENTS = Route("/gradio_api/startup-events", _startup_events, methods=["GET"])
