"""Graceful shutdown: running and waiting calls are completed, new ones are refused, within a time limit."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

import gradio as gr
from gradio.server_messages import ProcessCompletedMessage

from ...errors import Busy

GRACE_S = 25
"""Seconds for running and waiting calls. Kubernetes kills after 30 s, `docker stop` without `-t` after 10 s."""

EXIT_TIMEOUT_S = 5
"""Seconds from then to the forced exit of the process, after the 5 s for open responses (`GRACEFUL_CLOSE_S`)."""

_POLL_INTERVAL_S = 0.1

log = logging.getLogger("pneumonia")


def shutting_down_error() -> Busy:
    """Return the error for calls that arrive during shutdown or are not completed in time."""
    return Busy("The service is shutting down and accepts no more films. Try again in a minute.")


def is_draining(app: Any) -> bool:
    """Whether shutdown has started."""
    return bool(getattr(app.state, "draining", False))


def serve_until_signal(page: gr.Blocks) -> None:
    """Serve a launched page until SIGTERM or SIGINT, then shut it down gracefully. A second signal ends it at once."""
    stop_requested = threading.Event()

    def request_stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop_requested.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request_stop)
    while page.is_running and not stop_requested.wait(_POLL_INTERVAL_S):
        pass
    shut_down(page)


def shut_down(page: gr.Blocks, grace_s: float = GRACE_S) -> None:
    """Refuse new calls, complete running and waiting ones within `grace_s` seconds, and close the page.

    Reads Gradio's private queue here and below, because Gradio has no way to wait for it.
    """
    page.server_app.state.draining = True
    started_at = time.monotonic()
    log.info("service state=ending waiting=%d", len(page._queue))
    while _has_unfinished_work(page) and time.monotonic() - started_at < grace_s:
        time.sleep(_POLL_INTERVAL_S)
    unfinished = _reject_unfinished(page)
    log.info("service state=ended seconds=%.1f unfinished=%d", time.monotonic() - started_at, unfinished)
    # The threads of a call that hangs would keep the process alive without limit.
    exit_timer = threading.Timer(EXIT_TIMEOUT_S + 5, os._exit, [0])
    exit_timer.daemon = True
    exit_timer.start()
    page.close(verbose=False)


def _has_unfinished_work(page: gr.Blocks) -> bool:
    """Whether a call waits or runs, or a result is not yet delivered to a caller who is connected."""
    queue = page._queue
    return bool(len(queue) or any(queue.active_jobs) or _undelivered_results(page))


def _undelivered_results(page: gr.Blocks) -> int:
    queue = page._queue
    return sum(
        1
        for session, events in list(queue.pending_event_ids_session.items())
        if events and session in queue.pending_messages_per_session
    )


def _reject_unfinished(page: gr.Blocks) -> int:
    """Send `shutting_down_error` to the callers of unfinished calls; return their number."""
    queue = page._queue
    events = list(queue.event_ids_to_events.values())
    for event in events:
        error_output = {"error": shutting_down_error().message}
        page.server_app.state.loop.call_soon_threadsafe(
            queue.send_message, event, ProcessCompletedMessage(output=error_output, title="Busy", success=False)
        )
    if events:
        time.sleep(1)  # lets the event streams send it
    return len(events)
