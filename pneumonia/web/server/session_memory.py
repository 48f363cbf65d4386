"""Limits the memory that Gradio keeps per session and per call.

Gradio keeps the state of 10,000 sessions, 140 kB each with this page's components, and treats each call over plain HTTP
as a separate session. It also records the last 10,000 calls and rebuilds a table of them after each call, even if
monitoring is off.
"""

from __future__ import annotations

import datetime

import gradio as gr
from starlette.types import Scope

from ... import settings
from . import gradio_internals, request_language, request_log

MAX_SESSIONS = 1_000
"""Maximum number of sessions, one for each open page or client: 140 kB each, 140 MB in total."""


def limit_session_memory(page: gr.Blocks) -> None:
    """Drop the state of calls without a session as soon as they end, and turn off Gradio's record of calls."""
    gradio_internals.wrap_calls(page, _restore_context)


def _restore_context(scope: Scope) -> None:
    """Id and language of the request that made the call."""
    request_log.restore_request_id(scope)
    request_language.restore_language(scope)


def drop_idle_sessions(page: gr.Blocks) -> None:
    """Drop the sessions that are idle for the retention time; their films are already deleted.

    Must run on the event loop (`cleanup.delete_expired_data`).
    """
    idle_since = datetime.datetime.now() - datetime.timedelta(seconds=settings.RETENTION_S.read())
    gradio_internals.drop_idle_sessions(page, idle_since)
