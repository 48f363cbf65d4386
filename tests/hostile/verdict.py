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
_TELLTALE = re.compile(r'Traceback|File "|/tmp|/home|/usr|site-packages|\.py\b|0x[0-9a-f]{6}|\n')


@dataclass(frozen=True)
class Outcome:
    """What a file cost and came to. `problem` is what must not be; empty where all is well."""

    answer: str
    problem: str
    memory: int
    """Bytes over what the process took before."""
    cpu_seconds: float
    seconds: float


def memory_bound() -> int:
    """Bytes that one file may take."""
    pixels: int = settings.MAX_PIXELS.read()
    return BYTES_PER_PIXEL * pixels + BYTES_ON_TOP


def judged(predictor: Predictor, hostile: Hostile) -> Outcome:
    """The file's way through the house, as a user's upload takes it."""
    data = hostile.make()
    with _heard() as log, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("films.zip" if hostile.is_zip else "film")
        path.write_bytes(data)
        del data
        before = _restarted_peak()
        started, cpu = time.perf_counter(), time.process_time()
        results = _answers(predictor, hostile, path)
        spent, clock = time.process_time() - cpu, time.perf_counter() - started
        memory = max(0, _peak() - before)
    problems = [problem for result in results if (problem := _wrong(result))] + log
    if not results:
        problems.append("no answer at all")
    if memory > memory_bound():
        problems.append(f"{memory / 1e6:,.0f} MB")
    if spent > CPU_SECONDS:
        problems.append(f"{spent:.0f} s")
    return Outcome(_code(results[0]) if results else "", "; ".join(problems), memory, spent, clock)


def _answers(predictor: Predictor, hostile: Hostile, path: Path) -> list[Prediction | Failure]:
    if hostile.is_zip:
        return list(batch.judge(predictor, batch.films_in_zip(path, "films.zip", most_bytes=1_000_000_000)))
    return list(predictor.predict_many([path]))


def _code(result: Prediction | Failure) -> str:
    return result.error.code if isinstance(result, Failure) else result.label


def _wrong(result: Prediction | Failure) -> str:
    """What is wrong with an answer; empty where nothing is."""
    if isinstance(result, Prediction):
        return "" if result.label in _LABELS and json.dumps(result.as_dict(), allow_nan=False) else "no legal answer"
    if isinstance(result.error, InternalError) or result.error.code not in FILM_CODES:
        return f"code {result.error.code}"
    said = result.error.message
    return f"the message tells too much: {said[:400]!r}" if tells_too_much(said) else ""


def tells_too_much(said: str) -> bool:
    """Whether a message for users quotes the machine, the code or a patient."""
    return bool(_TELLTALE.search(said)) or len(said) > 400 or any(secret in said for secret in CHILD.values())


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What our log calls an error meanwhile."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear = Ear(logging.ERROR)
    log = logging.getLogger("pneumonia")
    log.addHandler(ear)
    try:
        yield heard
    finally:
        log.removeHandler(ear)


def _restarted_peak() -> int:
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
