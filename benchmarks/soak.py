"""Soak test: measures growth of memory, and remaining files, threads and open files, after many films.

    python -m benchmarks.soak --films 20000             # the predictor, in this process
    python -m benchmarks.soak --requests 3000           # the service, over HTTP

Growth is measured from the end of a warm-up, in which caches are filled and threads are started. The warm-up has a
tenth of the number of films, but at least 300.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from pneumonia import load_predictor
from pneumonia.files import walk_bottom_up

from . import load
from .service_process import Service, predict, process_status, running_service

CALLERS = 8
"""Number of simultaneous callers over HTTP."""

MIN_WARM_UP = 1_000
"""Minimum number of films of the warm-up. After 300, the heap had not reached its size: it grew by 17 MB over the next
1,000 films, then by -17 MB over 1,000 and by -6 MB over 3,000."""

RETENTION_S = 15
"""PNEUMONIA_RETENTION_S of the service: longer than a busy machine may take between an upload and its call, and until
idle connections (5 s) are closed and idle threads of the server's pool (10 s) have ended."""

MAX_IDLE_S = 120
"""Maximum seconds until files are deleted, and connections and threads have ended, that are not needed any more."""


@dataclass(frozen=True)
class Growth:
    """Growth from the end of the warm-up to the end of the run. `files` is the number of remaining files."""

    films: int
    growth_mb: float
    files: int
    threads: int
    open_files: int
    seconds: float


@dataclass(frozen=True)
class _ProcessUsage:
    """Resident memory, number of threads and number of open files of a process."""

    memory_mb: float
    threads: int
    open_files: int

    @classmethod
    def of(cls, process: int) -> _ProcessUsage:
        gc.collect()
        memory, threads = process_status(process, "VmRSS") / 1024, process_status(process, "Threads")
        return cls(memory, threads, len(os.listdir(f"/proc/{process}/fd")))


def in_process(films: int) -> Growth:
    """Predict `films` films in this process, with a separate temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        original_folder, tempfile.tempdir = tempfile.tempdir, folder
        try:
            return _in_process(films, Path(folder))
        finally:
            tempfile.tempdir = original_folder


def _in_process(films: int, folder: Path) -> Growth:
    predictor = load_predictor("", threads=2)
    sources = [case.content for case in load.cases(predictor)]

    def predict_films(count: int) -> None:
        results = sum(1 for _ in predictor.predict_many(itertools.islice(itertools.cycle(sources), count)))
        assert results == count

    warm_up = max(films // 10, min(MIN_WARM_UP, films))
    predict_films(warm_up)
    before, started_at = _ProcessUsage.of(os.getpid()), time.monotonic()
    predict_films(films)
    after = _usage_at_rest(os.getpid(), before)
    return _growth(films, before, after, len(list(walk_bottom_up(folder))), started_at)


def over_http(requests: int, folder: Path) -> Growth:
    """Upload and predict `requests` films by `CALLERS` callers, then wait until the service has deleted them.

    `folder` gets the files of the service.
    """
    films = [case.content for case in load.cases(load_predictor(""))]
    with running_service(folder, PNEUMONIA_RETENTION_S=str(RETENTION_S)) as service:
        asyncio.run(_send_requests(service, films, max(requests // 10, min(MIN_WARM_UP, requests))))
        _wait_until_idle(service)
        before, started_at = _ProcessUsage.of(service.process.pid), time.monotonic()
        asyncio.run(_send_requests(service, films, requests))
        files = _wait_until_idle(service)
        return _growth(requests, before, _usage_at_rest(service.process.pid, before), files, started_at)


async def _send_requests(service: Service, films: Sequence[bytes], requests: int) -> None:
    numbered_films: Iterator[tuple[int, Any]] = iter(zip(range(requests), itertools.cycle(films), strict=False))

    async def caller(client: httpx.AsyncClient) -> None:
        for number, film in numbered_films:
            response = await predict(client, f"{number}.png", film)
            assert "label" in response or "error" in response

    limits = httpx.Limits(keepalive_expiry=load.KEEP_ALIVE_S)
    async with httpx.AsyncClient(base_url=service.address, timeout=120, limits=limits) as client:
        await asyncio.gather(*(caller(client) for _ in range(CALLERS)))


def _wait_until_idle(service: Service) -> int:
    """Wait until connections are closed and the retention time is over; return the number of remaining files."""
    time.sleep(RETENTION_S)
    deadline = time.monotonic() + MAX_IDLE_S
    while service.files() and time.monotonic() < deadline:
        time.sleep(0.2)
    return len(service.files())


def _usage_at_rest(process: int, before: _ProcessUsage) -> _ProcessUsage:
    """The usage of a process when it has no more threads and open files than before, or after `MAX_IDLE_S`."""
    deadline = time.monotonic() + MAX_IDLE_S
    while True:
        after = _ProcessUsage.of(process)
        is_at_rest = after.threads <= before.threads and after.open_files <= before.open_files
        if is_at_rest or time.monotonic() > deadline:
            return after
        time.sleep(0.5)


def _growth(films: int, before: _ProcessUsage, after: _ProcessUsage, files: int, started_at: float) -> Growth:
    return Growth(
        films,
        round(after.memory_mb - before.memory_mb, 1),
        files,
        max(0, after.threads - before.threads),
        max(0, after.open_files - before.open_files),
        round(time.monotonic() - started_at, 1),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=0)
    parser.add_argument("--requests", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.films:
        print(json.dumps(dataclasses.asdict(in_process(options.films))))
    if options.requests:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(dataclasses.asdict(over_http(options.requests, Path(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
