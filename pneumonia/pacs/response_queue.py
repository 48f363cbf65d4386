"""Responses of a peer reach the thread that waits for them. pynetdicom 3.0 sometimes loses one without this.

pynetdicom reads messages of a peer in two threads: the one that called `send_c_store` or `send_c_find`, and the one of
the association, which expects requests. The first pauses the second, but the flag by which it knows that the pause has
begun may still be that of the pass before. The thread of the association then takes the response, logs "Received
unexpected C-STORE service message" and drops it, and the sender waits until its timeout
(https://github.com/pydicom/pynetdicom/issues/875).
"""

from __future__ import annotations

import queue
from typing import Any

from pynetdicom import evt
from pynetdicom.events import Event


class ResponseQueue(queue.Queue[Any]):
    """Messages of a peer that only answers: calls that do not block, as those of the association's thread, get none."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next message. Raises `queue.Empty` if there is none after `timeout` seconds, or if `block` is false."""
        if not block:
            raise queue.Empty
        return super().get(timeout=timeout)


def keep_responses(event: Event) -> None:
    """Handler of `EVT_CONN_OPEN`, for an association that this process requests and on which it serves no requests."""
    event.assoc.dimse.msg_queue = ResponseQueue()


KEEP_RESPONSES: list[evt.EventHandlerType] = [(evt.EVT_CONN_OPEN, keep_responses)]
"""For `evt_handlers` of `AE.associate`."""
