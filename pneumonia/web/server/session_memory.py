"""What the server remembers of callers: nothing longer than it is of use.

Gradio keeps the state of 10,000 sessions, 140 kB each with this page's components; a call over plain HTTP is a session
of its own. And though its monitoring is off, it keeps a record of the last 10,000 calls, of which it makes a table anew
after each call.
"""

from __future__ import annotations

import ctypes
import datetime
from contextlib import suppress
from typing import Any

import gradio as gr

from ... import settings

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""

MAX_SESSIONS = 1_000
"""Pages and clients at once, at 140 kB each."""


def limit_session_memory(page: gr.Blocks) -> None:
    """Have a call without a session forgotten when it is answered, and no calls recorded."""
    queue = page._queue
    process = queue.process_events

    async def process_and_drop(events: list[Any], *args: Any, **kwargs: Any) -> None:
        try:
            await process(events, *args, **kwargs)
        finally:
            for event in events:
                if event.session_hash == event._id:  # nobody has named a session
                    _drop_session(page, event.session_hash)

    queue.process_events = process_and_drop  # type: ignore[method-assign]
    queue.compute_analytics_summary = lambda records: {}  # type: ignore[method-assign]
    queue.ANALYTICS_MAX_EVENTS = 0


def drop_idle_sessions(page: gr.Blocks) -> None:
    """Sessions whose film is gone anyway, and callers who never came for their answer."""
    limit = datetime.datetime.now() - datetime.timedelta(seconds=settings.RETENTION_S.read())
    for session, last_used in list(page.state_holder.time_last_used.items()):
        if last_used < limit:
            page.state_holder.delete_state(session)
            _drop_session(page, session)
    _drop_delivered_results(page._queue)
    trim_heap()


def _drop_delivered_results(queue: Any) -> None:
    """Callers who have their answer; and those who never came for it, once Gradio has dropped the answer."""
    for session, events in list(queue.pending_event_ids_session.items()):
        messages = queue.pending_messages_per_session.get(session)
        if messages is None or (not events and messages.empty()):
            queue.pending_event_ids_session.pop(session, None)
            queue.pending_messages_per_session.pop(session, None)


def limit_malloc_arenas() -> None:
    """To be called before threads start: glibc keeps freed memory for each of many threads, which films make large."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def trim_heap() -> None:
    """Freed memory to the system."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _drop_session(page: gr.Blocks, session: str) -> None:
    page.state_holder.session_data.pop(session, None)
    page.state_holder.time_last_used.pop(session, None)
