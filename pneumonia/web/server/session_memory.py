"""Limits the memory that Gradio keeps per session and per call.

Gradio keeps the state of 10,000 sessions, 140 kB each with this page's components, and treats each call over plain HTTP
as a separate session. It also records the last 10,000 calls and rebuilds a table of them after each call, even if
monitoring is off.
"""

from __future__ import annotations

import ctypes
import datetime
from contextlib import suppress

import gradio as gr

from ... import settings
from . import gradio_internals, request_log

_M_ARENA_MAX = -8
"""The `mallopt` parameter M_ARENA_MAX in glibc's malloc.h."""

MAX_SESSIONS = 1_000
"""Maximum number of sessions, one for each open page or client: 140 kB each, 140 MB in total."""


def limit_session_memory(page: gr.Blocks) -> None:
    """Drop the state of calls without a session as soon as they end, and turn off Gradio's record of calls."""
    gradio_internals.wrap_calls(page, request_log.restore_request_id)


def drop_idle_sessions(page: gr.Blocks) -> None:
    """Drop the sessions that are idle for the retention time; their films are already deleted."""
    idle_since = datetime.datetime.now() - datetime.timedelta(seconds=settings.RETENTION_S.read())
    gradio_internals.drop_idle_sessions(page, idle_since)
    trim_heap()


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
