"""Periodic deletion of expired films, sessions and logins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from ... import operating_system
from ...errors import InternalError
from . import gradio_internals, session_memory, upload_storage


def cleanup_lifespan(interval_s: float) -> Any:
    """Return a lifespan context manager that runs the deletion every `interval_s` seconds while the server runs."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(_run_periodically(app, interval_s))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def _run_periodically(app: Any, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        try:
            await delete_expired_data(app)
        except Exception as error:
            InternalError.from_exception(error)  # logs the error, which must not stop the later runs


async def delete_expired_data(app: Any) -> None:
    """Delete everything of `app` that has expired, once.

    Files are deleted on a thread, because a slow disk must not block the event loop. The records of sessions are
    dropped on the event loop: Gradio reads and creates them there in several steps, between which no other task runs.
    On a thread, a session could be dropped between the steps of a call that uses it, and the call would fail.
    """
    if app.state.logins is not None:
        app.state.logins.revoke_expired()
    await anyio.to_thread.run_sync(upload_storage.delete_expired, app.state.page, app.state.upload_folder)
    session_memory.drop_idle_sessions(app.state.page)
    await gradio_internals.drop_delivered_results(app.state.page, app.state.result_streams)
    await anyio.to_thread.run_sync(operating_system.trim_heap)
