"""Times in which this machine did not run: a virtual machine that its host stops, or one that is overloaded.

A peer that stands still for seconds is ended by the short limits of a service under test, and rightly so. A test or a
benchmark that knows of the stall tries again instead of reporting a refusal.
"""

from __future__ import annotations

import threading
import time
from typing import Self

TICK_S = 0.1
STALL_S = 0.5
"""A thread that sleeps for `TICK_S` and wakes later than this did not run meanwhile."""


class StallWatch:
    """Notes whether a thread that wakes every `TICK_S` seconds was late, in a `with` block."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stall watch", daemon=True)
        self._last_tick = time.monotonic()
        self._was_late = False

    def __enter__(self) -> Self:
        self._last_tick = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def has_stalled(self) -> bool:
        """Whether this process stood still since the block began."""
        return self._was_late or time.monotonic() - self._last_tick > STALL_S

    def _run(self) -> None:
        while not self._ended.wait(TICK_S):
            now = time.monotonic()
            self._was_late |= now - self._last_tick > STALL_S
            self._last_tick = now
