"""What must hold for the answers to one hostile file, whatever it is."""

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
from tests.test_contract import FILM_CODES

from .corpus import Hostile

BYTES_PER_PIXEL = 20
"""Of `PNEUMONIA_MAX_PIXELS`: what a file may take at its worst, a WebP with alpha at the limit."""

BYTES_ON_TOP = 250_000_000
"""For the file itself and what it unfolds to before its size is known; half a million parts take 150 MB."""

CPU_SECONDS = 60
"""Of one core in the service itself. A decoder process has limits of its own (`imaging/dicom/decoders.py`)."""

_LABELS = {"Normal", "Pneumonia", "Unknown"}
_DETAILS = re.compile(r'Traceback|File "|/tmp|/home|/usr|site-packages|\.py\b|0x[0-9a-f]{6}|\n')


@dataclass(frozen=True)
class Outcome:
    """What a file cost and came to. `problem` is what must not be; empty where all is well."""

    answer: str
    problem: str
    memory: int
    """Bytes over what the process took before."""
    cpu_seconds: float
    seconds: float


def max_memory() -> int:
    """Bytes that one file may take."""
    pixels: int = settings.MAX_PIXELS.read()
    return BYTES_PER_PIXEL * pixels + BYTES_ON_TOP


def evaluate(predictor: Predictor, hostile: Hostile) -> Outcome:
    """The file's way through the house, as a user's upload takes it."""
    data = hostile.make()
    with _captured_errors() as log, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("films.zip" if hostile.is_zip else "film")
        path.write_bytes(data)
        del data
        before = _reset_peak()
        start, cpu_start = time.perf_counter(), time.process_time()
        results = _answers(predictor, hostile, path)
        cpu_seconds, seconds = time.process_time() - cpu_start, time.perf_counter() - start
        memory = max(0, _peak() - before)
    problems = [problem for result in results if (problem := _problem(result))] + log
    if not results:
        problems.append("no answer at all")
    if memory > max_memory():
        problems.append(f"{memory / 1e6:,.0f} MB")
    if cpu_seconds > CPU_SECONDS:
        problems.append(f"{cpu_seconds:.0f} s")
    return Outcome(_code(results[0]) if results else "", "; ".join(problems), memory, cpu_seconds, seconds)


def _answers(predictor: Predictor, hostile: Hostile, path: Path) -> list[Prediction | Failure]:
    if hostile.is_zip:
        return list(predictor.predict_many(batch.films_in_zip(path, "films.zip", most_bytes=1_000_000_000)))
    return list(predictor.predict_many([path]))


def _code(result: Prediction | Failure) -> str:
    return result.error.code if isinstance(result, Failure) else result.label


def _problem(result: Prediction | Failure) -> str:
    """What is wrong with an answer; empty where nothing is."""
    if isinstance(result, Prediction):
        return "" if result.label in _LABELS and json.dumps(result.as_dict(), allow_nan=False) else "no legal answer"
    if isinstance(result.error, InternalError) or result.error.code not in FILM_CODES:
        return f"code {result.error.code}"
    message = result.error.message
    return f"the message tells too much: {message[:400]!r}" if leaks_details(message) else ""


def leaks_details(message: str) -> bool:
    """Whether a message for users quotes the machine, the code or a patient."""
    return bool(_DETAILS.search(message)) or len(message) > 400 or any(secret in message for secret in CHILD.values())


@contextmanager
def _captured_errors() -> Iterator[list[str]]:
    """What our log calls an error meanwhile."""
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
    """Let the system forget the largest size so far; the size now. Linux only, elsewhere 0."""
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
