"""What became of one attempt to deliver a result object, the same for C-STORE and STOW-RS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the queue does after an attempt."""

    DELIVERED = "delivered"
    """The destination has the object."""
    REFUSED = "refused"
    """The destination does not take this object. It is tried a limited number of times; others are not affected."""
    INTERRUPTED = "interrupted"
    """The connection ended after the object was sent and before it was answered. The attempt counts, since the object
    may be the cause, and the destination gets a pause, since it may be the destination."""
    UNAVAILABLE = "unavailable"
    """The destination takes no object at present. All its objects wait; the attempt does not count."""


@dataclass(frozen=True)
class Outcome:
    """The result of one attempt.

    `reason` is a word from a fixed list, for metrics. `detail` is a sentence for the list of failed deliveries and the
    log; it contains no value of the object and no UID of it.
    """

    verdict: Verdict
    reason: str
    detail: str = ""

    @property
    def is_delivered(self) -> bool:
        """True if the destination has the object."""
        return self.verdict is Verdict.DELIVERED


DELIVERED = Outcome(Verdict.DELIVERED, "success")
