"""The ASGI application: middleware, `/health`, and Gradio's page mounted behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from ... import settings
from . import (
    api_tokens,
    cleanup,
    gradio_environment,
    gradio_internals,
    health,
    installable,
    lingering_close,
    login,
    malformed_requests,
    mcp,
    origin_form,
    page_language,
    public_address,
    request_language,
    request_limits,
    request_log,
    result_streams,
    route_policy,
    session_memory,
    shutdown,
    upload_forms,
    upload_storage,
    viewer_files,
)

_MIDDLEWARE = (
    lingering_close.LingeringClose,
    origin_form.OriginForm,
    public_address.StripPrefix,
    request_log.RequestLog,
    request_language.RequestLanguage,
    api_tokens.TokenMiddleware,
    route_policy.RoutePolicy,
    login.LoginMiddleware,
    request_limits.RequestLimits,
    malformed_requests.SingleRange,
    upload_forms.CompleteForms,
    upload_storage.IsolateUploads,
    public_address.RelativeRoot,
    result_streams.ResultStreams,
    mcp.LocalAddress,
)
"""From the outside in, the order in which a request passes."""


def create(
    page: gr.Blocks,
    options: dict[str, Any],
    cleanup_interval_s: float,
    routes: Sequence[Route] = (),
    background: Sequence[shutdown.BackgroundWork] = (),
) -> FastAPI:
    """Return the application that serves `page`; `options` are the arguments of `gr.mount_gradio_app`.

    The lifespan deletes expired data every `cleanup_interval_s` seconds. `openapi_url` is None, because FastAPI would
    otherwise publish a schema of all of Gradio's routes. `routes` are served beside Gradio's, behind the same
    middleware. A shutdown waits for the tasks of `background`.
    """
    app = FastAPI(
        openapi_url=None,
        routes=[health.ROUTE, viewer_files.ROUTE, _STARTUP_EVENTS, *installable.ROUTES, *routes],
        middleware=[Middleware(middleware_class) for middleware_class in _MIDDLEWARE],
        lifespan=cleanup.cleanup_lifespan(cleanup_interval_s),
    )
    app.state.page, app.state.background = page, tuple(background)
    _set_state(app, has_login=bool(options.get("auth")))
    gradio_internals.set_session_capacity(page, session_memory.MAX_SESSIONS)
    inner_middleware = (request_log.InternalErrors, page_language.PageLanguage)
    inner_options = {
        "openapi_url": None,
        "middleware": [Middleware(each) for each in inner_middleware],
        "exception_handlers": {RequestValidationError: malformed_requests.invalid_body},
    }
    root_path = gradio_environment.root_path()
    gr.mount_gradio_app(app, page, "/", root_path=root_path, app_kwargs=inner_options, **options)
    (mount,) = (route for route in app.routes if isinstance(route, Mount))
    gradio_internals.complete_launch(page, mount.app)
    return app


def _set_state(app: FastAPI, *, has_login: bool) -> None:
    """What middleware and routes read from `app.state`."""
    tokens = settings.TOKENS.read()
    app.state.upload_folder = Path(gradio_environment.upload_folder())
    app.state.draining = False
    app.state.result_streams = Counter()
    app.state.api_tokens = api_tokens.ApiTokens(tokens) if tokens else None
    app.state.logins = login.LoginSessions() if has_login else None


async def _startup_events(_: Any) -> JSONResponse:
    """Answer as Gradio does after the start. Gradio's own route would start the queue of a mounted page again."""
    return JSONResponse(False)


_STARTUP_EVENTS = Route("/gradio_api/startup-events", _startup_events, methods=["GET"])
