"""Evaluation of one hostile file: result, memory, time, and whether any requirement is violated."""

from __future__ import annotations

import json
import logging
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pneumonia import Failure, Prediction, Predictor, batch, settings
from pneumonia.errors import InternalError
from tests.support.dicom_files import CHILD
from tests.support.error_codes import FILM_CODES

from .corpus import Hostile

BYTES_PER_PIXEL = 20
"""Maximum memory per pixel of `PNEUMONIA_MAX_PIXELS`; the worst case is a WebP with alpha at the pixel limit."""

BASE_BYTES = 250_000_000
"""Additional memory for the file and for data decompressed before the size is known; 500,000 parts take 150 MB."""

CPU_SECONDS = 60
"""Maximum CPU seconds in the service. A decoder process has its own limits (`imaging/dicom/decoder_pool.py`)."""

_LABELS = {"Normal", "Pneumonia", "Unknown"}
_DETAILS = re.compile(r'Traceback|File "|/tmp|/home|/usr|site-packages|\.py\b|0x[0-9a-f]{6}|\n')


@dataclass(frozen=True)
class Outcome:
    """Result and cost of one file. `problem` describes violated requirements; empty if there are none."""

    result: str
    problem: str
    memory: int
    """Bytes, in addition to what the process used before."""
    cpu_seconds: float
    seconds: float


def max_memory() -> int:
    """Maximum additional memory for one file, in bytes."""
    pixels: int = settings.MAX_PIXELS.read()
    return BYTES_PER_PIXEL * pixels + BASE_BYTES


def evaluate(predictor: Predictor, hostile: Hostile) -> Outcome:
    """Process the file like a user's upload, and measure memory and time."""
    data = hostile.make()
    with _captured_errors() as log, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("films.zip" if hostile.is_zip else "film")
        path.write_bytes(data)
        del data
        before = _reset_peak()
        start, cpu_start = time.perf_counter(), time.process_time()
        results = _predict(predictor, hostile, path)
        cpu_seconds, seconds = time.process_time() - cpu_start, time.perf_counter() - start
        memory = max(0, _peak() - before)
    problems = [problem for result in results if (problem := _problem(result))] + log
    if not results:
        problems.append("no result")
    if memory > max_memory():
        problems.append(f"{memory / 1e6:,.0f} MB")
    if cpu_seconds > CPU_SECONDS:
        problems.append(f"{cpu_seconds:.0f} s")
    return Outcome(_code(results[0]) if results else "", "; ".join(problems), memory, cpu_seconds, seconds)


def _predict(predictor: Predictor, hostile: Hostile, path: Path) -> list[Prediction | Failure]:
    if hostile.is_zip:
        return list(predictor.predict_many(batch.films_in_zip(path, "films.zip", max_bytes=1_000_000_000)))
    return list(predictor.predict_many([path]))


def _code(result: Prediction | Failure) -> str:
    return result.error.code if isinstance(result, Failure) else result.label


def _problem(result: Prediction | Failure) -> str:
    """The requirement that a result violates; empty if none."""
    if isinstance(result, Prediction):
        return "" if result.label in _LABELS and json.dumps(result.as_dict(), allow_nan=False) else "invalid result"
    if isinstance(result.error, InternalError) or result.error.code not in FILM_CODES:
        return f"code {result.error.code}"
    message = result.error.message
    return f"the message leaks details: {message[:400]!r}" if leaks_details(message) else ""


def leaks_details(message: str) -> bool:
    """Whether a user message quotes a path, code or patient data, or is longer than 400 characters."""
    return bool(_DETAILS.search(message)) or len(message) > 400 or any(secret in message for secret in CHILD.values())


@contextmanager
def _captured_errors() -> Iterator[list[str]]:
    """Error messages that `pneumonia` logs in this context."""
    messages: list[str] = []

    class Capture(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler = Capture(logging.ERROR)
    log = logging.getLogger("pneumonia")
    log.addHandler(handler)
    try:
        yield messages
    finally:
        log.removeHandler(handler)


def _reset_peak() -> int:
    """Reset the peak memory of this process and return its current size in bytes; 0 on other systems than Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0
    return _peak()


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return 1024 * int(status.split("VmHWM:")[1].split()[0])
