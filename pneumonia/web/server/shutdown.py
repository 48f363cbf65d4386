"""The end of the service: what runs is finished, what comes new is sent away, and both only for so long."""

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
"""Seconds for what runs and waits: orchestrators kill after 30 (Kubernetes) or 10 (`docker stop`, without `-t`)."""

EXIT_TIMEOUT_S = 5
"""Seconds from then on to the end of the process, whatever hangs."""

_POLL_INTERVAL_S = 0.1

log = logging.getLogger("pneumonia")


def shutting_down_error() -> Busy:
    """What a caller hears who comes too late, or has waited in vain."""
    return Busy("The service is about to end and takes no more films. Try again in a minute.")


def is_draining(app: Any) -> bool:
    """Whether the service was told to end."""
    return bool(getattr(app.state, "draining", False))


def serve_until_signal(page: gr.Blocks) -> None:
    """Serve a launched page until SIGTERM or SIGINT, then end it gracefully. A second signal ends it at once."""
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
    """Take nothing new, finish what runs and waits, for `grace_s` seconds at most, and close."""
    page.server_app.state.draining = True
    started_at = time.monotonic()
    log.info("service state=ending waiting=%d", len(page._queue))
    while _has_unfinished_work(page) and time.monotonic() - started_at < grace_s:
        time.sleep(_POLL_INTERVAL_S)
    unfinished = _reject_unfinished(page)
    log.info("service state=ended seconds=%.1f unfinished=%d", time.monotonic() - started_at, unfinished)
    # Threads of an answer that hangs would keep the process for ever.
    exit_timer = threading.Timer(EXIT_TIMEOUT_S + 5, os._exit, [0])
    exit_timer.daemon = True
    exit_timer.start()
    page.close(verbose=False)


def _has_unfinished_work(page: gr.Blocks) -> bool:
    """Whether a film waits or is judged, or an answer is on its way to someone who listens."""
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
    """Tell those whose answer will not come; how many they are."""
    queue = page._queue
    events = list(queue.event_ids_to_events.values())
    for event in events:
        error_output = {"error": shutting_down_error().message}
        page.server_app.state.loop.call_soon_threadsafe(
            queue.send_message, event, ProcessCompletedMessage(output=error_output, title="Busy", success=False)
        )
    if events:
        time.sleep(1)  # for the streams to carry it out
    return len(events)
