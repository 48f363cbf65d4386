"""Starts this server or an empty one in the same way, and calls it over plain HTTP, for the timings."""

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
TIMEOUT_S = 120
POLL_INTERVAL_S = 0.005
"""Seconds between two checks whether the server has started: far below the measured times."""


@dataclass(frozen=True)
class Server:
    """A running server, and the seconds from the start of its process to its first page."""

    url: str
    pid: int
    seconds_to_page: float

    @property
    def resident_mb(self) -> float:
        """Resident memory of the process in MB."""
        return process_status(self.pid, "VmRSS") / 1024


@contextmanager
def serving(command: Sequence[str]) -> Iterator[Server]:
    """Run a Python command that serves until the block ends; raises `RuntimeError` if it ends before its first page."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    discard = subprocess.DEVNULL
    started_at = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=discard, stderr=discard)
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
    """Call an endpoint with an upload; return its output."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    points = [] if endpoint == "analyze" else ["balanced"]
    queued = client.post(f"{url}/gradio_api/call/{endpoint}", json={"data": [file, *points]})
    queued.raise_for_status()
    events = client.get(f"{url}/gradio_api/call/{endpoint}/{queued.json()['event_id']}").text
    if "event: complete" not in events:
        raise RuntimeError(f"{endpoint} failed: {events[:200]}")
    return json.loads(events.rpartition("data: ")[2])
