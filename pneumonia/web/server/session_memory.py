"""Limits the memory that Gradio keeps per session and per call.

Gradio keeps the state of 10,000 sessions, 140 kB each with this page's components, and treats each call over plain HTTP
as a separate session. It also records the last 10,000 calls and rebuilds a table of them after each call, even if
monitoring is off. The attributes used here are private, because Gradio has a parameter only for the number of sessions.
"""

from __future__ import annotations

import ctypes
import datetime
from contextlib import suppress
from typing import Any

import gradio as gr

from ... import settings

_M_ARENA_MAX = -8
"""The `mallopt` parameter M_ARENA_MAX in glibc's malloc.h."""

MAX_SESSIONS = 1_000
"""Maximum number of sessions, one for each open page or client: 140 kB each, 140 MB in total."""


def limit_session_memory(page: gr.Blocks) -> None:
    """Drop the state of calls without a session as soon as they end, and turn off Gradio's record of calls."""
    queue = page._queue
    process = queue.process_events

    async def process_and_drop(events: list[Any], *args: Any, **kwargs: Any) -> None:
        try:
            await process(events, *args, **kwargs)
        finally:
            for event in events:
                if event.session_hash == event._id:  # the caller sent no session hash
                    _drop_session(page, event.session_hash)

    queue.process_events = process_and_drop  # type: ignore[method-assign]
    queue.compute_analytics_summary = lambda records: {}  # type: ignore[method-assign]
    queue.ANALYTICS_MAX_EVENTS = 0


def drop_idle_sessions(page: gr.Blocks) -> None:
    """Drop records of old results, and sessions idle for the retention time, whose films are already deleted."""
    limit = datetime.datetime.now() - datetime.timedelta(seconds=settings.RETENTION_S.read())
    for session, last_used in list(page.state_holder.time_last_used.items()):
        if last_used < limit:
            page.state_holder.delete_state(session)
            _drop_session(page, session)
    _drop_delivered_results(page._queue)
    trim_heap()


def _drop_delivered_results(queue: Any) -> None:
    """Drop the queue's records of results that were delivered, and of results that Gradio dropped unread."""
    for session, events in list(queue.pending_event_ids_session.items()):
        messages = queue.pending_messages_per_session.get(session)
        if messages is None or (not events and messages.empty()):
            queue.pending_event_ids_session.pop(session, None)
            queue.pending_messages_per_session.pop(session, None)


def limit_malloc_arenas() -> None:
    """Limit glibc to two memory arenas. Must be called before threads start. Does nothing without glibc.

    By default glibc keeps freed memory in one arena per thread, and each arena grows to the size of a large film.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def trim_heap() -> None:
    """Return freed memory to the operating system. Does nothing without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _drop_session(page: gr.Blocks, session: str) -> None:
    page.state_holder.session_data.pop(session, None)
    page.state_holder.time_last_used.pop(session, None)
