"""The service in a separate process, and calls to it over plain HTTP, for the load test, the soak test and pytest."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from pneumonia.files import walk_bottom_up

ROOT = Path(__file__).parents[1]
START_TIMEOUT_S = 180
END_TIMEOUT_S = 45
"""Maximum seconds until the service is ready, and from SIGTERM to its exit."""

PORTS_PER_PROCESS = 120
"""Ports that one process gives to its programs: more than a test or a benchmark holds at a time."""


@dataclass(frozen=True)
class Service:
    """A running `python app.py`: its address, its process, and the folder of its files and its log."""

    address: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def uploads(self) -> Path:
        return self.folder / "uploads"

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def log_text(self) -> str:
        """Return all output of the service so far, standard output and standard error."""
        return (self.folder / "log").read_text()

    def files(self) -> list[Path]:
        """Return all files in the service's folders, except the log and lock files."""
        return [path for path in walk_bottom_up(self.folder) if path.is_file() and path.name not in {"log", "in-use"}]

    def memory_mb(self) -> float:
        """Return the resident memory of the process in MB, without child processes."""
        return process_status(self.process.pid, "VmRSS") / 1024

    def threads(self) -> int:
        """Return the number of threads of the process."""
        return process_status(self.process.pid, "Threads")

    def open_files(self) -> int:
        """Return the number of open file descriptors of the process."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def status(self, path: str = "/health") -> int:
        """Return the HTTP status of a path; 0 if the service cannot be reached."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def end(self) -> int:
        """Send SIGTERM, as an orchestrator does; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_TIMEOUT_S)


def process_status(process: int, field: str) -> int:
    """Return a number from /proc/PID/status; memory is in kB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{field}:")).split()[1])


def running_service(folder: Path, *command: str, **settings: str) -> AbstractContextManager[Service]:
    """Run this checkout's `python app.py`: see `running_checkout`."""
    return running_checkout(ROOT, folder, *command, **settings)


@contextmanager
def running_checkout(checkout: Path, folder: Path, *command: str, **settings: str) -> Iterator[Service]:
    """Run `python app.py` with these environment variables, yield it when it is ready, and end it after the block.

    `checkout` is the folder with `app.py`, such as that of an earlier version. `folder` gets its uploads, temporary
    files and log. `command` is a prefix of the command line, for example `unshare -n`.
    """
    port = free_port()
    process = _start_process(folder, port, command, checkout, settings)
    service = Service(f"http://127.0.0.1:{port}", process, folder)
    try:
        _await_ready(service)
        yield service
    finally:
        try:
            service.end()
        except subprocess.TimeoutExpired:
            service.process.kill()
            service.process.wait()


def _start_process(
    folder: Path, port: int, command: tuple[str, ...], checkout: Path, settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    for name in ("uploads", "temporary"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PNEUMONIA_", "GRADIO_"))}
    folders = {"GRADIO_TEMP_DIR": str(folder / "uploads"), "TMPDIR": str(folder / "temporary")}
    environment = {**inherited, **folders, "GRADIO_SERVER_PORT": str(port), "PYTHONUNBUFFERED": "1", **settings}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [*command, sys.executable, "app.py"], cwd=checkout, env=environment, stdout=log, stderr=subprocess.STDOUT
        )


def _await_ready(service: Service) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while service.status() != 200:
        if service.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the service did not start: {service.log_text()[-2000:]}")
        time.sleep(0.1)


def free_port() -> int:
    """Return an unused port of this machine, for a program that cannot choose one itself.

    It lies below the ports that systems give to outgoing connections (32768 on Linux, 49152 elsewhere), so that none of
    them takes it before the program listens. This process returns each port of its block before one of them again, and
    no other process returns them.
    """
    _, ports = _own_ports()
    while True:
        port = next(ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@cache
def _own_ports() -> tuple[socket.socket, Iterator[int]]:
    """(lock, ports) of a block that belongs to this process until its end: the lock holds the first port by UDP.

    No program gets that port, since one may listen by UDP too, as Caddy does.
    """
    while True:
        start = random.randrange(20_000, 32_000, PORTS_PER_PROCESS)
        lock = socket.socket(type=socket.SOCK_DGRAM)
        try:
            lock.bind(("127.0.0.1", start))
        except OSError:
            lock.close()
        else:
            return lock, itertools.cycle(range(start + 1, start + PORTS_PER_PROCESS))


class NoResponse(Exception):
    """A request ended without a result."""


async def upload(client: httpx.AsyncClient, name: str, content: bytes) -> dict[str, Any]:
    """Upload a film; return the file object that a call takes as input. Raises `NoResponse`."""
    response = await client.post("/gradio_api/upload", files={"files": (name, content)})
    if response.status_code != 200:
        raise NoResponse(f"upload: {response.status_code} {response.text[:200]}")
    return {"path": response.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}


async def call(client: httpx.AsyncClient, endpoint: str, data: list[Any]) -> Any:
    """Call an endpoint and read its event stream; return its first output. Raises `NoResponse`."""
    response = await client.post(f"/gradio_api/call/{endpoint}", json={"data": data})
    if response.status_code != 200:
        raise NoResponse(f"call: {response.status_code} {response.text[:200]}")
    event = ""
    async with client.stream("GET", f"/gradio_api/call/{endpoint}/{response.json()['event_id']}") as stream:
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            event = value if name == "event" else event
            if name == "data" and event == "complete":
                return json.loads(value)[0]
            if name == "data" and event == "error":
                raise NoResponse(f"error: {value[:200]}")
    raise NoResponse("the event stream ended without a result")


async def predict(client: httpx.AsyncClient, name: str, content: bytes) -> Any:
    """Upload a film and return the result of `/predict`."""
    return await call(client, "predict", [await upload(client, name, content)])
