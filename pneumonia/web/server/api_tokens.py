"""API tokens: check of `Authorization: Bearer` on the REST API, and throttling of guesses."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ...errors import Busy
from ...messages import message
from . import route_policy
from .login import MAX_CONCURRENT_ATTEMPTS, MAX_RECORDS, FailedAttempts

MAX_TOKEN_LENGTH = 4_096
"""Maximum length of a token in a request; a longer one is wrong without being hashed."""


class ApiTokens:
    """The tokens of the service as digests, compared in constant time; the tokens themselves are not kept."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._digests = [(name, _digest(token)) for name, token in tokens]

    def name_of(self, token: str) -> str | None:
        """The name of a token; None if it is wrong. Each is compared, so that timing does not show which is similar."""
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        candidate, matching_name = _digest(token), None
        for name, digest in self._digests:
            if hmac.compare_digest(candidate, digest):
                matching_name = name
        return matching_name


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class TokenMiddleware:
    """Middleware before the route policy: checks the token of a call of the REST API, if it has one.

    A call with a valid token passes on with its name as `state["api_client"]`. One with a wrong token gets 401, after a
    delay that grows with each wrong token from the same address. During the delay, a ninth simultaneous one from this
    address gets 429. A client that has sent its token from this address before is not delayed by others there, but a
    token that is new there is: else a guess would only cost time if it is wrong.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._failed_attempts = FailedAttempts()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not route_policy.path_of(scope).startswith(f"{route_policy.REST}/"):
            await self._app(scope, receive, send)
            return
        tokens: ApiTokens | None = scope["app"].state.api_tokens
        token = None if tokens is None else _bearer_token(Headers(scope=scope))
        if tokens is None or token is None:
            await self._app(scope, receive, send)
            return
        await self._check(tokens.name_of(token), scope, receive, send)

    async def _check(self, name: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        client = (scope.get("client") or ("unknown", 0))[0]
        if name is None or (client, name) not in self._known:
            record = self._failed_attempts.get(client)
            if record.concurrent_attempts >= MAX_CONCURRENT_ATTEMPTS:
                response = route_policy.refused(scope, 429, _too_many_attempts(), {"Retry-After": "60"})
                await response(scope, receive, send)
                return
            record.concurrent_attempts += 1
            try:
                await asyncio.sleep(self._failed_attempts.delay(client))
            finally:
                record.concurrent_attempts -= 1
            self._failed_attempts.record(client, is_correct=name is not None)
        if name is None:
            await route_policy.unauthorized(scope, is_token_wrong=True)(scope, receive, send)
            return
        self._remember(client, name)
        scope.setdefault("state", {})["api_client"] = name
        await self._app(scope, receive, send)

    def _remember(self, client: str, name: str) -> None:
        self._known[client, name] = None
        self._known.move_to_end((client, name))
        while len(self._known) > MAX_RECORDS:
            self._known.popitem(last=False)


def _bearer_token(headers: Headers) -> str | None:
    """The token of the request. Another scheme is that of a proxy, which passed its own password on."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _too_many_attempts() -> Busy:
    return Busy(
        message(
            "Too many simultaneous logins from your address. Allowed: {limit}. Try again in a minute.",
            limit=MAX_CONCURRENT_ATTEMPTS,
        )
    )
