"""Starts the product's server or that of the empty app in the same way, and calls it over plain HTTP, for timings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from .service_process import ROOT, free_port, process_status

PRODUCT = ("app.py",)
EMPTY_APP = ("-m", "benchmarks.empty_app")
"""Arguments of `python` that start a server."""

TIMEOUT_S = 120
"""Maximum seconds from the start of the process to its first page."""

POLL_INTERVAL_S = 0.005
"""Seconds between two checks if the server has started: far less than the measured times."""


@dataclass(frozen=True)
class Server:
    """A running server. `page_s` is the time in seconds from the start of its process to its first page."""

    url: str
    pid: int
    page_s: float

    @property
    def resident_mb(self) -> float:
        """Resident memory of the process in MB."""
        return process_status(self.pid, "VmRSS") / 1024


@contextmanager
def serving(command: Sequence[str]) -> Iterator[Server]:
    """Run `python` with these arguments as a server until the block ends; yields it after its first page.

    Raises `RuntimeError` if the process ends before, or serves no page within `TIMEOUT_S`.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    null_device = subprocess.DEVNULL
    started_at = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=null_device, stderr=null_device
    )
    try:
        _await_page(process, url)
        yield Server(url, process.pid, time.perf_counter() - started_at)
    finally:
        process.kill()
        process.wait()


def _await_page(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
            try:
                if client.get(url).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(POLL_INTERVAL_S)
    raise RuntimeError(f"{process.args!r} served no page within {TIMEOUT_S} s")


def upload(client: httpx.Client, url: str, data: bytes) -> str:
    """Upload a film; return its path on the server."""
    response = client.post(f"{url}/gradio_api/upload", files={"files": ("film.jpeg", data)})
    response.raise_for_status()
    return str(response.json()[0])


def call(client: httpx.Client, url: str, path: str, endpoint: str = "predict") -> Any:
    """Call an endpoint with an uploaded film; return its first output. Raises `RuntimeError` if the call fails."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    points = [] if endpoint == "analyze" else ["balanced"]
    submission = client.post(f"{url}/gradio_api/call/{endpoint}", json={"data": [file, *points]})
    submission.raise_for_status()
    events = client.get(f"{url}/gradio_api/call/{endpoint}/{submission.json()['event_id']}").text
    if "event: complete" not in events:
        raise RuntimeError(f"{endpoint} failed: {events[:200]}")
    return json.loads(events.rpartition("data: ")[2])
