"""Limits of one association that pynetdicom does not have: size and duration of an object, unanswered messages.

The methods follow the messages in the received PDUs (PS3.8, annex E.2: two bits of each fragment say whether it belongs
to a command and whether it is the last one).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from pynetdicom.pdu import P_DATA_TF

MAX_COMMAND_BYTES = 65_536
"""Largest command set; one of C-STORE has 300 bytes."""

MAX_UNANSWERED = 4
"""Messages that a peer may send before the first of them is answered. The service negotiates one at a time (PS3.7,
annex D.3.3.3), and pynetdicom keeps the others in memory."""

_COMMAND, _LAST = 1, 2


@dataclass
class Transfer:
    """The state of one association. `is_skipped(context id)`: objects of this presentation context are not stored.
    `is_disk_low()`: an object that begins now is not stored either.

    `objects` and `size` count what was received in the association, `command_bytes` and `object_bytes` what was
    received of the present message, which began at `message_since`. `completed` are the bytes of objects that
    have arrived and are not answered, each with whether it was not stored for lack of disk space. Times are those of
    `clock`, in seconds; sizes are in bytes.
    """

    number: int
    max_object_bytes: int
    object_timeout_s: float
    is_skipped: Callable[[int], bool]
    is_disk_low: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    opened_at: float = field(init=False)
    objects: int = 0
    size: int = 0
    command_bytes: int = 0
    object_bytes: int = 0
    has_no_space: bool = False
    unanswered: int = 0
    message_since: float | None = None
    is_violated: bool = False
    completed: deque[tuple[int, bool]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.opened_at = self.clock()

    def take_object(self) -> tuple[int, bool]:
        """The oldest object that has arrived and is not answered: its bytes, and whether the disk was low for it."""
        return self.completed.popleft() if self.completed else (0, False)

    def follow(self, pdu: P_DATA_TF) -> str | None:
        """Count the fragments of a PDU. Returns the first violation, for which the association must be aborted.

        What is beyond the limit of the object, has no space on the disk, or belongs to an object that is skipped, is
        removed from the PDU: it is stored nowhere, and the peer gets an answer at the end of the object.
        """
        for item in pdu.presentation_data_value_items:
            value = item.presentation_data_value or b"\0"
            violation = self._follow_fragment(value[0], len(value) - 1)
            if violation:
                is_first, self.is_violated = not self.is_violated, True
                return violation if is_first else None
            is_data = not value[0] & _COMMAND
            is_excess = self.has_no_space or self.object_bytes > self.max_object_bytes
            if is_data and (is_excess or self.is_skipped(item.presentation_context_id or 0)):
                item.presentation_data_value = value[:1]
        return None

    def _follow_fragment(self, control: int, length: int) -> str | None:
        self.size += length
        if self.message_since is None:
            self.message_since = self.clock()
            self.command_bytes = self.object_bytes = 0
        if self.clock() - self.message_since > self.object_timeout_s:
            return "object_timeout"
        if not control & _COMMAND:
            if not self.object_bytes:
                self.has_no_space = self.is_disk_low()
            self.object_bytes += length
            if control & _LAST:
                self.message_since = None
                self.completed.append((self.object_bytes, self.has_no_space))
            return None
        self.command_bytes += length
        if self.command_bytes > MAX_COMMAND_BYTES:
            return "command_too_long"
        if control & _LAST:
            self.unanswered += 1
        return "too_many_messages" if self.unanswered > MAX_UNANSWERED else None

    def response_sent(self) -> None:
        """A response was sent: one message fewer is unanswered."""
        self.unanswered -= 1
        if not self.unanswered:
            self.message_since = None
