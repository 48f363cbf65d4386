"""Route allowlist: which routes exist and who may call them. Any other path is 404.

Gradio registers more routes than this page needs, and later versions may add more. A route is closed unless it is
listed in `ROUTE_RULES`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ... import settings
from ...errors import PneumoniaError, Unauthorized, UsageError
from ...messages import message
from . import shutdown, viewer_files
from .same_origin import is_same_origin


class Audience(Enum):
    """Callers for whom a route is open."""

    ALL = "everybody, with or without a login; the route returns no data"
    USERS = "logged-in users; everybody if no login is set"
    API_CLIENTS = "callers with an API token, and logged-in users; everybody if neither tokens nor a login are set"
    MCP_CLIENTS = "as USERS, but only if the page is also an MCP server"
    NOBODY = "nobody"


@dataclass(frozen=True)
class RouteRule:
    """Access rule for the routes whose whole path matches `pattern`.

    The log contains `name` instead of the path, which may contain personal data. Requests are logged only if
    `is_logged` is set. POST requests are refused during shutdown if `starts_work` is set. Requests from other sites are
    refused if `checks_origin` is set.
    """

    name: str
    pattern: str
    audience: Audience
    is_logged: bool = True
    starts_work: bool = False
    checks_origin: bool = True

    def matches(self, path: str) -> bool:
        return re.fullmatch(self.pattern, path) is not None


_API = "/gradio_api"
UPLOAD = f"{_API}/upload"
QUEUE_DATA = f"{_API}/queue/data"
LOGIN = "/login"
LOGOUT = "/logout"
MCP = f"{_API}/mcp"
REST = "/api/v1"
REST_PREDICT, REST_BATCH, REST_RESULTS = f"{REST}/predict", f"{REST}/predict-batch", f"{REST}/results"
ROUTE_RULES = (
    RouteRule("/", "/", Audience.ALL),
    RouteRule("/health", "/health", Audience.ALL, is_logged=False),
    RouteRule(LOGIN, "/login/?", Audience.ALL),
    RouteRule(LOGOUT, LOGOUT, Audience.ALL),
    # Scripts and styles are loaded even if a proxy hides the public address: the page can then show why it is refused.
    RouteRule(
        "static-assets",
        r"/(static|assets|svelte)/.*|(/gradio_api)?/theme\.css",
        Audience.ALL,
        is_logged=False,
        checks_origin=False,
    ),
    RouteRule("viewer-scripts", viewer_files.PATTERN, Audience.ALL, is_logged=False, checks_origin=False),
    RouteRule("crawler-files", r"/(favicon\.ico|robots\.txt)", Audience.ALL, is_logged=False),
    # Browsers request the manifest and its icons without a cookie in some cases; they contain no data.
    RouteRule(
        "installable", r"/(manifest\.json|icons/[a-z0-9.-]+)", Audience.ALL, is_logged=False, checks_origin=False
    ),
    RouteRule("startup", f"{_API}/(startup-events|login_check|user|app_id)/?", Audience.ALL, is_logged=False),
    RouteRule("/config", "/config/?", Audience.USERS),
    RouteRule("api-description", f"{_API}/(info/?|openapi\\.json)", Audience.USERS),
    RouteRule(UPLOAD, UPLOAD, Audience.USERS, starts_work=True),
    RouteRule("progress", f"{_API}/(upload_progress|heartbeat/.*|queue/status)", Audience.USERS, is_logged=False),
    RouteRule(f"{_API}/call/predict", f"{_API}/call/(v2/)?predict/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/predict_batch", f"{_API}/call/(v2/)?predict_batch/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/analyze", f"{_API}/call/(v2/)?analyze/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/dicom_results", f"{_API}/call/(v2/)?dicom_results/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/model", f"{_API}/call/(v2/)?model/?", Audience.USERS, starts_work=True),
    RouteRule("result-stream", f"{_API}/call/.+/.+|{QUEUE_DATA}", Audience.USERS),
    RouteRule(f"{_API}/queue/join", f"{_API}/queue/join", Audience.USERS, starts_work=True),
    # For events without a queue: start and stop of a batch on the page. Gradio refuses queued events on this route.
    RouteRule(f"{_API}/run", f"{_API}/run/predict/?", Audience.USERS, starts_work=True),
    # Progress, actions and files of a batch or a validation. Its page asks every second, and during a shutdown as well.
    RouteRule("/batch", "/batch", Audience.USERS, is_logged=False),
    RouteRule("/batch/file", r"/batch/(results\.csv|results\.jsonl|reports\.zip)", Audience.USERS),
    RouteRule("/validation", "/validation", Audience.USERS, is_logged=False),
    RouteRule(
        "/validation/file",
        r"/validation/((figures|site)\.json|films\.csv|report\.(html|pdf)|validation\.zip)",
        Audience.USERS,
    ),
    RouteRule("cancel", f"{_API}/(cancel|reset)/?", Audience.USERS),
    RouteRule(f"{_API}/file", f"{_API}/file=.*", Audience.USERS),
    RouteRule(MCP, f"{MCP}(/.*)?", Audience.MCP_CLIENTS, starts_work=True),
    RouteRule(REST_PREDICT, REST_PREDICT, Audience.API_CLIENTS, starts_work=True),
    RouteRule(REST_BATCH, REST_BATCH, Audience.API_CLIENTS, starts_work=True),
    RouteRule(REST_RESULTS, REST_RESULTS, Audience.API_CLIENTS, starts_work=True),
    RouteRule(f"{REST}/model", f"{REST}/model", Audience.API_CLIENTS),
    # The description of the interface contains no data.
    RouteRule(f"{REST}/docs", f"{REST}/(docs|openapi\\.json)", Audience.ALL),
)
NO_ROUTE = RouteRule("unlisted", ".*", Audience.NOBODY)

_URL_OR_NETWORK_PATH = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|\\\\)", re.IGNORECASE)
"""Paths that Gradio would fetch as a URL, or that refer to another machine on Windows (`\\\\host`)."""

_SECURITY_HEADERS = {
    # The page needs no content sniffing and no referrer. A referrer would disclose the path of a film to other sites.
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def path_of(scope: Scope) -> str:
    """Return the path of the request. `public_address.StripPrefix` has removed the prefix of a proxy."""
    return scope["path"] or "/"


def rule_for(scope: Scope) -> RouteRule:
    """Return the first rule that matches the path, or `NO_ROUTE`."""
    path = path_of(scope)
    return next((rule for rule in ROUTE_RULES if rule.matches(path)), NO_ROUTE)


class RoutePolicy:
    """Middleware after the request log: refuses requests that are not allowed, before Gradio reads them.

    Answers, in this order: 404 for a path without a rule, 403 for a request from another site, 401 without a login or,
    on the REST API, a token, 403 for a URL as a file, 503 `busy` for new work during shutdown. Adds security headers to
    every response, `Cache-Control: no-store` to responses with data, and `X-Accel-Buffering: no` to streams. Closes
    WebSocket connections.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # this page uses no WebSocket
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = rule_for(scope)
        send_with_headers = _add_headers(rule, send)
        refusal = refusal_response(rule, scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def refusal_response(rule: RouteRule, scope: Scope) -> JSONResponse | None:
    """Return the response that refuses the request; None if it is allowed."""
    headers = Headers(scope=scope)
    if rule.audience is Audience.NOBODY or (rule.audience is Audience.MCP_CLIENTS and not settings.MCP.read()):
        page = "docs/rest.md" if _is_of_rest(scope) else "docs/api.md"
        return refused(scope, 404, UsageError(f"Unknown address. Allowed: the addresses in {page}."))
    if rule.checks_origin and not is_same_origin(headers):
        return refused(
            scope,
            403,
            UsageError(
                "The request comes from another site. Allowed: requests of this site, or without an Origin header. "
                "Behind a reverse proxy: see docs/reverse-proxy.md."
            ),
        )
    if rule.audience is Audience.API_CLIENTS and not is_api_client(scope, headers):
        return unauthorized(scope)
    if rule.audience in {Audience.USERS, Audience.MCP_CLIENTS} and not is_logged_in(scope["app"], headers):
        return JSONResponse({"detail": {"error": "Not authenticated", "auth_message": None}}, 401)
    if rule.name == f"{_API}/file" and _URL_OR_NETWORK_PATH.match(_requested_file(scope)):
        return error_response(403, UsageError("URLs are not fetched. Allowed: files of this page."))
    if rule.starts_work and scope["method"] == "POST" and shutdown.is_draining(scope["app"]):
        return refused(scope, 503, shutdown.shutting_down_error(), {"Retry-After": "60"})
    return None


def refused(scope: Scope, status: int, error: PneumoniaError, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the response that refuses a request: on the REST API in the form of its other errors."""
    if _is_of_rest(scope):
        return JSONResponse({"file": None, "error": error.as_dict()}, status, headers)
    return error_response(status, error, headers)


def _is_of_rest(scope: Scope) -> bool:
    """True for any path of the REST API, also of a version that does not exist."""
    return f"{path_of(scope)}/".startswith("/api/")


def unauthorized(scope: Scope, *, is_token_wrong: bool = False) -> JSONResponse:
    """Return 401 for a call of the REST API without a valid token or login (RFC 6750, section 3)."""
    text = (
        message("The API token is wrong. Allowed: a token of PNEUMONIA_TOKENS.")
        if is_token_wrong
        else message("The call needs a login. Allowed: Authorization: Bearer TOKEN, or the login of the page.")
    )
    challenge = 'Bearer realm="pneumonia"' + (', error="invalid_token"' if is_token_wrong else "")
    return refused(scope, 401, Unauthorized(text), {"WWW-Authenticate": challenge})


def error_response(status: int, error: PneumoniaError, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a response with the `error` object of the API, and its message as `detail`, which Gradio's page shows."""
    return JSONResponse({"error": error.as_dict(), "detail": error.message}, status, headers)


def is_logged_in(app: Any, headers: Headers) -> bool:
    """Return True if the request has a valid login cookie, or if no login is set.

    Checked for every route with data, because Gradio itself does not check the cookie on all of them.
    """
    logins = app.state.logins
    return logins is None or logins.user_of(headers.get("cookie", "")) is not None


def is_api_client(scope: Scope, headers: Headers) -> bool:
    """Return True if the call has a valid token or login cookie, or if neither tokens nor a login are set."""
    if scope.get("state", {}).get("api_client"):  # `api_tokens.TokenMiddleware` has checked the token
        return True
    state = scope["app"].state
    return is_logged_in(scope["app"], headers) and (state.logins is not None or state.api_tokens is None)


def _requested_file(scope: Scope) -> str:
    """Return the path after `file=`, decoded once more, so that a doubly encoded path is checked too."""
    return unquote(path_of(scope).partition("file=")[2]).strip()


def _add_headers(rule: RouteRule, send: Send) -> Send:
    async def send_with_headers(event: Message) -> None:
        if event["type"] == "http.response.start":
            headers = MutableHeaders(scope=event)
            for name, value in _SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if rule.audience in {Audience.USERS, Audience.API_CLIENTS, Audience.MCP_CLIENTS}:
                headers["Cache-Control"] = "no-store"  # browsers must not cache films
            if headers.get("content-type", "").startswith(("text/event-stream", "application/x-ndjson")):
                headers["X-Accel-Buffering"] = "no"  # nginx would hold events back until its buffer is full
        await send(event)

    return send_with_headers
