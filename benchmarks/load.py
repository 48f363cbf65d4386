"""Load test: each of many simultaneous callers must get the response for its own film, or a clear `busy`.

    python -m benchmarks.load --clients 64 --seconds 300
    python -m benchmarks.load --clients 64 --seconds 60 --queue 16

Films and damaged files are created in code. The expected response to each is computed first, by the predictor in this
process. Latency is measured from the first byte of the upload to the response. A caller that receives `busy` waits for
0.2 to 1 s and continues with another film.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from pneumonia import PneumoniaError, Predictor, load_predictor
from pneumonia.inference import sources
from pneumonia.inference.decision import Failure

from .service_process import NoResponse, Service, predict, running_service

SAMPLE_INTERVAL_S = 1.0
"""Seconds between two samples of the service's memory."""

WARM_UP_SHARE = 0.2
"""Share of a run that counts as warm-up, in which caches are filled and threads are started."""

KEEP_ALIVE_S = 2
"""Seconds that an idle connection is used again: fewer than the service keeps it, which may close it at that moment."""

TIMEOUT_S = 120
"""Maximum seconds that a caller waits for a response."""


@dataclass(frozen=True)
class Case:
    """A file and its expected response, without the file name."""

    content: bytes
    expected: dict[str, Any]


@dataclass
class Tally:
    """Counts of the responses. Latencies are in seconds, memory samples in MB.

    `wrong`: responses that differ from the expected one. `lost`: errors of requests without a result. `unclear`: `busy`
    responses without advice to try again.
    """

    correct: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    busy: int = 0
    unclear: int = 0
    latencies: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def growth_mb(self) -> float:
        """Memory in MB at the end minus memory after the warm-up; both are medians over a tenth of the run."""
        samples = self.memory
        tenth, warm = max(1, len(samples) // 10), int(len(samples) * WARM_UP_SHARE)
        return statistics.median(samples[-tenth:]) - statistics.median(samples[warm : warm + tenth]) if samples else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The figures for the output and the documentation."""
        percentiles = statistics.quantiles(self.latencies, n=100) if len(self.latencies) > 1 else [0.0] * 99
        return {
            "answers": self.correct,
            "wrong": len(self.wrong),
            "lost": len(self.lost),
            "busy": self.busy,
            "latency_s": {f"p{percent}": round(percentiles[percent - 1], 2) for percent in (50, 95, 99)},
            "memory_mb": round(self.memory[-1]) if self.memory else 0,
            "memory_growth_mb": round(self.growth_mb, 1),
        }


def cases(predictor: Predictor, films: int = 24) -> list[Case]:
    """Return films that differ in noise, size and format, and damaged files, 4 to 1. The gate refuses some films."""
    contents = [*(_film(seed) for seed in range(films)), *_damaged_files(_film(0))]
    return [Case(content, _expected(predictor, content)) for content in contents]


def _film(seed: int) -> bytes:
    """Return an average film with noise, which the gate accepts. Every fifth is rotated by 90 degrees and refused."""
    random_numbers = np.random.default_rng(seed)
    paths = sorted((sources.EMBEDDED_FOLDER / "examples").glob("*.png"))
    with Image.open(paths[seed % len(paths)]) as image:
        side = int(random_numbers.integers(300, 1_200))
        film = np.asarray(image.convert("L").resize((side, side), Image.Resampling.BICUBIC)).astype(np.float64)
    noisy = np.clip(film + random_numbers.normal(0, 3, film.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy.T.copy() if seed % 5 == 4 else noisy).save(buffer, ("PNG", "JPEG", "TIFF")[seed % 3])
    return buffer.getvalue()


def _damaged_files(film: bytes) -> list[bytes]:
    return [b"", b"not a picture", film[: len(film) // 2], film[:40], b"\xff\xd8\xff\xe0 broken", b"%PDF-1.7 x"]


def _expected(predictor: Predictor, content: bytes) -> dict[str, Any]:
    try:
        expected: dict[str, Any] = predictor.predict(content).as_dict()
    except PneumoniaError as error:
        expected = Failure(None, error).as_dict()
    return expected


async def run(service: Service, films: Sequence[Case], clients: int, seconds: float) -> Tally:
    """Run `clients` callers for `seconds`; each sends one film after the other."""
    tally, deadline = Tally(), time.monotonic() + seconds
    sampling = asyncio.create_task(_sample_memory(service, tally))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=clients, keepalive_expiry=KEEP_ALIVE_S)
    async with httpx.AsyncClient(base_url=service.address, timeout=TIMEOUT_S, limits=limits) as client:
        await asyncio.gather(*(_send_films(client, films, tally, number, deadline) for number in range(clients)))
    sampling.cancel()
    return tally


async def _sample_memory(service: Service, tally: Tally) -> None:
    while True:
        tally.memory.append(service.memory_mb())
        await asyncio.sleep(SAMPLE_INTERVAL_S)


async def _send_films(
    client: httpx.AsyncClient, films: Sequence[Case], tally: Tally, number: int, deadline: float
) -> None:
    rng, request_number = random.Random(number), 0
    while time.monotonic() < deadline:
        case, name = rng.choice(films), f"caller-{number}-{request_number}.png"
        request_number += 1
        started_at = time.monotonic()
        try:
            response = await predict(client, name, case.content)
        except (NoResponse, httpx.HTTPError) as error:
            tally.lost.append(f"{type(error).__name__}: {error}")
            continue
        if response.get("error", {}).get("code") == "busy":
            tally.busy += 1
            tally.unclear += "Try again" not in response["error"]["message"]
            await asyncio.sleep(rng.uniform(0.2, 1.0))
        elif response == {**case.expected, "file": name}:
            tally.correct += 1
            tally.latencies.append(time.monotonic() - started_at)
        else:
            tally.wrong.append(json.dumps([response, case.expected]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--queue", type=int, default=64, help="PNEUMONIA_QUEUE_SIZE of the service")
    options = parser.parse_args(arguments)
    films = cases(load_predictor(""))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder), PNEUMONIA_QUEUE_SIZE=str(options.queue), PNEUMONIA_RETENTION_S="20") as service,
    ):
        tally = asyncio.run(run(service, films, options.clients, options.seconds))
    error_counts = Counter(text[:60] for text in tally.lost)
    print(
        json.dumps({"clients": options.clients, "seconds": options.seconds, "queue": options.queue, **tally.as_dict()})
    )
    for text, count in error_counts.most_common(5):
        print(f"lost {count} times: {text}", file=sys.stderr)
    for text in tally.wrong[:3]:
        print(f"wrong: {text}", file=sys.stderr)
    return 1 if tally.wrong or tally.lost or tally.unclear else 0


if __name__ == "__main__":
    sys.exit(main())
