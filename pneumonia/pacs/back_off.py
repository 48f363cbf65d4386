"""Pauses between attempts: exponential back-off with jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass

JITTER = 0.2
"""Share of a pause that is random, so that several services do not return to a restarted PACS at the same moment."""


@dataclass(frozen=True)
class RetryPolicy:
    """When an undelivered object is tried again, and when no longer.

    `first_s` and `maximum_s` bound the pause, in seconds; it doubles with each failed attempt. An object that is older
    than `give_up_after_h` hours after an attempt failed, or that the destination has refused `refusals` times, becomes
    a failed delivery, which stays in the queue until an operator retries it.
    """

    first_s: float = 10.0
    maximum_s: float = 900.0
    give_up_after_h: float = 72.0
    refusals: int = 10

    def pause_s(self, failures: int) -> float:
        """Seconds until the next attempt after `failures` failed ones in a row (1 or more), with jitter."""
        # The exponent is limited, since 2 ** 2000 is no float.
        pause = min(self.maximum_s, self.first_s * 2.0 ** min(max(failures, 1) - 1, 60))
        return pause * (1 - JITTER * random.random())

    @property
    def give_up_after_s(self) -> float:
        """Age in seconds from which on an object is not tried again."""
        return self.give_up_after_h * 3600
