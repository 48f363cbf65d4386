"""Graceful shutdown: refuses new calls and completes running and waiting ones within a time limit."""

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
"""Seconds to complete running and waiting calls. Kubernetes kills a process 30 s after SIGTERM, `docker stop` without
`-t` after 10 s."""

EXIT_TIMEOUT_S = 5
"""Seconds until the forced exit of the process, after the grace time and the 5 s for open responses
(`connection_limits.GRACEFUL_CLOSE_S`)."""

_POLL_INTERVAL_S = 0.1

log = logging.getLogger("pneumonia")


def shutting_down_error() -> Busy:
    """Return the error for calls that arrive during shutdown or are not completed in time."""
    return Busy("The service is shutting down and accepts no more films. Try again in a minute.")


def is_draining(app: Any) -> bool:
    """Return True if shutdown has started."""
    return bool(getattr(app.state, "draining", False))


def serve_until_signal(page: gr.Blocks) -> None:
    """Serve a launched page until SIGTERM or SIGINT, then shut it down gracefully. A second signal ends the process."""
    stop_requested = threading.Event()

    def request_stop(signal_number: int, _: object) -> None:
        signal.signal(signal_number, signal.SIG_DFL)
        stop_requested.set()

    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, request_stop)
    while page.is_running and not stop_requested.wait(_POLL_INTERVAL_S):
        pass
    shut_down(page)


def shut_down(page: gr.Blocks, grace_s: float = GRACE_S) -> None:
    """Refuse new calls, complete running and waiting ones within `grace_s` seconds, and close the page.

    This function and its helpers read Gradio's private queue, because Gradio has no public way to wait for it.
    """
    page.server_app.state.draining = True
    started_at = time.monotonic()
    log.info("service state=ending waiting=%d", len(page._queue))
    while _has_unfinished_work(page) and time.monotonic() - started_at < grace_s:
        time.sleep(_POLL_INTERVAL_S)
    unfinished_calls = _reject_unfinished(page)
    log.info("service state=ended seconds=%.1f unfinished=%d", time.monotonic() - started_at, unfinished_calls)
    # Without this timer, the threads of a call that hangs would keep the process alive without limit.
    exit_timer = threading.Timer(EXIT_TIMEOUT_S + 5, os._exit, [0])
    exit_timer.daemon = True
    exit_timer.start()
    page.close(verbose=False)


def _has_unfinished_work(page: gr.Blocks) -> bool:
    """Return True if a call waits or runs, or if the result of a connected caller is not yet delivered."""
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
        time.sleep(1)  # time for the event streams to send the error
    return len(events)
