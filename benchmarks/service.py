"""The page's server beside an empty one: an answer, many clients, the start, memory."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from gradio_client import Client, handle_file

from pneumonia import imaging
from pneumonia.inference import explain
from pneumonia.inference.predictor import Predictor
from pneumonia.web import handlers

from . import films, servers
from .measure import Row, Way, at_least, at_most, interleaved, timed
from .scoring import LARGE, SMALL

CLIENTS = 16
THEIRS = "an empty Gradio app that takes the same file"
ANSWER = {"label", "confidence", "probabilities", "zones"}


def rows(predictor: Predictor, folder: Path, repetitions: int) -> Iterator[Row]:
    """The rows that need a server."""
    path = folder / "small.jpeg"
    path.write_bytes(films.jpeg(films.film(predictor, SMALL)))
    with servers.serving(servers.OURS) as ours, servers.serving(servers.EMPTY) as theirs:
        yield _one_user(ours, theirs, path, repetitions)
        yield _many_users(ours, theirs, path, repetitions)
        more = ours.resident_mb - theirs.resident_mb
        note = f"{ours.resident_mb:.0f} MB against {theirs.resident_mb:.0f} MB, after the requests above"
        yield at_most("resident memory when serving", THEIRS, [more], 120, 80, note, "MB")
    yield from _starts(path.read_bytes(), max(1, repetitions // 3))


def _one_user(ours: servers.Server, theirs: servers.Server, path: Path, repetitions: int) -> Row:
    here, there = (_asking(server, path) for server in (ours, theirs))
    said = here()
    if not isinstance(said, dict) or not set(said) >= ANSWER:
        raise ValueError(f"the service gave no answer: {said}")
    pair = interleaved(here, there, 3 * repetitions)
    middle = 1e3 * statistics.median(pair.ours)
    return at_most("`/predict` through `gradio_client`, one user, 224 px", THEIRS, pair.longer, 1.15, 1.05,
                   f"{middle:.0f} ms an answer")  # fmt: skip


def _asking(server: servers.Server, path: Path) -> Any:
    client = Client(server.url, verbose=False)
    return lambda: client.predict(handle_file(path), "balanced", api_name="/predict")


def _many_users(ours: servers.Server, theirs: servers.Server, path: Path, repetitions: int) -> Row:
    """Each of 16 clients asks in turn, again and again; the servers take turns too."""
    askings = [[_asking(server, path) for _ in range(CLIENTS)] for server in (ours, theirs)]

    def crowd(asking: list[Any]) -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda ask: [ask() for _ in range(4)], asking))

    pair = interleaved(lambda: crowd(askings[0]), lambda: crowd(askings[1]), repetitions)
    rate = 4 * CLIENTS / statistics.median(pair.ours)
    return at_least(f"requests a second, {CLIENTS} clients", THEIRS, pair.faster, 0.85, 0.95, f"{rate:.0f} a second")


def _starts(film: bytes, times: int) -> Iterator[Row]:
    started = [(_start(servers.OURS, film), _start(servers.EMPTY, film)) for _ in range(times)]
    pages = [ours[0] / theirs[0] for ours, theirs in started]
    answers = [ours[1] / theirs[0] for ours, theirs in started]
    alike = statistics.median(ours[1] / theirs[1] for ours, theirs in started)
    seconds = statistics.median(theirs[0] for _, theirs in started)
    yield at_most(
        "start to first HTTP 200", "the empty app's", pages, 1.25, 1.1, f"the empty app takes {seconds:.1f} s"
    )
    note = f"{alike:.2f}x of the empty app's start to its first answer"
    yield at_most("start to first prediction", "the empty app's start to first HTTP 200", answers, 1.35, 1.2, note)


def _start(command: tuple[str, ...], film: bytes) -> tuple[float, float]:
    """Seconds from the start of the process to (the first page, the first answer)."""
    with servers.serving(command) as server, httpx.Client(trust_env=False, timeout=60) as client:
        began = time.perf_counter()
        servers.call(client, server.url, servers.upload(client, server.url, film))
        return server.seconds_to_page, server.seconds_to_page + time.perf_counter() - began


def breakdown(predictor: Predictor, repetitions: int) -> Mapping[str, float]:
    """Milliseconds of each step of a 2500 x 2300 JPEG through `/analyze`, which also paints the overlay.

    Each step is the median of its own repetitions; `transport` is what the request takes beyond all of them: HTTP, the
    queue and Gradio's own work.
    """
    data = films.jpeg(films.film(predictor, LARGE, number=1))  # the pneumonia example: a normal film has no overlay
    reading = predictor.read(data)
    if reading.activation is None:
        raise ValueError("the gate refused the benchmark's film")
    activation, seen = reading.activation, imaging.to_input(reading.film)
    shown = handlers.display_image(data, reading)
    painted = explain.overlay(np.asarray(shown), activation)
    steps = {
        "decode at reduced size": lambda: imaging.read(data),
        "resize": lambda: imaging.to_input(reading.film),
        "gate": lambda: predictor.bundle.gate.check(seen),
        "graph": lambda: predictor.score(seen),
        "decode in full, for the viewer": lambda: handlers.display_image(data, reading),
        "overlay": lambda: explain.overlay(np.asarray(shown), activation),
        "encode (JPEG)": lambda: painted.save(io.BytesIO(), "JPEG"),
    }
    found = {name: _median_ms(step, repetitions) for name, step in steps.items()}
    with servers.serving(servers.OURS) as server, httpx.Client(trust_env=False, timeout=60) as client:
        path = servers.upload(client, server.url, data)
        request = _median_ms(lambda: servers.call(client, server.url, path, "analyze"), repetitions)
        upload = _median_ms(lambda: servers.upload(client, server.url, data), repetitions)
    return {"upload": upload, **found, "transport": max(0.0, request - sum(found.values()))}


def _median_ms(step: Way, repetitions: int) -> float:
    step()
    return 1e3 * statistics.median(timed(step) for _ in range(repetitions))
