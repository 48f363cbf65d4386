"""Page and REST API under load: one bound on the films in progress, turns between both, `busy` with `Retry-After`."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from gradio_client import handle_file

from pneumonia import Predictor
from pneumonia.inference.reading import Reading
from pneumonia.web import page
from pneumonia.web.lane import Caller, Lane, Ticket
from pneumonia.web.rest.work import Work
from pneumonia.web.server import shutdown

from ...support.wait import until
from ..visit import gradio_client, serving

QUEUE = 8


class Turnstile:
    """Holds films until it has permits; records the callers in the order of their turns, and counts those that wait."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.permits, self.waiting, self.lock = threading.Semaphore(0), 0, threading.Lock()
        self.most = 0
        self.order: list[Caller] = []
        read = Predictor.read

        def wait_and_read(predictor: Predictor, *arguments: Any) -> Reading:
            is_rest = threading.current_thread().name.startswith("rest-film")
            self.order.append(Caller.REST if is_rest else Caller.PAGE)
            self._count(1)
            assert self.permits.acquire(timeout=120)
            self._count(-1)
            return read(predictor, *arguments)

        patch.setattr(Predictor, "read", wait_and_read)

    def let_one_pass(self) -> None:
        """Let one film through; returns when another one has its place, so that their order is that of the lane."""
        count = len(self.order)
        self.permits.release()
        assert until(lambda: len(self.order) > count)

    def _count(self, step: int) -> None:
        with self.lock:
            self.waiting += step
            self.most = max(self.most, self.waiting)


@pytest.fixture
def turnstile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turnstile]:
    turnstile = Turnstile(monkeypatch)
    yield turnstile
    turnstile.permits.release(1_000)


@pytest.fixture(scope="module")
def app(predictor: Predictor, address: str) -> Iterator[FastAPI]:
    """A service on two threads with a short queue. It shares the upload folder of the page at `address`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMONIA_QUEUE_SIZE", str(QUEUE))
        patch.setenv("PNEUMONIA_THREADS", "2")
        yield page.create_app(predictor)


@pytest.fixture(scope="module")
def service(app: FastAPI) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, serving(app) as url:
        patch.setenv("PNEUMONIA_QUEUE_SIZE", str(QUEUE))
        yield url


@pytest.fixture(autouse=True)
def joined(monkeypatch: pytest.MonkeyPatch) -> list[Caller]:
    """The callers of all tasks that have joined a lane."""
    callers: list[Caller] = []
    join = Lane.join

    def record(lane: Lane, caller: Caller = Caller.PAGE) -> Ticket:
        ticket = join(lane, caller)
        callers.append(caller)
        return ticket

    monkeypatch.setattr(Lane, "join", record)
    return callers


def send(url: str, film: bytes) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/predict", content=film, timeout=120, trust_env=False)


@pytest.mark.slow
def test_a_flood_of_the_rest_api_leaves_the_page_answered_and_is_told_when_to_come_back(
    service: str, turnstile: Turnstile, files: dict[str, Path], joined: list[Caller]
) -> None:
    film = files["film.jpg"].read_bytes()
    client = gradio_client(service)
    with ThreadPoolExecutor(20) as pool:
        flood = [pool.submit(send, service, film) for _ in range(2 + QUEUE)]
        assert until(lambda: turnstile.waiting == 2 and len(joined) == 2 + QUEUE)
        refused = send(service, film)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "busy" and 1 <= int(refused.headers["retry-after"]) <= 60
        of_page = pool.submit(client.predict, handle_file(files["film.png"]), api_name="/predict")
        assert until(lambda: Caller.PAGE in joined)
        turnstile.let_one_pass()
        turnstile.let_one_pass()
        turnstile.permits.release(100)
        assert "label" in of_page.result()
        assert all(call.result().status_code == 200 for call in flood)
    assert Caller.PAGE in turnstile.order[2:4], "the flood was served first"
    assert turnstile.most == 2, "more films were in progress than there are threads"


@pytest.mark.slow
def test_a_flood_of_the_page_leaves_the_rest_api_answered(
    service: str, turnstile: Turnstile, files: dict[str, Path], joined: list[Caller]
) -> None:
    film = files["film.jpg"].read_bytes()
    client = gradio_client(service)
    with ThreadPoolExecutor(4) as pool:
        flood = [client.submit(handle_file(files["film.jpg"]), api_name="/predict") for _ in range(2 + QUEUE)]
        assert until(lambda: turnstile.waiting == 2)
        of_rest = pool.submit(send, service, film)
        assert until(lambda: Caller.REST in joined)
        turnstile.let_one_pass()
        turnstile.let_one_pass()
        turnstile.permits.release(100)
        assert of_rest.result().status_code == 200
        assert all("label" in job.result() or job.result()["error"]["code"] == "busy" for job in flood)
    assert Caller.REST in turnstile.order[2:4], "the flood was served first"
    assert turnstile.most == 2


def test_a_caller_who_leaves_the_line_costs_no_film(
    service: str,
    turnstile: Turnstile,
    files: dict[str, Path],
    joined: list[Caller],
    caplog: pytest.LogCaptureFixture,
) -> None:
    film = files["film.jpg"].read_bytes()
    with caplog.at_level(logging.INFO, "pneumonia"), ThreadPoolExecutor(8) as pool:
        first = [pool.submit(send, service, film) for _ in range(2)]
        assert until(lambda: turnstile.waiting == 2)
        with socket.create_connection(("127.0.0.1", httpx.URL(service).port), timeout=60) as caller:
            head = f"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(film)}\r\n\r\n"
            caller.sendall(head.encode() + film)
            assert until(lambda: len(joined) == 3)
        assert until(lambda: "route=/api/v1/predict status=-" in caplog.text)
        turnstile.permits.release(2)
        assert [call.result().status_code for call in first] == [200, 200]
        turnstile.permits.release(1)
        assert send(service, film).status_code == 200
    assert caplog.text.count("film id=") == 3 and turnstile.waiting == 0


@pytest.mark.slow
def test_at_the_end_of_a_shutdown_each_film_without_an_answer_has_a_line_that_says_so(
    service: str, app: FastAPI, turnstile: Turnstile, files: dict[str, Path]
) -> None:
    work = next(each for each in app.state.background if isinstance(each, Work))
    form = [("file", ("film.jpg", files["film.jpg"].read_bytes()))] * 60
    turnstile.permits.release(10)
    with (
        httpx.Client(base_url=service, timeout=60, trust_env=False) as client,
        client.stream("POST", "/api/v1/predict-batch", files=form) as reply,
    ):
        received = reply.iter_lines()
        next(received)
        assert work.unfinished() == 1
        work.stop_all()
        turnstile.permits.release(1_000)
        rows = [json.loads(line) for line in received]
    assert until(lambda: work.unfinished() == 0)
    assert len(rows) == 59
    assert rows[-1] == {"file": "film.jpg", "error": shutdown.shutting_down_error().as_dict()}


@pytest.mark.slow
def test_under_real_load_every_call_of_the_page_is_answered_and_no_call_of_the_api_is_lost(
    service: str, predictor: Predictor, files: dict[str, Path]
) -> None:
    """24 programs send one film after the other, more than may wait; meanwhile the page and a batch are used."""
    film = files["film.jpg"].read_bytes()
    expected = predictor.predict(film).as_dict()
    ended, statuses = threading.Event(), Counter[int]()

    def send_films() -> None:
        with httpx.Client(base_url=service, timeout=60, trust_env=False) as client:
            while not ended.is_set():
                reply = client.post("/api/v1/predict", content=film)
                assert reply.json() == expected if reply.status_code == 200 else reply.headers["retry-after"]
                statuses[reply.status_code] += 1

    client = gradio_client(service)
    form = [("file", ("film.jpg", film))] * 50
    with ThreadPoolExecutor(25) as pool:
        programs = [pool.submit(send_films) for _ in range(24)]
        batch = pool.submit(httpx.post, f"{service}/api/v1/predict-batch", files=form, timeout=60, trust_env=False)
        answers = [client.predict(handle_file(files["film.jpg"]), api_name="/predict") for _ in range(5)]
        rows = batch.result().text.splitlines()
        ended.set()
        for program in programs:
            program.result()
    assert [answer["label"] for answer in answers] == [expected["label"]] * 5
    assert [json.loads(row) for row in rows] == [{**expected, "file": "film.jpg"}] * 50
    assert set(statuses) == {200, 429} and statuses[200] > 20, statuses
