"""Periodic deletion of expired films, sessions and logins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from ...errors import InternalError
from . import login, session_memory, upload_storage


def cleanup_lifespan(interval_s: float) -> Any:
    """Return a lifespan context manager that runs the deletion every `interval_s` seconds while the server runs."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        task = asyncio.create_task(_run_periodically(app, interval_s))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def _run_periodically(app: Any, interval_s: float) -> None:
    login_expiry = login.LoginExpiry()
    while True:
        await asyncio.sleep(interval_s)
        try:
            login_expiry.revoke_expired(app.tokens)
            await anyio.to_thread.run_sync(_delete_expired_data, app)
        except Exception as error:
            InternalError.from_exception(error)  # logs the error, which must not stop the later runs


def _delete_expired_data(app: Any) -> None:
    upload_storage.delete_expired(app.get_blocks(), Path(app.uploaded_file_dir))
    session_memory.drop_idle_sessions(app.get_blocks())
