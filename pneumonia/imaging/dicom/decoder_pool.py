"""Decoders of compressed DICOM frames, each in a process of its own, bounded in memory and time.

They are native code: damaged bytes can crash them, let them spin for ever, or make them ask for all memory there is. In
a process of its own that costs one film its answer, and nothing else. The process is a plain `subprocess` that runs
`decoder_worker.py`: `fork` is not safe beside threads, and `spawn` would import the caller's `__main__`, the page.
It starts with the first compressed frame, waits for the next one, and ends with the service.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

from ... import settings
from ...errors import Busy, UnreadableImage, UnsupportedDicom
from . import decoder_worker

log = logging.getLogger("pneumonia")

MEMORY_BASE = 256_000_000
"""Bytes that a decoder may take for a frame of any size, on top of its libraries and the compressed frame itself."""

MEMORY_PER_SAMPLE = 24
"""Bytes on top for each sample that the file promises: the greediest, JPEG-LS and JPEG lossless at 16 bits, take 14."""

CPU_SECONDS_BASE = 30
"""Processor time for a frame of any size; a decoder is done with a film in one second. What spins is ended by this."""

CPU_SECONDS_PER_MILLION_SAMPLES = 2
"""Processor time on top; the slowest, JPEG 2000 at 16 bits, takes .4 s."""

CLOCK_SECONDS_PER_CPU_SECOND = 10
"""Seconds by the clock for each second of processor time: a decoder waits for nothing, but its machine may be busy."""

_MAX_LINE_BYTES = 1000
"""Bytes of an answer's first line; a decoder gone mad shall not fill our memory."""

_CPU_LIMIT_SIGNAL = getattr(signal, "SIGXCPU", 0)
Response: TypeAlias = tuple[dict[str, Any], bytes]
"""What a decoder says of the samples, and the samples."""

_SAMPLE_TYPES = {"|u1", "|i1", "<u2", "<i2", "<u4", "<i4"}


def decode(syntax: UID, layout: dict[str, Any], frame: bytes) -> npt.NDArray[Any]:
    """The samples of one compressed frame, `[H, W]` or `[H, W, 3]`.

    `layout` holds pydicom's names of the elements that say how samples lie. Raises `UnreadableImage` where the decoder
    fails, crashes or takes too long, `UnsupportedDicom` where it is not installed, and `Busy`.
    """
    shape = _shape(layout)
    cpu_seconds = CPU_SECONDS_BASE + CPU_SECONDS_PER_MILLION_SAMPLES * prod(shape) // 1_000_000
    request = {
        "syntax": syntax,
        "layout": layout,
        "size": len(frame),
        "memory": MEMORY_BASE + MEMORY_PER_SAMPLE * prod(shape) + 4 * len(frame),
        "cpu_seconds": cpu_seconds,
    }
    response, samples = _decode_in_worker(request, frame, shape)
    if "failed" in response:
        raise _error_for(response["failed"], syntax)
    return np.frombuffer(samples, response["dtype"]).reshape(shape)


def _decode_in_worker(request: dict[str, Any], frame: bytes, shape: tuple[int, ...]) -> Response:
    with _pool.acquire() as worker:
        has_served = worker.has_served
        result = worker.decode(request, frame, shape)
    if result is None and has_served:
        # It may have died while it waited, or of what an earlier frame did to it: this one shall not pay for that.
        with _pool.acquire(new=True) as worker:
            result = worker.decode(request, frame, shape)
    if result is None:
        name = request["syntax"].name
        raise UnreadableImage(f"The DICOM picture is damaged; its decoder broke down on it ({name}).")
    return result


def _shape(layout: dict[str, Any]) -> tuple[int, ...]:
    flat = (int(layout["rows"]), int(layout["columns"]))
    return flat if layout["samples_per_pixel"] == 1 else (*flat, int(layout["samples_per_pixel"]))


def _error_for(reason: str, syntax: UID) -> UnreadableImage | UnsupportedDicom:
    if reason == decoder_worker.MISSING:
        return UnsupportedDicom(
            "The decoder for this DICOM file's compression is not installed here. Allowed: what `pip install -r "
            f"requirements.txt` brings. Received: {syntax.name}."
        )
    return UnreadableImage(f"The DICOM picture is damaged and cannot be decoded ({syntax.name}).")


class _Worker:
    """One process that decodes frame after frame."""

    def __init__(self) -> None:
        # -P: a folder called like a module of ours or theirs must not be imported from where the service was started.
        # A session of its own: Ctrl-C is for the service, which ends its workers itself.
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", decoder_worker.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            raise Busy("No decoder can be started at the moment. Please try again later.") from None
        self._has_timed_out = False
        self.has_served = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def decode(self, request: dict[str, Any], frame: bytes, shape: tuple[int, ...]) -> Response | None:
        """Facts and samples of a frame; None where the decoder broke down. Raises `UnreadableImage` out of time."""
        timer = threading.Timer(CLOCK_SECONDS_PER_CPU_SECOND * request["cpu_seconds"], self._kill_on_timeout)
        timer.daemon = True
        timer.start()
        try:
            result = self._exchange(request, frame, shape)
        except Exception:  # a broken pipe, or whatever else a broken decoder may answer
            result = None
        finally:
            timer.cancel()
            timer.join()  # from here on it kills no more
        self.has_served = True
        if result is None or self._has_timed_out:
            self.end()
            self._report_failure(request["syntax"], request["cpu_seconds"])
            return None
        return result

    def end(self) -> None:
        """Kill and bury: no process, zombie or open pipe is left."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet cannot be sent any more
                assert pipe is not None
                pipe.close()

    def _exchange(self, request: dict[str, Any], frame: bytes, shape: tuple[int, ...]) -> Response:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.write(frame)
        self._process.stdin.flush()
        # Plain JSON and plain bytes of a size known before: nothing that a broken decoder says is trusted further.
        response: dict[str, Any] = json.loads(self._process.stdout.readline(_MAX_LINE_BYTES))
        if "failed" in response:
            return response, b""
        if tuple(response["shape"]) != shape or response["dtype"] not in _SAMPLE_TYPES:
            raise ValueError("the decoder answers with another picture than asked for")
        expected = prod(shape) * np.dtype(response["dtype"]).itemsize
        samples = self._process.stdout.read(expected)
        if len(samples) != expected:
            raise ValueError("the decoder ended amid its answer")
        return response, samples

    def _kill_on_timeout(self) -> None:
        self._has_timed_out = True
        self._process.kill()

    def _report_failure(self, syntax: UID, cpu_seconds: int) -> None:
        """Log how it ended; raises `UnreadableImage` where it was for the time."""
        if self._has_timed_out or self._process.returncode == -_CPU_LIMIT_SIGNAL:
            log.warning("a decoder (%s) was ended after %d s", syntax.name, cpu_seconds)
            raise UnreadableImage(
                f"The DICOM picture cannot be decoded in time ({syntax.name}). Allowed: {cpu_seconds} s."
            )
        log.warning("a decoder (%s) broke down with exit code %s", syntax.name, self._process.returncode)


class _WorkerPool:
    """The processes that there are: each is lent to one thread at a time, `PNEUMONIA_THREADS` of them at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[_Worker] = []
        self._in_use = 0

    @contextmanager
    def acquire(self, *, new: bool = False) -> Iterator[_Worker]:
        """A living worker; one that an error passes through is ended, and an ended one does not come back."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_use < settings.THREADS.read())
            self._in_use += 1
        worker = None
        try:
            worker = (None if new else self._pop_alive()) or _Worker()
            yield worker
        except BaseException:
            if worker is not None:
                worker.end()
            raise
        finally:
            with self._changed:
                self._in_use -= 1
                self._idle += [worker] if worker is not None and worker.is_alive else []
                self._changed.notify()

    def end(self) -> None:
        """End all that wait; one that still decodes ends with its last pipe."""
        while worker := self._pop():
            worker.end()

    def _pop_alive(self) -> _Worker | None:
        while worker := self._pop():
            if worker.is_alive:
                return worker
            worker.end()
        return None

    def _pop(self) -> _Worker | None:
        with self._changed:
            return self._idle.pop() if self._idle else None


_pool = _WorkerPool()
_parent_pools: list[_WorkerPool] = []
"""Workers of the process that this one was forked from: kept, so that they are neither used nor tidied away here."""


def _reset_after_fork() -> None:
    global _pool
    _parent_pools.append(_pool)
    _pool = _WorkerPool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(lambda: _pool.end())
