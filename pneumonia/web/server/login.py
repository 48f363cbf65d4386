"""The login: who knows a password, how fast someone may guess, and what the cookie may do."""

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
"""A wrong guess doubles the delay of the next one, for the same address or the same user. Nobody is ever locked out: a
whole hospital may come from one address, and an attacker must not be able to shut a user out by guessing badly."""

FAILURES_EXPIRE_AFTER_S = 900
MAX_CONCURRENT_ATTEMPTS = 8
"""Guesses of one address at once: with the longest delay, one guess in 1.25 s."""

MAX_RECORDS = 10_000
"""Addresses and users, the oldest forgotten first: some megabytes at most."""


LOGIN_LIFETIME_S = 12 * 3600
"""A shift: after it the password is asked for again, and a workplace left alone is not open for ever."""


@dataclass
class _Record:
    failures: int = 0
    last_attempt_s: float = 0.0
    concurrent_attempts: int = 0


class FailedAttempts:
    """How often an address or a user was wrong lately. Its memory is bounded."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def record(self, key: str) -> _Record:
        record = self._records.setdefault(key, _Record())
        self._records.move_to_end(key)
        while len(self._records) > MAX_RECORDS:
            self._records.popitem(last=False)
        if time.monotonic() - record.last_attempt_s > FAILURES_EXPIRE_AFTER_S:
            record.failures = 0
        return record

    def delay(self, key: str) -> float:
        """Seconds to wait before the next guess is looked at."""
        failures = self.record(key).failures
        return min(FIRST_DELAY_S * 2 ** (failures - 1), MAX_DELAY_S) if failures else 0.0

    def note(self, key: str, *, correct: bool) -> None:
        record = self.record(key)
        record.failures, record.last_attempt_s = (0 if correct else min(record.failures + 1, 30)), time.monotonic()


class PasswordCheck:
    """Gradio's `auth`: true for a user with their password. A guess takes as long for a user who does not exist."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        # Hashes have one length, so a comparison tells nothing of the password's.
        self._digests = [_digest(user, password) for user, password in pairs]
        self._failed_attempts = FailedAttempts()

    async def check(self, user: str, password: str) -> bool:
        key = hashlib.sha256(user.encode()).hexdigest()
        await asyncio.sleep(self._failed_attempts.delay(key))
        candidate = _digest(user, password)
        correct = False
        for digest in self._digests:
            correct |= hmac.compare_digest(candidate, digest)
        self._failed_attempts.note(key, correct=correct)
        return correct


def _digest(user: str, password: str) -> bytes:
    return hashlib.sha256(f"{user}\0{password}".encode()).digest()


class LoginExpiry:
    """Since when each login has been open; Gradio keeps all of them until the process ends."""

    def __init__(self) -> None:
        self._issued_at: dict[str, float] = {}

    def revoke_expired(self, tokens: dict[str, str]) -> None:
        """Take from Gradio's `tokens` (cookie -> user) those that were given out too long ago."""
        now = time.monotonic()
        self._issued_at = {token: self._issued_at.get(token, now) for token in list(tokens)}
        for token, issued_at in self._issued_at.items():
            if now - issued_at > LOGIN_LIFETIME_S:
                tokens.pop(token, None)


class LoginThrottle:
    """In front of `/login`: slows down who guesses, and takes from the cookie what it does not need."""

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
        record = self._failed_attempts.record(client)
        if record.concurrent_attempts >= MAX_CONCURRENT_ATTEMPTS:
            busy = Busy("There are too many logins from your address at once. Try again in a minute.")
            await route_policy.error_response(429, busy, {"Retry-After": "60"})(scope, receive, send)
            return
        record.concurrent_attempts += 1
        try:
            await asyncio.sleep(self._failed_attempts.delay(client))
            await self._app(scope, receive, self._wrap_send(client, send))
        finally:
            record.concurrent_attempts -= 1

    def _wrap_send(self, client: str, send: Send) -> Send:
        async def send_response(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] in {200, 400}:
                    self._failed_attempts.note(client, correct=message["status"] == 200)
                message["headers"] = [
                    (name, _with_same_site_lax(value) if name.lower() == b"set-cookie" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        return send_response


def _with_same_site_lax(cookie: bytes) -> bytes:
    """Other sites' pages send no cookie of ours. Only a Space needs that, whose page lies in a frame of the Hub's."""
    if get_space() is not None:
        return cookie
    parts = [part for part in cookie.split(b"; ") if not part.lower().startswith(b"samesite=")]
    return b"; ".join([*parts, b"SameSite=lax"])
