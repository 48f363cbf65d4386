"""Very many films: does memory grow, is a file, a thread or an open file left behind?

    python -m benchmarks.soak --films 20000             # the predictor, in this process
    python -m benchmarks.soak --requests 3000           # the service, over HTTP

Growth is what is left after the warm-up, the first tenth (at least 300 films), in which caches fill and threads start.
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
from .served import Service, own, predict, served

CALLERS = 8
LEAST_WARM = 300
RETENTION_S = 3
IDLE_S = 12
"""For connections, which are kept for five seconds, and threads of the server's pool, which wait ten for work."""


@dataclass(frozen=True)
class Left:
    """What is more after the run than after the warm-up."""

    films: int
    growth_mb: float
    files: int
    threads: int
    open_files: int
    seconds: float


@dataclass(frozen=True)
class _Held:
    """What a process holds at a moment."""

    memory_mb: float
    threads: int
    open_files: int

    @classmethod
    def by(cls, process: int) -> _Held:
        gc.collect()
        memory, threads = own(process, "VmRSS") / 1024, own(process, "Threads")
        return cls(memory, threads, len(os.listdir(f"/proc/{process}/fd")))


def in_process(films: int) -> Left:
    """So many films through a predictor, in an own temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            return _in_process(films, Path(folder))
        finally:
            tempfile.tempdir = before


def _in_process(films: int, folder: Path) -> Left:
    predictor = load_predictor("", threads=2)
    sources = [case.content for case in load.cases(predictor)]

    def judge(number: int) -> None:
        answers = sum(1 for _ in predictor.predict_many(itertools.islice(itertools.cycle(sources), number)))
        assert answers == number

    warm = max(films // 10, min(LEAST_WARM, films))
    judge(warm)
    first, began = _Held.by(os.getpid()), time.monotonic()
    judge(films)
    return _left(films, first, _Held.by(os.getpid()), len(list(walk_bottom_up(folder))), began)


def over_http(requests: int, folder: Path) -> Left:
    """So many uploads and predictions by a few callers; then all that they brought must be gone."""
    films = [case.content for case in load.cases(load_predictor(""))]
    with served(folder, PNEUMONIA_RETENTION_S=str(RETENTION_S)) as service:
        asyncio.run(_ask(service, films, max(requests // 10, min(LEAST_WARM, requests))))
        _come_to_rest(service)
        first, began = _Held.by(service.process.pid), time.monotonic()
        asyncio.run(_ask(service, films, requests))
        files = _come_to_rest(service)
        return _left(requests, first, _Held.by(service.process.pid), files, began)


async def _ask(service: Service, films: Sequence[bytes], requests: int) -> None:
    places: Iterator[tuple[int, Any]] = iter(zip(range(requests), itertools.cycle(films), strict=False))

    async def caller(client: httpx.AsyncClient) -> None:
        for number, film in places:
            found = await predict(client, f"{number}.png", film)
            assert "label" in found or "error" in found

    async with httpx.AsyncClient(base_url=service.address, timeout=120) as client:
        await asyncio.gather(*(caller(client) for _ in range(CALLERS)))


def _come_to_rest(service: Service) -> int:
    """Wait until connections are closed and the films' time is over; how many files are left."""
    latest = time.monotonic() + 20 * RETENTION_S
    time.sleep(RETENTION_S + IDLE_S)
    while service.files() and time.monotonic() < latest:
        time.sleep(0.2)
    return len(service.files())


def _left(films: int, first: _Held, last: _Held, files: int, began: float) -> Left:
    return Left(
        films,
        round(last.memory_mb - first.memory_mb, 1),
        files,
        max(0, last.threads - first.threads),
        max(0, last.open_files - first.open_files),
        round(time.monotonic() - began, 1),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=0)
    parser.add_argument("--requests", type=int, default=0)
    given = parser.parse_args(arguments)
    if given.films:
        print(json.dumps(dataclasses.asdict(in_process(given.films))))
    if given.requests:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(dataclasses.asdict(over_http(given.requests, Path(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
