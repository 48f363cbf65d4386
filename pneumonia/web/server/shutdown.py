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

_LOOK_EVERY_S = 0.1

log = logging.getLogger("pneumonia")


def shutting_down_error() -> Busy:
    """What a caller hears who comes too late, or has waited in vain."""
    return Busy("The service is about to end and takes no more films. Try again in a minute.")


def is_draining(app: Any) -> bool:
    """Whether the service was told to end."""
    return bool(getattr(app.state, "draining", False))


def serve_until_signal(page: gr.Blocks) -> None:
    """Serve a launched page until SIGTERM or SIGINT, then end it gracefully. A second signal ends it at once."""
    told = threading.Event()

    def tell(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    while page.is_running and not told.wait(_LOOK_EVERY_S):
        pass
    end(page)


def end(page: gr.Blocks, grace_s: float = GRACE_S) -> None:
    """Take nothing new, finish what runs and waits, for `grace_s` seconds at most, and close."""
    page.server_app.state.draining = True
    began = time.monotonic()
    log.info("service state=ending waiting=%d", len(page._queue))
    while _is_at_work(page) and time.monotonic() - began < grace_s:
        time.sleep(_LOOK_EVERY_S)
    left = _send_away(page)
    log.info("service state=ended seconds=%.1f unfinished=%d", time.monotonic() - began, left)
    # Threads of an answer that hangs would keep the process for ever.
    last = threading.Timer(EXIT_TIMEOUT_S + 5, os._exit, [0])
    last.daemon = True
    last.start()
    page.close(verbose=False)


def _is_at_work(page: gr.Blocks) -> bool:
    """Whether a film waits or is judged, or an answer is on its way to someone who listens."""
    queue = page._queue
    return bool(len(queue) or any(queue.active_jobs) or _undelivered(page))


def _undelivered(page: gr.Blocks) -> int:
    queue = page._queue
    return sum(
        1
        for session, events in list(queue.pending_event_ids_session.items())
        if events and session in queue.pending_messages_per_session
    )


def _send_away(page: gr.Blocks) -> int:
    """Tell those whose answer will not come; how many they are."""
    queue = page._queue
    events = list(queue.event_ids_to_events.values())
    for event in events:
        said = {"error": shutting_down_error().message}
        page.server_app.state.loop.call_soon_threadsafe(
            queue.send_message, event, ProcessCompletedMessage(output=said, title="Busy", success=False)
        )
    if events:
        time.sleep(1)  # for the streams to carry it out
    return len(events)
