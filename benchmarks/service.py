"""Benchmark of the service compared with an empty Gradio app: one call, many clients, start-up time, memory."""

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
from pneumonia.inference import map_overlay
from pneumonia.inference.predictor import Predictor
from pneumonia.web import handlers

from . import compared_servers, films
from .measure import Row, Workload, at_least, at_most, interleaved, seconds_per_run
from .scoring import LARGE, SMALL

REFERENCE = "an empty Gradio app that accepts the same file"
RESPONSE_KEYS = {"label", "confidence", "probabilities", "zones"}
"""Keys that show that a response is a prediction."""


def rows(predictor: Predictor, folder: Path, repetitions: int, clients: int) -> Iterator[Row]:
    """Yield the rows of the service, for one and for many `clients`. `folder` gets the film that is sent."""
    path = folder / "small.jpeg"
    path.write_bytes(films.jpeg(films.film(predictor, SMALL)))
    with (
        compared_servers.serving(compared_servers.PRODUCT) as product,
        compared_servers.serving(compared_servers.EMPTY_APP) as empty_app,
    ):
        yield _one_user(product, empty_app, path, repetitions)
        yield _many_users(product, empty_app, path, repetitions, clients)
        extra_mb = product.resident_mb - empty_app.resident_mb
        note = f"{product.resident_mb:.0f} MB against {empty_app.resident_mb:.0f} MB, after the requests above"
        yield at_most("resident memory when serving", REFERENCE, [extra_mb], 120, 80, note, "MB")
    yield from _starts(path.read_bytes(), max(1, repetitions // 3))


def _one_user(
    product: compared_servers.Server, empty_app: compared_servers.Server, path: Path, repetitions: int
) -> Row:
    call_product, call_empty_app = (_caller(server, path) for server in (product, empty_app))
    response = call_product()
    if not isinstance(response, dict) or not set(response) >= RESPONSE_KEYS:
        raise ValueError(f"The service returned no prediction. Received: {response}.")
    pair = interleaved(call_product, call_empty_app, 3 * repetitions)
    median_ms = 1e3 * statistics.median(pair.product)
    return at_most("`/predict` through `gradio_client`, one user, 224 px", REFERENCE, pair.slowdowns, 1.15, 1.05,
                   f"{median_ms:.0f} ms per response")  # fmt: skip


def _caller(server: compared_servers.Server, path: Path) -> Any:
    client = Client(server.url, verbose=False)
    return lambda: client.predict(handle_file(path), "balanced", api_name="/predict")


def _many_users(
    product: compared_servers.Server, empty_app: compared_servers.Server, path: Path, repetitions: int, clients: int
) -> Row:
    """Row of simultaneous clients that send 4 calls each; the servers are measured alternately."""
    callers = [[_caller(server, path) for _ in range(clients)] for server in (product, empty_app)]

    def call_from_all(callers_of_server: list[Any]) -> None:
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda call: [call() for _ in range(4)], callers_of_server))

    pair = interleaved(lambda: call_from_all(callers[0]), lambda: call_from_all(callers[1]), repetitions)
    rate = 4 * clients / statistics.median(pair.product)
    return at_least(
        f"requests per second, {clients} clients", REFERENCE, pair.speedups, 0.85, 0.95, f"{rate:.0f} per second"
    )


def _starts(film: bytes, times: int) -> Iterator[Row]:
    starts = [(_start(compared_servers.PRODUCT, film), _start(compared_servers.EMPTY_APP, film)) for _ in range(times)]
    pages = [product[0] / empty_app[0] for product, empty_app in starts]
    answers = [product[1] / empty_app[0] for product, empty_app in starts]
    first_answer_ratio = statistics.median(product[1] / empty_app[1] for product, empty_app in starts)
    seconds = statistics.median(empty_app[0] for _, empty_app in starts)
    yield at_most(
        "start to first HTTP 200", "the same of the empty app", pages, 1.25, 1.1, f"the empty app takes {seconds:.1f} s"
    )
    note = f"{first_answer_ratio:.2f}x of the empty app's time to its first response"
    yield at_most("start to first prediction", "the empty app's start to first HTTP 200", answers, 1.35, 1.2, note)


def _start(command: tuple[str, ...], film: bytes) -> tuple[float, float]:
    """Return the seconds from the start of the process to (the first page, the first result)."""
    with compared_servers.serving(command) as server, httpx.Client(trust_env=False, timeout=60) as client:
        started_at = time.perf_counter()
        compared_servers.call(client, server.url, compared_servers.upload(client, server.url, film))
        return server.page_s, server.page_s + time.perf_counter() - started_at


def breakdown(predictor: Predictor, repetitions: int) -> Mapping[str, float]:
    """Return the duration of each step of `/analyze` in milliseconds, for a JPEG of 2500 x 2300 pixels.

    Each duration is the median of its repetitions. `transport` is the rest of the request: HTTP, queue and Gradio.
    """
    # Number 1 is derived from the pneumonia example, because a normal film has no overlay.
    data = films.jpeg(films.film(predictor, LARGE, number=1))
    reading, model = predictor.read(data), predictor.models[0]
    if reading.activation is None:
        raise ValueError("The gate refused the film of the benchmark.")
    activation, model_input = reading.activation, imaging.to_input(reading.film)
    display_image = handlers.display_image(data, reading)
    overlay = map_overlay.overlay(np.asarray(display_image), activation)
    steps = {
        "decode at reduced size": lambda: imaging.read(data),
        "resize": lambda: imaging.to_input(reading.film),
        "gate": lambda: model.gate.check(model_input),
        "graph": lambda: model.score(model_input),
        "decode in full, for the viewer": lambda: handlers.display_image(data, reading),
        "overlay": lambda: map_overlay.overlay(np.asarray(display_image), activation),
        "encode (JPEG)": lambda: overlay.save(io.BytesIO(), "JPEG"),
    }
    step_ms = {name: _median_ms(step, repetitions) for name, step in steps.items()}
    with (
        compared_servers.serving(compared_servers.PRODUCT) as server,
        httpx.Client(trust_env=False, timeout=60) as client,
    ):
        path = compared_servers.upload(client, server.url, data)
        request = _median_ms(lambda: compared_servers.call(client, server.url, path, "analyze"), repetitions)
        upload = _median_ms(lambda: compared_servers.upload(client, server.url, data), repetitions)
    return {"upload": upload, **step_ms, "transport": max(0.0, request - sum(step_ms.values()))}


def _median_ms(step: Workload, repetitions: int) -> float:
    step()
    return 1e3 * statistics.median(seconds_per_run(step) for _ in range(repetitions))
