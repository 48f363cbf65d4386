"""Login: password check, throttling of password guesses, expiry of logins, and the attributes of the login cookie."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import Busy
from ...messages import message
from . import gradio_environment, route_policy

FIRST_DELAY_S, MAX_DELAY_S = 0.25, 10.0
"""Delay in seconds before the next attempt is processed: the first one and the maximum. Each failed attempt of the same
address or user doubles it.

Nobody is locked out: a whole hospital may share one address, and an attacker must not be able to lock out a user by
guessing wrong passwords."""

FAILURES_EXPIRE_AFTER_S = 900
"""Seconds without an attempt after which earlier failures no longer count."""

MAX_CONCURRENT_ATTEMPTS = 8
"""Maximum simultaneous attempts from one address. With the longest delay, that is one attempt per 1.25 s."""

MAX_RECORDS = 10_000
"""Maximum number of addresses or users whose failures are stored: a few megabytes. The oldest are dropped first."""

_MAX_FAILURES = 30
"""Upper limit of the failure count. The delay has reached its maximum long before; the limit keeps 2^failures small."""

LOGIN_LIFETIME_S = 12 * 3600
"""Seconds that a login is valid: one shift. Afterwards an unattended workstation asks for the password again."""


@dataclass
class _Record:
    failures: int = 0
    last_attempt_s: float = 0.0
    concurrent_attempts: int = 0


class FailedAttempts:
    """Recent failed logins per key (an address or a hashed user name), for at most `MAX_RECORDS` keys."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def get(self, key: str) -> _Record:
        """Return the record of `key`. Creates it if it is missing, and clears failures that have expired."""
        record = self._records.setdefault(key, _Record())
        self._records.move_to_end(key)
        while len(self._records) > MAX_RECORDS:
            self._records.popitem(last=False)
        if time.monotonic() - record.last_attempt_s > FAILURES_EXPIRE_AFTER_S:
            record.failures = 0
        return record

    def delay(self, key: str) -> float:
        """Return the seconds to wait before the next attempt is processed."""
        failures = self.get(key).failures
        return min(FIRST_DELAY_S * 2 ** (failures - 1), MAX_DELAY_S) if failures else 0.0

    def record(self, key: str, *, is_correct: bool) -> None:
        """Count an attempt for `key`. A correct one clears the failures."""
        record = self.get(key)
        record.failures = 0 if is_correct else min(record.failures + 1, _MAX_FAILURES)
        record.last_attempt_s = time.monotonic()


_authenticated_user: ContextVar[list[str]] = ContextVar("authenticated_user")
"""Receives the hashed name of the user whose password was correct in the current request."""


class PasswordCheck:
    """Password check; `check` is the callable for Gradio's `auth`. Compares (user, password) pairs in constant time.

    Every attempt is compared with all users, so that timing does not show whether a user exists.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        # All digests have the same length, so a comparison does not reveal the length of a password.
        self._digests = [_digest(user, password) for user, password in pairs]
        self._failed_attempts = FailedAttempts()

    async def check(self, user: str, password: str) -> bool:
        """Return True if `password` is the password of `user`. Waits first if the user's last attempts failed."""
        key = str(owner_name(user))
        await asyncio.sleep(self._failed_attempts.delay(key))
        candidate = _digest(user, password)
        is_correct = False
        for digest in self._digests:
            is_correct |= hmac.compare_digest(candidate, digest)
        self._failed_attempts.record(key, is_correct=is_correct)
        if is_correct:
            _authenticated_user.get([]).append(key)
        return is_correct


def _digest(user: str, password: str) -> bytes:
    return hashlib.sha256(f"{user}\0{password}".encode()).digest()


@dataclass(frozen=True)
class _Login:
    user: str
    started_at: float


class LoginSessions:
    """The valid logins: hashed cookie value -> user and start. A login ends after `LOGIN_LIFETIME_S` or at `/logout`.

    Gradio issues the cookies and keeps a login until the process ends. The middleware reads the cookies of a successful
    login from its response, and removes a cookie that is not valid here from every request, so that Gradio treats its
    caller as logged out.
    """

    def __init__(self) -> None:
        self._logins: dict[str, _Login] = {}

    def add(self, cookie: str, user: str) -> None:
        """Record a login that Gradio has just issued `cookie` for."""
        self._logins[_hash_cookie(cookie)] = _Login(user, time.monotonic())

    def user_of(self, cookies: str) -> str | None:
        """Return the user whose login is among the cookies of a `Cookie` header; None without a valid login."""
        logins = (self._valid_login(pair) for pair in cookies.split(";"))
        return next((login.user for login in logins if login is not None), None)

    def valid_cookies(self, cookies: str) -> str:
        """Return a `Cookie` header without the login cookies that are not valid."""
        pairs = (pair.strip() for pair in cookies.split(";"))
        return "; ".join(pair for pair in pairs if not pair.startswith(_COOKIE_PREFIX) or self._valid_login(pair))

    def revoke(self, user: str) -> None:
        """End all logins of `user`, as Gradio does at `/logout`."""
        self._logins = {cookie: login for cookie, login in self._logins.items() if login.user != user}

    def revoke_expired(self) -> None:
        """Forget the logins that have expired."""
        self._logins = {cookie: login for cookie, login in self._logins.items() if not _is_expired(login)}

    def _valid_login(self, pair: str) -> _Login | None:
        name, _, value = pair.strip().partition("=")
        login = self._logins.get(_hash_cookie(value.strip('"'))) if name.startswith(_COOKIE_PREFIX) else None
        return login if login is not None and not _is_expired(login) else None


_COOKIE_PREFIX = "access-token-"
"""Start of the names of Gradio's two login cookies, one for HTTPS and one for HTTP; both have the same value."""


def owner_name(username: str | None) -> str | None:
    """The hashed name of a user, as `LoginSessions` records it; None without a login."""
    return None if username is None else hashlib.sha256(username.encode()).hexdigest()


def owner_of(app: Any, headers: Headers) -> str | None:
    """The hashed name of the user who sends a request; None without a login."""
    logins: LoginSessions | None = app.state.logins
    return None if logins is None else logins.user_of(headers.get("cookie", ""))


def _hash_cookie(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _is_expired(login: _Login) -> bool:
    return time.monotonic() - login.started_at > LOGIN_LIFETIME_S


class LoginMiddleware:
    """Middleware after the route policy: throttles login attempts, records logins, and removes invalid login cookies.

    After failed attempts, the next attempt from the same address is delayed. More than `MAX_CONCURRENT_ATTEMPTS`
    simultaneous attempts from one address get 429 `busy`. The address is that of the client, also behind the proxies of
    `PNEUMONIA_TRUSTED_PROXIES`: uvicorn has set it from `X-Forwarded-For`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._failed_attempts = FailedAttempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif route_policy.path_of(scope).rstrip("/") == route_policy.LOGIN and scope["method"] == "POST":
            await self._log_in(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on without invalid login cookies; end the caller's logins at `/logout`."""
        sessions: LoginSessions | None = scope["app"].state.logins
        if sessions is not None:
            cookies = Headers(scope=scope).get("cookie", "")
            headers = MutableHeaders(raw=list(scope["headers"]))
            headers["cookie"] = sessions.valid_cookies(cookies)
            scope = {**scope, "headers": headers.raw}
            user = sessions.user_of(cookies)
            if user is not None and route_policy.path_of(scope) == route_policy.LOGOUT:
                sessions.revoke(user)
        await self._app(scope, receive, send)

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = (scope.get("client") or ("unknown", 0))[0]
        record = self._failed_attempts.get(client)
        if record.concurrent_attempts >= MAX_CONCURRENT_ATTEMPTS:
            busy = Busy(
                message(
                    "Too many simultaneous logins from your address. Allowed: {limit}. Try again in a minute.",
                    limit=MAX_CONCURRENT_ATTEMPTS,
                )
            )
            await route_policy.error_response(429, busy, {"Retry-After": "60"})(scope, receive, send)
            return
        record.concurrent_attempts += 1
        try:
            await asyncio.sleep(self._failed_attempts.delay(client))
            authenticated_user: list[str] = []
            _authenticated_user.set(authenticated_user)
            await self._app(scope, receive, self._wrap_send(client, authenticated_user, scope, send))
        finally:
            record.concurrent_attempts -= 1

    def _wrap_send(self, client: str, authenticated_user: list[str], scope: Scope, send: Send) -> Send:
        """Return a `send` that counts the attempt (Gradio answers 200 or 400), records a login, changes the cookie."""
        sessions: LoginSessions | None = scope["app"].state.logins
        is_https = _is_https(scope)

        async def send_response(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] in {200, 400}:
                    self._failed_attempts.record(client, is_correct=message["status"] == 200)
                if sessions is not None and authenticated_user and message["status"] == 200:
                    for name, value in message["headers"]:
                        if name.lower() == b"set-cookie":
                            sessions.add(_cookie_value(value), authenticated_user[0])
                message["headers"] = [
                    (name, _restricted(value, is_https) if name.lower() == b"set-cookie" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        return send_response


def _cookie_value(set_cookie: bytes) -> str:
    """Return the value in a `Set-Cookie` header."""
    return set_cookie.decode("latin-1").partition(";")[0].partition("=")[2].strip('"')


def _is_https(scope: Scope) -> bool:
    """Return True if the caller's connection is encrypted: by its `Origin`, otherwise by what the proxy reports."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    scheme = headers.get("x-forwarded-proto", scope["scheme"]) if origin is None else origin.partition(":")[0]
    return scheme.split(",")[0].strip().lower() == "https"


def _restricted(cookie: bytes, is_https: bool) -> bytes:
    """Set `SameSite=lax`, so that browsers do not send the cookie with requests from other sites, and `Secure` if the
    connection is encrypted. Gradio sets `Secure` for one of its two cookies only.

    On a Space the cookie stays as it is: the Hub shows the page in a frame, which is a cross-site request.
    """
    if gradio_environment.is_on_space():
        return cookie
    attributes = [attribute for attribute in cookie.split(b"; ") if not attribute.lower().startswith(b"samesite=")]
    if is_https and b"secure" not in map(bytes.lower, attributes):
        attributes.append(b"Secure")
    return b"; ".join([*attributes, b"SameSite=lax"])
