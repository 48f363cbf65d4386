"""Uploads whose call takes longer than the retention time."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from gradio_client import handle_file

from pneumonia import Predictor, operating_system
from pneumonia.files import walk_bottom_up
from pneumonia.web.server import gradio_environment

from ..visit import PausablePredictor, gradio_client, running

RETENTION_S = 12
"""Twelve times the interval of the cleanup, which keeps the films of waiting calls; on a busy machine it is late."""


@pytest.fixture(params=["this system", pytest.param("Windows", marks=pytest.mark.slow)])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, `st_ctime` is the time of the creation, which `os.utime` does not change."""
    if request.param != "Windows" or operating_system.IS_WINDOWS:
        return
    lstat, created = Path.lstat, dict[int, float]()

    def lstat_of_windows(path: Path) -> Any:
        status = lstat(path)
        values = {name: getattr(status, name) for name in dir(status) if name.startswith("st_")}
        return SimpleNamespace(**values | {"st_ctime": created.setdefault(status.st_ino, status.st_ctime)})

    monkeypatch.setattr(Path, "lstat", lstat_of_windows)
    monkeypatch.setattr(operating_system, "IS_WINDOWS", True)
    monkeypatch.setattr(operating_system, "detached_process_options", dict)


@pytest.mark.slow
@pytest.mark.usefixtures("system")
def test_a_film_is_kept_while_its_call_waits_or_runs(
    predictor: Predictor, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_RETENTION_S", str(RETENTION_S))
    monkeypatch.setenv("PNEUMONIA_THREADS", "1")
    pausable = PausablePredictor(predictor)
    with running(pausable) as address:
        client = gradio_client(address)
        pausable.pause()
        film = handle_file(files["film.png"])
        jobs = [client.submit(film, api_name="/predict") for _ in range(2)]
        jobs.append(client.submit([film, film], api_name="/predict_batch"))
        for foreign_path in ("/etc/passwd", "no\0path", str(Path(gradio_environment.upload_folder()) / "gone.png")):
            httpx.post(
                f"{address}/gradio_api/call/predict", json={"data": [{"path": foreign_path}]}, timeout=60
            ).raise_for_status()
        time.sleep(RETENTION_S + 4)
        pausable.resume()
        first, second, batch = (job.result(timeout=120) for job in jobs)
        assert [row.get("label", row) for row in (first, second, *batch)] == ["Normal"] * 4
        deadline = time.monotonic() + 120
        while _stored_films() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _stored_films() == []


def _stored_films() -> list[Path]:
    return [path for path in walk_bottom_up(Path(gradio_environment.upload_folder())) if path.name == "film.png"]
