"""Our server or an empty one, started like each other, and one caller over plain HTTP: what the timings compare."""

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

from .served import ROOT, free_port, own

OURS = ("app.py",)
EMPTY = ("-m", "benchmarks.empty_app")
PATIENCE_S = 120
LOOK_S = 0.005
"""Seconds between two looks whether the server is there: well under what is measured."""


@dataclass(frozen=True)
class Server:
    """One that answers, and how long it took from the start of its process to its first page."""

    url: str
    pid: int
    seconds_to_page: float

    @property
    def resident_mb(self) -> float:
        """Resident memory of the process in MB."""
        return own(self.pid, "VmRSS") / 1024


@contextmanager
def serving(command: Sequence[str]) -> Iterator[Server]:
    """Run a Python command that serves until the block ends; raises `RuntimeError` where it ends before."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    quiet = subprocess.DEVNULL
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    try:
        _await_page(child, url)
        yield Server(url, child.pid, time.perf_counter() - started)
    finally:
        child.kill()
        child.wait()


def _await_page(child: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise RuntimeError(f"{child.args!r} ended with {child.returncode}")
            try:
                if client.get(url).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(LOOK_S)
    raise RuntimeError(f"{child.args!r} showed no page within {PATIENCE_S} s")


def upload(client: httpx.Client, url: str, data: bytes) -> str:
    """Send a film; returns the path by which the server knows it."""
    answer = client.post(f"{url}/gradio_api/upload", files={"files": ("film.jpeg", data)})
    answer.raise_for_status()
    return str(answer.json()[0])


def call(client: httpx.Client, url: str, path: str, endpoint: str = "predict") -> Any:
    """Ask about an upload; returns what the endpoint says of it."""
    given = {"path": path, "meta": {"_type": "gradio.FileData"}}
    points = [] if endpoint == "analyze" else ["balanced"]
    begun = client.post(f"{url}/gradio_api/call/{endpoint}", json={"data": [given, *points]})
    begun.raise_for_status()
    said = client.get(f"{url}/gradio_api/call/{endpoint}/{begun.json()['event_id']}").text
    if "event: complete" not in said:
        raise RuntimeError(f"{endpoint} failed: {said[:200]}")
    return json.loads(said.rpartition("data: ")[2])
