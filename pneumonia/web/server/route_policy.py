"""Who may come in where. Gradio opens more routes than this page has use for; here stand those that are open.

A route that is not listed does not exist for a caller, also one that a later Gradio brings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ... import settings
from ...errors import PneumoniaError, UsageError
from . import shutdown


class Audience(Enum):
    """For whom a door is open."""

    ALL = "everybody, also before the login: no data is behind it"
    USERS = "who is logged in, where a login is asked for"
    AGENTS = "who is logged in, where the page is an MCP server too"
    NOBODY = "nobody"


@dataclass(frozen=True)
class RouteRule:
    """Routes that are treated alike. `name` stands in the log, where a path may hold what is nobody's business."""

    name: str
    pattern: str
    audience: Audience
    is_logged: bool = True
    starts_work: bool = False

    def matches(self, path: str) -> bool:
        return re.fullmatch(self.pattern, path) is not None


_API = "/gradio_api"
UPLOAD = f"{_API}/upload"
LOGIN = "/login"
AGENTS = f"{_API}/mcp"
ROUTE_RULES = (
    RouteRule("/", "/", Audience.ALL),
    RouteRule("/health", "/health", Audience.ALL, is_logged=False),
    RouteRule(LOGIN, "/login/?", Audience.ALL),
    RouteRule("/logout", "/logout", Audience.ALL),
    RouteRule("static-assets", r"/(static|assets|svelte)/.*|(/gradio_api)?/theme\.css", Audience.ALL, is_logged=False),
    RouteRule("crawler-files", r"/(favicon\.ico|robots\.txt|manifest\.json)", Audience.ALL, is_logged=False),
    RouteRule("startup", f"{_API}/(startup-events|login_check|user|app_id)/?", Audience.ALL, is_logged=False),
    RouteRule("/config", "/config/?", Audience.USERS),
    RouteRule("api-description", f"{_API}/(info/?|openapi\\.json)", Audience.USERS),
    RouteRule(UPLOAD, UPLOAD, Audience.USERS, starts_work=True),
    RouteRule("progress", f"{_API}/(upload_progress|heartbeat/.*|queue/status)", Audience.USERS, is_logged=False),
    RouteRule(f"{_API}/call/predict", f"{_API}/call/(v2/)?predict/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/predict_batch", f"{_API}/call/(v2/)?predict_batch/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/analyze", f"{_API}/call/(v2/)?analyze/?", Audience.USERS, starts_work=True),
    RouteRule(f"{_API}/call/model", f"{_API}/call/(v2/)?model/?", Audience.USERS, starts_work=True),
    RouteRule("result-stream", f"{_API}/(call/.+/.+|queue/data)", Audience.USERS),
    RouteRule(f"{_API}/queue/join", f"{_API}/queue/join", Audience.USERS, starts_work=True),
    # The page's quick events (start and stop of a batch) go past the queue; Gradio lets no other go this way.
    RouteRule(f"{_API}/run", f"{_API}/run/predict/?", Audience.USERS, starts_work=True),
    RouteRule("cancel", f"{_API}/(cancel|reset)/?", Audience.USERS),
    RouteRule(f"{_API}/file", f"{_API}/file=.*", Audience.USERS),
    RouteRule(AGENTS, f"{AGENTS}(/.*)?", Audience.AGENTS, starts_work=True),
)
NO_ROUTE = RouteRule("unlisted", ".*", Audience.NOBODY)

_URL_OR_NETWORK_PATH = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|\\\\)", re.IGNORECASE)
"""What Gradio would take for an address to fetch, or Windows for another machine's."""

_SECURITY_HEADERS = {
    # The page never needs these of a browser; a path in a referrer would tell others where a film lies.
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def path_of(scope: Scope) -> str:
    """The path as the routes know it, whatever folder of a site the page lies under."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def rule_for(scope: Scope) -> RouteRule:
    path = path_of(scope)
    return next((rule for rule in ROUTE_RULES if rule.matches(path)), NO_ROUTE)


class RoutePolicy:
    """Sends away who may not come in, before Gradio sees anything of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # this page has none
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = rule_for(scope)
        send_with_headers = _add_security_headers(rule, send)
        refusal = refusal_response(rule, scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def refusal_response(rule: RouteRule, scope: Scope) -> JSONResponse | None:
    """What a caller gets who may not come in; None for one who may."""
    headers = Headers(scope=scope)
    if rule.audience is Audience.NOBODY or (rule.audience is Audience.AGENTS and not settings.MCP.read()):
        return error_response(404, UsageError("There is no such address. Allowed: those of docs/api.md."))
    if not is_same_origin(headers):
        return error_response(
            403, UsageError("The request comes from another site's page. Allowed: this page, and programs.")
        )
    if rule.audience is not Audience.ALL and not is_logged_in(scope["app"], headers):
        return JSONResponse({"detail": {"error": "Not authenticated", "auth_message": None}}, 401)
    if rule.name == f"{_API}/file" and _URL_OR_NETWORK_PATH.match(_requested_file(scope)):
        return error_response(403, UsageError("Addresses are not fetched. Allowed: files of this page."))
    if rule.starts_work and scope["method"] == "POST" and shutdown.is_draining(scope["app"]):
        return error_response(503, shutdown.shutting_down_error(), {"Retry-After": "60"})
    return None


def error_response(status: int, error: PneumoniaError, headers: dict[str, str] | None = None) -> JSONResponse:
    """The `error` object of the API. `detail` is where Gradio's page looks for a sentence to show."""
    return JSONResponse({"error": error.as_dict(), "detail": error.message}, status, headers)


def is_same_origin(headers: Headers) -> bool:
    """Whether the browser says that the request comes from this very site, or nothing, as programs do.

    Gradio asks this only of a page on localhost, and lets any site read with the user's cookies elsewhere.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") != "cross-site" or headers.get("sec-fetch-mode") == "navigate"
    origin_host = urlsplit(origin).netloc.lower()
    # A browser never lets a foreign page set the second without asking first, and nobody allows it to.
    own_hosts = {headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
    return bool(origin_host) and origin_host in {part.strip() for value in own_hosts for part in value.split(",")}


def is_logged_in(app: Any, headers: Headers) -> bool:
    """Whether a login is asked for and was given: Gradio's own cookie, also where Gradio does not ask for it."""
    if app.auth is None:
        return True
    cookies = _cookies(headers)
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(cookies.get(name, "")) is not None for name in names)


def _cookies(headers: Headers) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
    return {name: value.strip('"') for name, _, value in pairs}


def _requested_file(scope: Scope) -> str:
    """The path after `file=`, also where someone has encoded it twice."""
    return unquote(path_of(scope).partition("file=")[2]).strip()


def _add_security_headers(rule: RouteRule, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if rule.audience in {Audience.USERS, Audience.AGENTS}:
                headers["Cache-Control"] = "no-store"  # a film stays in no browser's cache
        await send(message)

    return send_with_headers
