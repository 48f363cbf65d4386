"""Pool of processes that decode compressed DICOM frames, with limits on memory and time.

Decoders are native code: damaged bytes can crash them, make them loop forever, or make them allocate all memory. In a
separate process, this affects only the film that is being decoded. The process is a plain `subprocess` that runs
`decoder_worker.py`: `fork` is not safe in a program with threads, and `spawn` would import the caller's `__main__`,
which is the page. The first compressed frame starts a process; later frames reuse it, and it ends with the service.
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

from ... import operating_system, settings
from ...errors import Busy, UnreadableImage, UnsupportedDicom
from ...messages import message
from . import decoder_worker

log = logging.getLogger("pneumonia")

MEMORY_BASE = 256_000_000
"""Bytes that a decoder may use for a frame of any size, in addition to its libraries and the compressed frame."""

MEMORY_PER_SAMPLE = 24
"""Additional bytes per declared sample; JPEG-LS and JPEG lossless at 16 bits need the most, 14."""

CPU_SECONDS_BASE = 30
"""CPU seconds for a frame of any size; decoding a film takes one second. This limit ends a decoder that loops."""

CPU_SECONDS_PER_MILLION_SAMPLES = 2
"""Additional CPU seconds per million samples; the slowest decoder, JPEG 2000 at 16 bits, takes 0.4 s."""

CLOCK_SECONDS_PER_CPU_SECOND = 10
"""Allowed wall-clock seconds per CPU second. A decoder needs CPU time only, but a busy machine gives it little."""

_PIPE_BYTES = 2**18
"""Size of the pipes to a worker: the samples of a large film, 10 MB, take half of the processor time of 64 KB pipes."""

_MAX_LINE_BYTES = 1000
"""Maximum bytes of the header line of a response. Without a limit, a faulty decoder could exhaust memory."""

FILES_PER_WORKER = 16
"""Open files that the system must allow for each worker. It uses two of them, and two more while it starts."""

_CPU_LIMIT_EXIT_CODE = -signal.SIGXCPU if hasattr(signal, "SIGXCPU") else None
"""Exit code of a worker that exceeded its CPU time; None on Windows, which has no such limit."""

Response: TypeAlias = tuple[dict[str, Any], bytes]
"""Header of the response (a JSON object) and the bytes of the samples."""

_SAMPLE_TYPES = {"|u1", "|i1", "<u2", "<i2", "<u4", "<i4"}


def decode(syntax: UID, layout: dict[str, Any], frame: bytes) -> npt.NDArray[Any]:
    """Decode one compressed frame to `[H, W]` or `[H, W, 3]`.

    `layout` maps pydicom's option names for the sample layout (rows, bits_stored, ...) to their values. Raises
    `UnreadableImage` if the decoder fails, crashes or exceeds its time, `UnsupportedDicom` if it is not installed, and
    `Busy` if no process can be started.
    """
    shape = _frame_shape(layout)
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
        # The process may have died while idle, or an earlier frame may have corrupted its memory: retry in a new
        # process.
        with _pool.acquire(new=True) as worker:
            result = worker.decode(request, frame, shape)
    if result is None:
        name = request["syntax"].name
        raise UnreadableImage(message("The DICOM image is damaged: its decoder crashed ({name}).", name=name))
    return result


def _frame_shape(layout: dict[str, Any]) -> tuple[int, ...]:
    flat = (int(layout["rows"]), int(layout["columns"]))
    return flat if layout["samples_per_pixel"] == 1 else (*flat, int(layout["samples_per_pixel"]))


def _error_for(reason: str, syntax: UID) -> UnreadableImage | UnsupportedDicom:
    if reason == decoder_worker.MISSING:
        return UnsupportedDicom(
            message(
                "The decoder for the compression of this DICOM file is not installed. Allowed: compressions whose "
                "decoder is installed by `pip install -r requirements.txt`. Received: {name}.",
                name=syntax.name,
            )
        )
    return UnreadableImage(message("The DICOM image is damaged and cannot be decoded ({name}).", name=syntax.name))


class _Worker:
    """One decoder process; it decodes one frame at a time."""

    def __init__(self) -> None:
        # -P prevents imports from the working directory, where a folder may have the name of a module. Ctrl-C must not
        # reach the worker: the service ends its workers itself.
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", decoder_worker.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                **operating_system.detached_process_options(),
            )
        except OSError:
            raise Busy(message("No decoder process can be started at the moment. Please try again later.")) from None
        for pipe in (self._process.stdin, self._process.stdout):
            operating_system.enlarge_pipe(pipe, _PIPE_BYTES)
        self._has_timed_out = False
        self.has_served = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def decode(self, request: dict[str, Any], frame: bytes, shape: tuple[int, ...]) -> Response | None:
        """Decode a frame; returns None if the decoder crashed. Raises `UnreadableImage` if it exceeded its time."""
        timer = threading.Timer(CLOCK_SECONDS_PER_CPU_SECOND * request["cpu_seconds"], self._kill_on_timeout)
        timer.daemon = True
        timer.start()
        try:
            result = self._exchange(request, frame, shape)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # a broken pipe, or an invalid response
            result = None
        finally:
            timer.cancel()
            timer.join()  # from here on the timer can no longer kill the process
        self.has_served = True
        if result is None or self._has_timed_out:
            self.end()
            self._report_failure(request["syntax"], request["cpu_seconds"])
            return None
        return result

    def end(self) -> None:
        """Kill the process and wait for it; no zombie and no open pipe remain."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # flushing unsent data fails
                assert pipe is not None
                pipe.close()

    def _exchange(self, request: dict[str, Any], frame: bytes, shape: tuple[int, ...]) -> Response:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.write(frame)
        self._process.stdin.flush()
        # A faulty decoder is not trusted: only JSON, and as many bytes as the request implies, are accepted.
        response: dict[str, Any] = json.loads(self._process.stdout.readline(_MAX_LINE_BYTES))
        if "failed" in response:
            return response, b""
        if tuple(response["shape"]) != shape or response["dtype"] not in _SAMPLE_TYPES:
            raise ValueError("the decoder returned an unexpected shape or sample type")
        expected = prod(shape) * np.dtype(response["dtype"]).itemsize
        samples = self._process.stdout.read(expected)
        if len(samples) != expected:
            raise ValueError("the decoder ended before it had returned all samples")
        return response, samples

    def _kill_on_timeout(self) -> None:
        self._has_timed_out = True
        self._process.kill()

    def _report_failure(self, syntax: UID, cpu_seconds: int) -> None:
        """Log how the process ended; raises `UnreadableImage` if it exceeded its time."""
        if self._has_timed_out or self._process.returncode == _CPU_LIMIT_EXIT_CODE:
            log.warning("decoder (%s) killed after %d s", syntax.name, cpu_seconds)
            raise UnreadableImage(
                message(
                    "The DICOM image cannot be decoded in time ({name}). Allowed: {cpu_seconds} s.",
                    name=syntax.name,
                    cpu_seconds=cpu_seconds,
                )
            )
        log.warning("decoder (%s) crashed with exit code %s", syntax.name, self._process.returncode)


class _WorkerPool:
    """Pool of decoder processes; at most `_max_workers()` of them are in use at a time, each by one thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[_Worker] = []
        self._in_use = 0

    @contextmanager
    def acquire(self, *, new: bool = False) -> Iterator[_Worker]:
        """Context with a running worker. An exception in the context ends the worker, which is then not reused."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_use < _max_workers())
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
        """End all idle workers; a worker in use ends when its pipes are closed."""
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


def _max_workers() -> int:
    """`PNEUMONIA_THREADS`, or fewer if the system allows few open files."""
    return max(1, min(int(settings.THREADS.read()), operating_system.open_file_limit() // FILES_PER_WORKER))


_pool = _WorkerPool()
_parent_pools: list[_WorkerPool] = []
"""Pools of parent processes. A forked process must not use or end their workers; the references keep them alive."""


def _reset_after_fork() -> None:
    global _pool
    _parent_pools.append(_pool)
    _pool = _WorkerPool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(lambda: _pool.end())
