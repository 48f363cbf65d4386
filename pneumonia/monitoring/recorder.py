"""Counts results in memory and adds them to the folder `PNEUMONIA_MONITOR` once a second; off by default.

A process that is killed loses the counts of its last second. An error of the folder, such as a full disk, is logged
once; the counts stay in memory until they can be written, and no prediction fails.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import settings
from ..errors import traceback_text
from ..inference.decision import Failure, Prediction
from ..inference.predictor import Observer
from ..inference.reading import Reading
from .counts import Item, Series, items_of, opinion_item, series_of

if TYPE_CHECKING:
    from .store import Counts

log = logging.getLogger("pneumonia.monitoring")

FLUSH_INTERVAL_S = 1.0
"""Seconds between two writes, and what a killed process loses."""

MAX_RETRY_INTERVAL_S = 60.0
"""Maximum seconds until the next attempt while the folder cannot be written."""

MAX_PENDING = 100_000
"""Maximum number of counts in memory, 30 MB, while the folder cannot be written; results beyond it are not counted."""


class Recorder:
    """Counts the results of this process. Thread-safe; created by `recorder`."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self.folder, self.keep_days = folder, keep_days
        self._pending: dict[tuple[str, Series], Counter[Item]] = {}
        self._pending_items = 0
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = self._has_logged_own_error = self._has_written = False
        self._cleaned_on: date | None = None

    def record(self, result: Prediction | Failure, reading: Reading | None, source: str) -> None:
        """Count one result. Never raises.

        `source`: "page", "api", "rest", "cli", "batch" or the title of the calling application entity. `reading` is
        that of a prediction; without it the answer is counted, but no histogram.
        """
        try:
            self._add(series_of(result, reading, source), items_of(result, reading))
        except Exception as error:
            self._log_own_error(error)

    def record_opinion(
        self, result: Prediction, reading: Reading, source: str, opinion: str, *, films: int = 1
    ) -> None:
        """Count a physician's opinion on an answer: a value of `counts.OPINIONS`. Never raises.

        `films` is -1 for an opinion that was counted before and is replaced by another one.
        """
        try:
            self._add(series_of(result, reading, source), [opinion_item(result.label, opinion)], films)
        except Exception as error:
            self._log_own_error(error)

    def flush(self) -> bool:
        """Write what was counted; returns whether the folder could be written."""
        with self._write_lock:
            with self._lock:
                pending, self._pending, self._pending_items = self._pending, {}, 0
            try:
                self._write(pending)
                pending = {}
                self._delete_old_days()
            except Exception as error:
                self._put_back(pending)
                self._log_failure(error)
                return False
            if self._is_failing:
                self._is_failing = False
                log.info("monitoring: the counts are written again")
            return True

    def _write(self, pending: Counts) -> None:
        from . import store  # imports SQLite, which a process that counts nothing does not need

        if pending:
            store.add(self.folder, pending)
            self._has_written = True

    def _delete_old_days(self) -> None:
        """Once a day, after the first write."""
        from . import store

        today = date.today()
        if self._has_written and self._cleaned_on != today:
            store.delete_before(self.folder, store.first_kept_day(today, self.keep_days))
            self._cleaned_on = today

    def _add(self, series: Series, items: Iterable[Item], films: int = 1) -> None:
        key = date.today().isoformat(), series
        with self._lock:
            if self._pending_items >= MAX_PENDING:
                return
            counter = self._pending.setdefault(key, Counter())
            before = len(counter)
            for item in items:
                counter[item] += films
            self._pending_items += len(counter) - before
            if self._thread is None:
                self._start_thread()
        self._wake.set()

    def _put_back(self, pending: Counts) -> None:
        with self._lock:
            for key, items in pending.items():
                counter = self._pending.setdefault(key, Counter())
                counter.update(items)
            self._pending_items = sum(len(counter) for counter in self._pending.values())

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._work, name="monitoring", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def _work(self) -> None:
        wait_s = FLUSH_INTERVAL_S
        pause = threading.Event()  # never set: a sleep that is the same on every thread
        while True:
            self._wake.wait()
            pause.wait(wait_s)
            self._wake.clear()
            if self.flush():
                wait_s = FLUSH_INTERVAL_S
            else:
                wait_s = min(2 * wait_s, MAX_RETRY_INTERVAL_S)
                self._wake.set()

    def _log_failure(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            log.error("monitoring: the counts cannot be written; they are kept in memory: %s", _describe(error))

    def _log_own_error(self, error: Exception) -> None:
        if not self._has_logged_own_error:
            self._has_logged_own_error = True
            log.error("monitoring: a result was not counted: %s", traceback_text(error))


def _describe(error: Exception) -> str:
    """What is wrong, without a path: the texts of SQLite and of this package contain none."""
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror}"
    is_own = type(error).__module__.partition(".")[0] in {"sqlite3", "pneumonia"}
    return f"{type(error).__name__}: {error}" if is_own else traceback_text(error)


_recorders: dict[tuple[str, int], Recorder] = {}
_creation = threading.Lock()


def recorder() -> Recorder | None:
    """The recorder of this process; None if `PNEUMONIA_MONITOR` is empty.

    Raises `UsageError` if `PNEUMONIA_MONITOR_DAYS` is invalid.
    """
    folder = settings.MONITOR.read()
    if not folder:
        return None
    key = folder, settings.MONITOR_DAYS.read()
    with _creation:
        if key not in _recorders:
            _recorders[key] = Recorder(Path(folder).absolute(), key[1])
        return _recorders[key]


def observer(source: str) -> Observer | None:
    """A function for `Predictor.predict` and `predict_many` that counts each result; None if nothing is counted."""
    active = recorder()
    return None if active is None else partial(_record, active, source)


def _record(active: Recorder, source: str, result: Prediction | Failure, reading: Reading | None) -> None:
    active.record(result, reading, source)
