"""The service as a separate process, `python app.py`: privacy, health, log, full queue and shutdown."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks import service_process
from benchmarks.service_process import Service, call, predict, running_service, upload
from pneumonia.files import walk_bottom_up

from ...support.systems import posix
from ...support.wait import wait_for
from ..visit import READY, Visit

PATIENT = "Doe_Jane_1961-04-12_MRN-0042"
RETENTION_S = 15
"""Longer than a busy machine may stop a process between an upload and its call, or between a result and its check."""

pytestmark = posix


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a short retention time."""
    with running_service(tmp_path_factory.mktemp("service"), PNEUMONIA_RETENTION_S=str(RETENTION_S)) as service:
        yield service


def ask(service: Service, talk: Callable[[httpx.AsyncClient], Any]) -> Any:
    """Run a coroutine with an HTTP client for the service; return its result."""

    async def talk_to_service() -> Any:
        async with httpx.AsyncClient(base_url=service.address, timeout=120) as client:
            return await talk(client)

    return wait_for(talk_to_service())


def until(condition: Callable[[], Any], within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_health_needs_no_login_and_returns_no_data(service: Service) -> None:
    reply = httpx.get(f"{service.address}/health", timeout=60)
    assert (reply.status_code, reply.text) == (200, "ready")
    assert httpx.head(f"{service.address}/health", timeout=60).status_code == 200
    assert httpx.post(f"{service.address}/health", timeout=60).status_code == 405


@pytest.mark.slow  # waits for the deletion of all films
def test_no_patient_data_remains_on_disk_or_in_the_log(
    service: Service, files: dict[str, Path], dicom_film: bytes
) -> None:
    """Every endpoint except MCP, with a film that is predicted, one that the gate refuses and an unreadable one."""
    contents = {
        f"{PATIENT}.png": files["film.png"].read_bytes(),
        f"{PATIENT}-turned.png": files["turned.png"].read_bytes(),
        f"{PATIENT}.dcm": dicom_film,
        f"{PATIENT}-broken.jpg": files["broken.jpg"].read_bytes(),
    }

    async def send_to_every_endpoint(client: httpx.AsyncClient) -> None:
        for name, content in contents.items():
            assert (await predict(client, name, content))["file"] == name
            await call(client, "analyze", [await upload(client, name, content)])
        uploads = await asyncio.gather(*(upload(client, *each) for each in contents.items()))
        rows = await call(client, "predict_batch", [uploads])
        assert [row["file"] for row in rows] == list(contents)
        missing = {"path": str(service.uploads / PATIENT / "x.png"), "meta": {"_type": "gradio.FileData"}}
        with pytest.raises(service_process.NoResponse, match="no such upload"):
            await call(client, "predict", [missing])
        await client.get(f"/gradio_api/file=/{PATIENT}.png")
        await client.get(f"/{PATIENT}?{PATIENT}={PATIENT}", headers={"Referer": f"http://x/{PATIENT}"})

    ask(service, send_to_every_endpoint)
    assert service.files(), "the test must see the films before they are deleted"
    until(lambda: service.files() == [])
    until(lambda: not [path for path in walk_bottom_up(service.uploads) if len(path.name) == 64])
    log_text = service.log_text()
    # Only texts that a request id, a time or a count cannot contain by chance: those are hexadecimal digits.
    for secret in ("Doe", "Jane", "1961-", "MRN", "Traceback", str(service.uploads), "127.0.0.1:"):
        assert secret not in log_text.replace(service.address, ""), secret
    pixels = base64.b64encode(contents[f"{PATIENT}.png"][:300]).decode()
    assert pixels not in log_text


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_leaves_no_patient_data(service: Service, files: dict[str, Path], browser: Any) -> None:
    """One film with its map, then a batch with its tables."""
    film = {"name": f"{PATIENT}.png", "mimeType": "image/png", "buffer": files["film.png"].read_bytes()}
    with Visit(browser, service.address) as visit:
        visit.page.set_input_files(READY, film)
        visit.answer()
        visit.page.get_by_role("tab", name="Many films").click()
        visit.page.set_input_files("#batch-films input[type=file]", [film])
        visit.page.wait_for_selector("#batch-films tr.file")
        visit.page.locator("#batch-start").click()
        visit.page.wait_for_selector("#batch-csv:visible")
        names = {path.name for path in service.files()}
        assert "results.csv" in names, "the test must see the table before it is deleted"
    until(lambda: service.files() == [])
    assert "endpoint=page films=1" in service.log_text()
    for secret in ("Doe", "Jane", "MRN", "Traceback"):
        assert secret not in service.log_text(), secret


def test_request_and_film_have_a_log_line_each_with_the_same_id(service: Service, files: dict[str, Path]) -> None:
    content = files["film.png"].read_bytes()
    reply: dict[str, str] = {}

    async def call_predict(client: httpx.AsyncClient) -> None:
        film = await upload(client, "a.png", content)
        posted = await client.post("/gradio_api/call/predict", json={"data": [film]})
        reply.update(posted.headers)
        await client.get(f"/gradio_api/call/predict/{posted.json()['event_id']}")

    ask(service, call_predict)
    request_id = reply["x-request-id"]
    until(lambda: all(f"{kind} id={request_id}" in service.log_text() for kind in ("request", "film")))
    lines = [line for line in service.log_text().splitlines() if f"id={request_id}" in line]
    fields_by_line = {line.split(" pneumonia ")[1].split(" ")[0]: _pairs(line) for line in lines}
    assert set(fields_by_line) == {"request", "film"}
    assert fields_by_line["request"]["route"] == "/gradio_api/call/predict"
    assert fields_by_line["request"]["status"] == "200"
    assert fields_by_line["film"]["format"] == "PNG"
    assert fields_by_line["film"]["bytes"] == str(len(content))
    assert fields_by_line["film"]["outcome"].split(":")[0] in {"Normal", "Pneumonia", "Unknown"}
    assert float(fields_by_line["film"]["ms"]) >= 0


def _pairs(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in line.split() if "=" in part)


def test_run_history_monitoring_and_analytics_are_off(service: Service) -> None:
    config = httpx.get(f"{service.address}/config", timeout=60).json()
    assert not config.get("run_history") and config["analytics_enabled"] is False
    assert not config.get("enable_monitoring")
    for path in ("/monitoring", "/monitoring/summary", "/gradio_api/runs"):
        assert service.status(path) == 404


@pytest.mark.slow
def test_films_of_a_killed_service_are_deleted_at_the_next_start(tmp_path: Path, files: dict[str, Path]) -> None:
    with running_service(tmp_path) as first:
        ask(first, lambda client: predict(client, f"{PATIENT}.png", files["film.png"].read_bytes()))
        assert [path for path in first.files() if PATIENT in path.name]
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        assert [path for path in first.files() if PATIENT in path.name]
    with running_service(tmp_path) as second:
        assert second.files() == []


def batch(content: bytes, films: int) -> Callable[[httpx.AsyncClient], Any]:
    async def call_predict(client: httpx.AsyncClient) -> Any:
        film = await upload(client, "a.png", content)
        return await call(client, "predict_batch", [[film] * films])

    return call_predict


HELD_PAGE = """
import os, runpy, sys, time
from pneumonia import Predictor

read = Predictor.read

def wait_and_read(*arguments):
    while not os.path.exists(os.environ["TEST_FILMS_MAY_PASS"]):
        time.sleep(0.05)
    return read(*arguments)

Predictor.read = wait_and_read
sys.argv = ["app.py"]
runpy.run_path("app.py", run_name="__main__")
"""
"""A page that reads no film until a file exists: calls run as long as a test needs them, however fast it is."""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_on_shutdown_running_calls_complete_and_new_ones_are_refused(
    tmp_path: Path, files: dict[str, Path], number: signal.Signals
) -> None:
    content = files["film.jpg"].read_bytes()
    batches: list[Any] = []
    may_pass, program = tmp_path / "films-may-pass", tmp_path / "page.py"
    program.write_text(HELD_PAGE)
    settings = {"TEST_FILMS_MAY_PASS": str(may_pass), "PYTHONPATH": str(service_process.ROOT)}
    with running_service(tmp_path / "service", sys.executable, str(program), **settings) as service:
        worker = threading.Thread(target=lambda: batches.append(ask(service, batch(content, 8))))
        worker.start()
        until(lambda: "route=/gradio_api/call/predict_batch" in service.log_text())
        service.process.send_signal(number)
        until(lambda: service.status() == 503)
        rejected = httpx.post(f"{service.address}/gradio_api/upload", files={"files": ("a.png", content)}, timeout=60)
        assert (rejected.status_code, rejected.json()["error"]["code"]) == (503, "busy")
        assert rejected.headers["retry-after"]
        may_pass.touch()
        worker.join(120)
        assert service.process.wait(60) == 0
    assert [row["label"] for row in batches[0]] == [batches[0][0]["label"]] * 8
    assert service.files() == []
    assert "state=ended" in service.log_text() and "unfinished=0" in service.log_text()


@pytest.mark.slow
def test_a_full_queue_answers_busy_and_loses_no_call(tmp_path: Path, files: dict[str, Path]) -> None:
    content = files["film.jpg"].read_bytes()

    async def flood(client: httpx.AsyncClient) -> list[Any]:
        film = await upload(client, "a.png", content)
        singles = [call(client, "predict", [film]) for _ in range(40)]
        batches = [call(client, "predict_batch", [[film, film]]) for _ in range(5)]
        return await asyncio.gather(*singles, *batches, call(client, "analyze", [film]))

    with running_service(tmp_path, PNEUMONIA_QUEUE_SIZE="2", PNEUMONIA_THREADS="1") as service:
        *rows, analysis = ask(service, flood)
        singles = [row for row in rows if isinstance(row, dict)]
        busy = [row for row in singles if "error" in row]
        assert len(singles) == 40 and busy and len(busy) < 40
        for row in busy:
            assert row["file"] == "a.png" and row["error"]["code"] == "busy"
            assert "Allowed: 2 at a time. Try again" in row["error"]["message"]
        for batch_rows in (row for row in rows if isinstance(row, list)):
            assert len(batch_rows) == 2
        assert analysis
        assert ask(service, lambda client: predict(client, "a.png", content))["label"], (
            "the service continues afterwards"
        )


NO_NETWORK = """
import ipaddress, socket
def refuse(self, address, original=socket.socket.connect):
    if self.family != socket.AF_UNIX and not ipaddress.ip_address(address[0].split("%")[0]).is_loopback:
        print("TRIED THE NETWORK", address, flush=True)
        raise OSError("no network")
    return original(self, address)
def resolve(host, *args, original=socket.getaddrinfo, **options):
    if host not in {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}:
        print("TRIED TO LOOK UP", host, flush=True)
        raise OSError("no network")
    return original(host, *args, **options)
socket.socket.connect = refuse
socket.getaddrinfo = resolve
"""


@pytest.mark.slow
def test_it_starts_and_answers_without_a_network(tmp_path: Path, files: dict[str, Path]) -> None:
    """Connections to other hosts are refused and each attempt is printed."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_NETWORK)
    with running_service(tmp_path / "run", PYTHONPATH=str(tmp_path / "site")) as service:
        assert ask(service, lambda client: predict(client, "a.png", files["film.png"].read_bytes()))["label"]
    assert "TRIED" not in service.log_text()


@pytest.fixture(scope="module")
def output_of_imports(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a process prints that imports the entry points: network access, and the state of the garbage collector."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    code = (
        "import gc, app, pneumonia.cli; from pneumonia.web import entry_point; entry_point._import_service(); "
        "print(gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects())); pneumonia.load_predictor('')"
    )
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{service_process.ROOT}"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=True
    ).stdout.split()


def test_an_import_opens_no_connection(output_of_imports: list[str]) -> None:
    assert "TRIED" not in output_of_imports


def test_garbage_collection_is_on_after_the_imports_and_does_not_scan_them(output_of_imports: list[str]) -> None:
    assert output_of_imports == ["True", "True"]


def _has_namespaces() -> bool:
    unshare = shutil.which("unshare")
    return bool(unshare) and subprocess.run([str(unshare), "-rn", "true"], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _has_namespaces(), reason="needs `unshare -rn`: a network namespace of its own")
def test_it_predicts_in_a_network_namespace_without_a_route(files: dict[str, Path]) -> None:
    command = ["unshare", "-rn", sys.executable, "-m", "pneumonia", "predict", "--json", str(files["film.png"])]
    process = subprocess.run(command, cwd=service_process.ROOT, capture_output=True, text=True, timeout=600)
    assert json.loads(process.stdout)["label"], process.stderr
