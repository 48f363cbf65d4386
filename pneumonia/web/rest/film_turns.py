"""Single films of the REST API: each waits for its turn in the lane that page and API share, then runs on a thread."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.types import Receive

from ... import settings
from ..lane import Caller, Lane, Ticket
from .body import ClientGone

Result = TypeVar("Result")


class FilmTurns:
    """Runs functions in turn, as many at a time as the lane lets through."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        # Threads of their own: the default pool also opens files and runs Gradio's handlers, which may use it up.
        self._pool = ThreadPoolExecutor(settings.THREADS.read(), thread_name_prefix="rest-film")

    def check(self) -> None:
        """Raise `Busy` if too many films wait: before a body is read."""
        self._lane.check(Caller.REST)

    def retry_after_s(self) -> int:
        """Seconds after which a refused caller may try again."""
        return self._lane.retry_after_s(Caller.REST)

    async def run(self, receive: Receive, function: Callable[[], Result]) -> Result:
        """The result of `function`, which runs on a thread in the context of the request.

        Raises `Busy`, and `ClientGone` if the caller closes the connection while the film waits.
        """
        ticket = self._lane.join(Caller.REST)
        try:
            if not ticket.is_running:
                await wait_for_turn(self._lane, ticket, receive)
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, function)
        finally:
            self._lane.leave(ticket)


async def wait_for_turn(lane: Lane, ticket: Ticket, receive: Receive) -> None:
    """Wait for the turn of a ticket; raises `ClientGone` if the caller closes the connection before."""
    start, disconnect = asyncio.ensure_future(lane.started(ticket)), asyncio.ensure_future(until_disconnect(receive))
    try:
        await asyncio.wait({start, disconnect}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        start.cancel()
        disconnect.cancel()
    if not ticket.is_running:
        raise ClientGone


async def until_disconnect(receive: Receive) -> None:
    """Return when the caller closes the connection. The body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        continue
