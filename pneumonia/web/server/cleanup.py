"""Every so often: films, sessions and logins whose time is over go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from ...errors import InternalError
from . import login, session_memory, upload_storage


def cleanup_lifespan(every_s: float) -> Any:
    """A lifespan of the server that looks every so often."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        task = asyncio.create_task(_sweep(app, every_s))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def _sweep(app: Any, every_s: float) -> None:
    logins = login.LoginExpiry()
    while True:
        await asyncio.sleep(every_s)
        try:
            logins.end_old(app.tokens)
            await anyio.to_thread.run_sync(_tidy, app)
        except Exception as error:
            InternalError.from_exception(error)  # into the log: whatever it was, the next look must come


def _tidy(app: Any) -> None:
    upload_storage.delete_expired(app.get_blocks(), Path(app.uploaded_file_dir))
    session_memory.drop_idle_sessions(app.get_blocks())
