"""Periodic deletion of expired films, sessions and logins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

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
            if app.state.logins is not None:
                app.state.logins.revoke_expired()
            await anyio.to_thread.run_sync(_delete_expired_data, app)
            await gradio_internals.drop_delivered_results(app.state.page)
        except Exception as error:
            InternalError.from_exception(error)  # logs the error, which must not stop the later runs


def _delete_expired_data(app: Any) -> None:
    upload_storage.delete_expired(app.state.page, app.state.upload_folder)
    session_memory.drop_idle_sessions(app.state.page)
