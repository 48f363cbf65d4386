"""One address of the REST API: methods, and errors as responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ... import operating_system
from ...errors import InternalError, PneumoniaError, UsageError
from ...inference.decision import Failure
from ...messages import message
from ..server.request_limits import BodyRefused
from .body import ClientGone
from .responses import error_response, json_response

Handler: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[Response | None]]
"""Returns the response, or None if it has sent one itself. May raise a `PneumoniaError`."""


class Endpoint:
    """ASGI application of one address. `retry_after_s` gives the seconds for a caller who is refused as `busy`.

    HEAD is answered as GET is, OPTIONS with the methods that are allowed, any other one with 405. There are no CORS
    headers: pages of other sites cannot call the API.
    """

    def __init__(self, retry_after_s: Callable[[], int] = lambda: 1, **handlers: Handler) -> None:
        self._handlers, self._retry_after_s = handlers, retry_after_s
        methods = [*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"]
        self._allow = {"Allow": ", ".join(methods)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        handler = self._handlers.get(method)
        if handler is None:
            await self._other_method(scope)(scope, receive, send)
            return
        has_started = False

        async def record_start(event: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(event)

        try:
            response = await handler(scope, receive, record_start)
        except BodyRefused:
            raise
        except (ClientGone, ClientDisconnect):
            return
        except Exception as error:
            if has_started:
                raise  # the connection is closed, so that the caller does not take a part for the whole
            response = error_response(scope, _as_own_error(error), self._retry_after_s())
        if response is not None:
            await response(scope, receive, send)

    def _other_method(self, scope: Scope) -> Response:
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=self._allow)
        error = UsageError(
            message(
                "The method is not allowed here. Allowed: {allowed}. Received: {method}.",
                allowed=self._allow["Allow"],
                method=scope["method"][:40],
            )
        )
        return json_response(Failure(None, error).as_dict(), 405, self._allow)


def _as_own_error(error: Exception) -> PneumoniaError:
    if isinstance(error, PneumoniaError):
        return error
    if operating_system.is_out_of_files(error):
        return operating_system.out_of_files_error()
    return InternalError.from_exception(error)
