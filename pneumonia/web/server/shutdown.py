"""Graceful shutdown: refuses new calls and completes running and waiting ones within a time limit."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import gradio as gr

from ...errors import Busy
from ...messages import message
from . import gradio_internals

GRACE_S = 25
"""Seconds to complete running and waiting calls. Kubernetes kills a process 30 s after SIGTERM, `docker stop` without
`-t` after 10 s."""

EXIT_TIMEOUT_S = 5
"""Seconds until the forced exit of the process, after the grace time and the 5 s for open responses
(`connection_limits.GRACEFUL_CLOSE_S`)."""

_POLL_INTERVAL_S = 0.1

_DELIVERY_S = 2
"""Seconds for the event streams to send the error, and for the pages of batches, which ask every second, to receive
their last rows."""

log = logging.getLogger("pneumonia")


class BackgroundWork(Protocol):
    """Work that runs outside of Gradio's queue, such as the batches of the page."""

    def unfinished(self) -> int:
        """Number of tasks that wait or run."""

    def stop_all(self) -> None:
        """Stop all tasks."""


def shutting_down_error() -> Busy:
    """Return the error for calls that arrive during shutdown or are not completed in time."""
    return Busy(message("The service is shutting down and accepts no more films. Try again in a minute."))


def is_draining(app: Any) -> bool:
    """Return True if shutdown has started."""
    return bool(getattr(app.state, "draining", False))


async def drain(page: gr.Blocks, background: Sequence[BackgroundWork] = (), grace_s: float = GRACE_S) -> None:
    """Complete running and waiting calls within `grace_s` seconds, while the route policy refuses new ones.

    The tasks of `background` are completed as well, and stopped at the end of the time.

    At the end it closes the page, which ends all event streams.
    """
    started_at = time.monotonic()
    log.info("service state=ending waiting=%d", gradio_internals.waiting_calls(page))
    had_tasks = any(work.unfinished() for work in background)

    def is_unfinished() -> bool:
        return gradio_internals.has_unfinished_calls(page) or any(work.unfinished() for work in background)

    while is_unfinished() and time.monotonic() - started_at < grace_s:
        await asyncio.sleep(_POLL_INTERVAL_S)
    unfinished_calls = gradio_internals.reject_unfinished_calls(page, shutting_down_error().message)
    unfinished_calls += sum(work.unfinished() for work in background)
    for work in background:
        work.stop_all()
    if unfinished_calls or had_tasks:
        await asyncio.sleep(_DELIVERY_S)
    log.info("service state=ended seconds=%.1f unfinished=%d", time.monotonic() - started_at, unfinished_calls)
    # Without this timer, the threads of a call that hangs would keep the process alive without limit.
    exit_timer = threading.Timer(EXIT_TIMEOUT_S + 5, os._exit, [0])
    exit_timer.daemon = True
    exit_timer.start()
    page.close(verbose=False)
