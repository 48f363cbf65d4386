"""The counts of a period from the folder of `PNEUMONIA_MONITOR`, summed up for page and command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .. import settings
from ..errors import UsageError
from ..inference.bundle import Bundle
from ..messages import message
from .recorder import recorder
from .summary import GroupSummary, errors, summarise


@dataclass(frozen=True)
class Period:
    """The summaries of the groups of a period, and the files that could not be read by source and error code."""

    summaries: Sequence[GroupSummary]
    failures: Mapping[str, Counter[str]]


def read_period(since: date, until: date, bundles: Iterable[Bundle]) -> Period:
    """The counts from the day `since` to today, `until`, with those of this process that are not written yet.

    Raises `UsageError` if nothing is counted, or if the folder cannot be read.
    """
    from . import store

    active = recorder()
    if active is None:
        raise UsageError(message("Nothing is counted. Set PNEUMONIA_MONITOR to the folder of the counts."))
    active.flush()
    folder = settings.MONITOR.read()
    try:
        rows = store.read(Path(folder), since)
    except store.ERRORS as error:
        raise UsageError(
            message(
                "The counts cannot be read. Allowed as PNEUMONIA_MONITOR: a folder that the user of this process can "
                "write. Received: {kind}.",
                kind=type(error).__name__,
            )
        ) from None
    return Period(summarise(rows, bundles, until), errors(rows))
