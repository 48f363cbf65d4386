"""Page and command line where a process may open few files, as on macOS: `ulimit -n 256`."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.service_process import NoResponse, Service, call, predict, running_service, upload
from pneumonia import Predictor, operating_system
from pneumonia.errors import Busy, UnreadableImage
from pneumonia.imaging import read
from pneumonia.inference import sources
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.server import connection_limits, request_limits
from pneumonia.web.server.upload import Upload
from tests.support.event_loop import run_coroutine

from ...support.systems import linux
from ...support.wait import until, wait_for

ROOT = Path(__file__).parents[3]
LIMIT = 256
ULIMIT = ("sh", "-c", f'ulimit -n {LIMIT} && exec "$@"', "-")
"""Prefix of a command: it may open few files, and cannot raise the limit."""

CLIENTS = 64
BATCH, ZIPS = 600, 300
"""Films of a batch, and how many of them are in ZIPs of their own: each kind is more than may be open."""
STREAMS = 2
"""Event streams that a browser keeps open for a page, in addition to the connections of its calls."""

pytestmark = linux
resource: Any = pytest.importorskip("resource", reason="Windows has no such limit")


@pytest.fixture(scope="module")
def film() -> bytes:
    return next((sources.EMBEDDED_FOLDER / "examples").glob("*normal*.png")).read_bytes()


@contextlib.contextmanager
def few_open_files(count: int) -> Iterator[None]:
    """This process may open `count` files more than now."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (operating_system.lowest_free_descriptor() + count, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_film_that_cannot_be_opened_at_the_moment_is_busy_and_not_damaged(tmp_path: Path, film: bytes) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(film)

    def is_busy() -> bool:
        with few_open_files(0):
            try:
                read(path)
            except Busy as error:
                return "Too many files" in error.message
        return False

    assert until(is_busy), "once, while no connection of the page of other tests ends"
    assert read(path).pixels.size
    with pytest.raises(UnreadableImage):
        read(tmp_path / "missing.png")


def test_the_number_of_free_files_falls_with_each_open_file(tmp_path: Path) -> None:
    def is_lower_by_the_open_files() -> bool:
        with few_open_files(40), contextlib.ExitStack() as stack:
            free = operating_system.free_open_files()
            for number in range(10):
                stack.enter_context((tmp_path / str(number)).open("wb"))
            assert connection_limits.max_connections() == operating_system.open_file_limit() // 2
            return operating_system.free_open_files() == free - 10

    assert until(is_lower_by_the_open_files), "once, while no connection of the page of other tests begins or ends"


def test_a_batch_of_the_page_keeps_no_zip_open(tmp_path: Path, predictor: Predictor, film: bytes) -> None:
    uploads = []
    for number in range(60):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("film.png", film)
        uploads.append(Upload(path, path.name))
    jobs = BatchJobs(predictor)
    with few_open_files(30):
        token = jobs.create(uploads, "balanced")
        for _ in jobs.run(token):
            pass
        assert jobs.get(token).counts == {"Normal": 60}
        jobs.delete(token)


def test_a_socket_leaves_connections_in_the_backlog_while_few_files_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    with connection_limits.ThrottledSocket(fileno=bound.detach()) as server:
        with socket.create_connection(server.getsockname()), server.accept()[0]:
            pass
        now = time.monotonic()
        with socket.create_connection(server.getsockname()), monkeypatch.context() as full:
            full.setattr(time, "monotonic", lambda: now)
            full.setattr(operating_system, "lowest_free_descriptor", lambda: operating_system.open_file_limit() - 1)
            with pytest.raises(OSError, match="Too many open files"):
                server.accept()
            with pytest.raises(BlockingIOError):  # asyncio calls `accept` again before it waits
                server.accept()
            full.setattr(operating_system, "lowest_free_descriptor", lambda: 10)
            later = now + connection_limits.ACCEPT_DELAY_S
            full.setattr(time, "monotonic", lambda: later)
            server.accept()[0].close()


def test_an_upload_is_refused_while_few_files_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []

    async def application(*_: Any) -> None:
        statuses.append(200)

    async def record(message: Any) -> None:
        statuses.append(message.get("status", 0))

    async def request(path: str) -> list[int]:
        statuses.clear()
        scope = {"type": "http", "path": path, "root_path": "", "headers": []}
        await request_limits.RequestLimits(application)(scope, _receive_nothing, record)
        return [status for status in statuses if status]

    monkeypatch.setattr(operating_system, "open_file_limit", lambda: LIMIT)
    for free, status in ((LIMIT // 8 - 1, 503), (LIMIT // 8, 200)):
        monkeypatch.setattr(operating_system, "free_open_files", lambda free=free: free)
        assert run_coroutine(request("/gradio_api/upload")) == [status]
        assert run_coroutine(request("/gradio_api/call/predict/1")) == [200], "the result of an accepted call"


async def _receive_nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service"), *ULIMIT, PNEUMONIA_RETENTION_S="600") as service:
        yield service


def no_internal_error(service: Service) -> bool:
    return not re.search("internal error|Traceback|outcome=internal|outcome=unreadable", service.log_text())


@pytest.mark.slow
def test_64_clients_get_their_result_or_busy(service: Service, film: bytes) -> None:
    outcomes: Counter[str] = Counter()

    async def hold_stream(client: httpx.AsyncClient, name: str) -> None:
        with contextlib.suppress(httpx.HTTPError):  # a stream that is not accepted yet when the test ends
            async with client.stream("GET", f"/gradio_api/heartbeat/{name}", timeout=None) as stream:
                async for _ in stream.aiter_raw():
                    pass

    async def use_page(number: int) -> None:
        async with httpx.AsyncClient(base_url=service.address, timeout=120) as client:
            streams = [asyncio.create_task(hold_stream(client, f"{number}-{index}")) for index in range(STREAMS)]
            for index in range(2):
                name = f"{number}-{index}.png"
                try:
                    response = await predict(client, name, film)
                except NoResponse as error:
                    assert "503" in str(error) and '"code":"busy"' in str(error), str(error)
                    outcomes["busy"] += 1
                    continue
                assert response["file"] == name
                outcomes[response.get("label") or response["error"]["code"]] += 1
            for stream in streams:
                stream.cancel()

    async def use_pages() -> None:
        await asyncio.gather(*map(use_page, range(CLIENTS)))

    run_coroutine(use_pages())
    assert set(outcomes) <= {"Normal", "busy"} and outcomes.total() == 2 * CLIENTS
    assert outcomes["Normal"] > CLIENTS
    assert no_internal_error(service)
    assert service.status() == 200


@pytest.mark.slow
def test_an_upload_of_more_files_than_may_be_open_is_busy_and_leaves_nothing(service: Service, film: bytes) -> None:
    """The page uploads up to 1,000 films in one request, and Gradio has all of them open at the end."""
    files = [("files", (f"{number}.png", film)) for number in range(LIMIT + 50)]
    before = service.files()
    response = httpx.post(f"{service.address}/gradio_api/upload", files=files, timeout=60)
    assert response.status_code == 503 and response.json()["error"]["code"] == "busy"
    deadline = time.monotonic() + 120
    while set(service.files()) - set(before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert set(service.files()) <= set(before)
    assert service.status() == 200 and no_internal_error(service)


@pytest.mark.slow
def test_a_batch_of_600_films_over_the_api_is_answered_in_order(service: Service, film: bytes) -> None:
    async def send(client: httpx.AsyncClient) -> Any:
        uploads = [await upload(client, f"{number}.png", film) for number in range(BATCH)]
        return await call(client, "predict_batch", [uploads])

    async def ask() -> Any:
        async with httpx.AsyncClient(base_url=service.address, timeout=300) as client:
            return await send(client)

    rows = wait_for(ask())
    assert [row["file"] for row in rows] == [f"{number}.png" for number in range(BATCH)]
    assert {row.get("label") for row in rows} == {"Normal"}
    assert no_internal_error(service)


@pytest.mark.slow
def test_a_batch_of_600_films_in_folders_and_zips_on_the_command_line(tmp_path: Path, film: bytes) -> None:
    films = tmp_path / "films"
    for number in range(BATCH - ZIPS):
        folder = films / str(number % 100) / str(number % 7)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(film)
    for number in range(ZIPS):
        with zipfile.ZipFile(films / f"{number}.zip", "w") as archive:
            archive.writestr("film.png", film)
    out = tmp_path / "results.csv"
    command = [*ULIMIT, sys.executable, "-m", "pneumonia", "batch", str(films), "--out", str(out)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    with out.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len({row["file"] for row in rows}) == len(rows) == BATCH
    assert {row["label"] for row in rows} == {"Normal"}


def test_the_prefix_limits_the_open_files() -> None:
    assert shutil.which("sh")
    command = [*ULIMIT, sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"({LIMIT}, {LIMIT})\n"
