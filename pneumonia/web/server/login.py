"""Login: password check, throttling of password guesses, expiry of logins, and the attributes of the login cookie."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass

from gradio.utils import get_space
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import Busy
from . import route_policy

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
        key = hashlib.sha256(user.encode()).hexdigest()
        await asyncio.sleep(self._failed_attempts.delay(key))
        candidate = _digest(user, password)
        is_correct = False
        for digest in self._digests:
            is_correct |= hmac.compare_digest(candidate, digest)
        self._failed_attempts.record(key, is_correct=is_correct)
        return is_correct


def _digest(user: str, password: str) -> bytes:
    return hashlib.sha256(f"{user}\0{password}".encode()).digest()


class LoginExpiry:
    """Ends logins after `LOGIN_LIFETIME_S`. Gradio itself keeps every login until the process ends."""

    def __init__(self) -> None:
        self._first_seen: dict[str, float] = {}

    def revoke_expired(self, tokens: dict[str, str]) -> None:
        """Remove expired logins from Gradio's `tokens` (cookie -> user).

        Gradio does not record when a token was issued. Its age is therefore counted from the first call of this method
        that contains it.
        """
        now = time.monotonic()
        self._first_seen = {token: self._first_seen.get(token, now) for token in list(tokens)}
        for token, first_seen in self._first_seen.items():
            if now - first_seen > LOGIN_LIFETIME_S:
                tokens.pop(token, None)


class LoginThrottle:
    """Middleware for `POST /login`, after the route policy: throttles attempts and restricts the login cookie.

    After failed attempts, the next attempt from the same address is delayed. More than `MAX_CONCURRENT_ATTEMPTS`
    simultaneous attempts from one address get 429 `busy`. Every other request passes unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._failed_attempts = FailedAttempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or route_policy.path_of(scope).rstrip("/") != route_policy.LOGIN
            or scope["method"] != "POST"
        ):
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("unknown", 0))[0]
        record = self._failed_attempts.get(client)
        if record.concurrent_attempts >= MAX_CONCURRENT_ATTEMPTS:
            busy = Busy(
                f"Too many simultaneous logins from your address. Allowed: {MAX_CONCURRENT_ATTEMPTS}. "
                "Try again in a minute."
            )
            await route_policy.error_response(429, busy, {"Retry-After": "60"})(scope, receive, send)
            return
        record.concurrent_attempts += 1
        try:
            await asyncio.sleep(self._failed_attempts.delay(client))
            await self._app(scope, receive, self._wrap_send(client, send))
        finally:
            record.concurrent_attempts -= 1

    def _wrap_send(self, client: str, send: Send) -> Send:
        """Return a `send` that counts the attempt (Gradio answers 200 or 400) and changes the cookie."""

        async def send_response(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] in {200, 400}:
                    self._failed_attempts.record(client, is_correct=message["status"] == 200)
                message["headers"] = [
                    (name, _with_same_site_lax(value) if name.lower() == b"set-cookie" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        return send_response


def _with_same_site_lax(cookie: bytes) -> bytes:
    """Set `SameSite=lax`, so that browsers do not send the cookie with requests from other sites.

    On a Space the cookie stays as it is: the Hub shows the page in a frame, which is a cross-site request.
    """
    if get_space() is not None:
        return cookie
    attributes = [attribute for attribute in cookie.split(b"; ") if not attribute.lower().startswith(b"samesite=")]
    return b"; ".join([*attributes, b"SameSite=lax"])
