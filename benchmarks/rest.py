"""Benchmark of the REST API against the Gradio endpoint `/predict` of the same process: one client, many clients.

    python -m benchmarks.rest [--repetitions 15] [--rounds 5]

Both are called alternately with a JPEG of 224 px: the Gradio endpoint by `gradio_client`, as docs/api.md shows, and the
REST API by `httpx` over connections that stay open, as docs/rest.md shows. The answers are compared. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client, handle_file

from pneumonia import load_predictor
from pneumonia.command_line import entry_point

from . import compared_servers, films, table
from .measure import Row, at_least, at_most, interleaved
from .scoring import SMALL

CLIENTS = 16
"""Number of simultaneous clients."""

CALLS = 4, 20
"""Calls of each client in a round: of the Gradio endpoint and of the REST API, which is faster."""

REFERENCE = "the Gradio endpoint `/predict` of the same process"
Call = Callable[[], Any]


def rows(server: compared_servers.Server, path: Path, repetitions: int, rounds: int) -> Iterator[Row]:
    """Yield both rows for a running service. `path` is the film that is sent."""
    gradio, rest = _gradio_caller(server.url, path), _rest_caller(server.url, path)
    if {**gradio(), "file": None} != {**rest(), "file": None}:
        raise ValueError("The answers differ.")
    pair = interleaved(rest, gradio, repetitions, times=(3, 1))
    rest_ms, gradio_ms = (1e3 * statistics.median(times) for times in (pair.product, pair.reference))
    yield at_most(
        "REST `POST /api/v1/predict`, one client, film of 224 px",
        REFERENCE,
        pair.slowdowns,
        0.25,
        0.1,
        f"{rest_ms:.1f} ms against {gradio_ms:.0f} ms per answer (medians)",
    )
    yield _many_clients(server, path, rounds)


def _many_clients(server: compared_servers.Server, path: Path, rounds: int) -> Row:
    """The row of simultaneous clients; each side runs alone, alternately."""
    gradio = [_gradio_caller(server.url, path) for _ in range(CLIENTS)]
    rest = [_rest_caller(server.url, path) for _ in range(CLIENTS)]

    def run(callers: Sequence[Call], calls: int) -> None:
        with ThreadPoolExecutor(len(callers)) as pool:
            answers = list(pool.map(lambda call: [call() for _ in range(calls)], callers))
        if any("label" not in answer for of_client in answers for answer in of_client):
            raise ValueError("A film got no answer.")

    pair = interleaved(lambda: run(rest, CALLS[1]), lambda: run(gradio, CALLS[0]), rounds)
    speedups = [speedup * CALLS[1] / CALLS[0] for speedup in pair.speedups]
    rest_rate, gradio_rate = (
        CLIENTS * calls / statistics.median(times)
        for calls, times in ((CALLS[1], pair.product), (CALLS[0], pair.reference))
    )
    note = f"{rest_rate:.0f} against {gradio_rate:.0f} films per second (medians); clients and service share the cores"
    return at_least(f"films per second, {CLIENTS} clients", REFERENCE, speedups, 5, 10, note)


def _gradio_caller(url: str, path: Path) -> Call:
    client = Client(url, verbose=False)
    return lambda: client.predict(handle_file(path), "balanced", api_name="/predict")


def _rest_caller(url: str, path: Path) -> Call:
    client, film = httpx.Client(base_url=url, trust_env=False, timeout=60), path.read_bytes()

    def call() -> Any:
        response = client.post("/api/v1/predict", files={"file": (path.name, film)})
        response.raise_for_status()
        return response.json()

    return call


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Run both measurements and print the table; returns the exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=15, help="calls of one client on each side")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of 16 clients on each side")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, compared_servers.serving(compared_servers.PRODUCT) as server:
        path = Path(folder) / "film.jpeg"
        path.write_bytes(films.jpeg(films.film(load_predictor(""), SMALL)))
        print(table.markdown(list(rows(server, path, options.repetitions, options.rounds)), {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
