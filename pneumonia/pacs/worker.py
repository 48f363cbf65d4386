"""One worker process, seen from the service: start it, send it films, notice its end."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import operating_system
from ..errors import UsageError
from .configuration import Configuration

FILM_TIMEOUT_S = 600.0
"""Seconds after which a worker that has not answered is killed; a film takes less than one."""

START_TIMEOUT_S = 300.0
"""Seconds for loading the models, which may have to be downloaded."""

_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from pneumonia.pacs.worker_process import main; main()"
_PACKAGE_PARENT = str(Path(__file__).parents[2])


class WorkerProcess:
    """A worker process; `start` returns when it is ready. Used by one thread."""

    def __init__(self, configuration: Configuration, number: int) -> None:
        # -P prevents imports from the working directory, where a folder may have the name of a module.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, _PACKAGE_PARENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **operating_system.detached_process_options(),
        )
        self._setup = pickle.dumps((configuration, number))

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """False after the process has ended."""
        return self._process.poll() is None

    def start(self) -> str:
        """Wait until the models are loaded; returns the fingerprint. Raises the error of a worker that cannot start."""
        response = self._exchange(self._setup, START_TIMEOUT_S)
        if response is None:
            raise WorkerFailed("A worker process ended while it started. The log has the reason.")
        if "error" in response:
            raise WorkerFailed(response["message"])
        return str(response["fingerprint"])

    def process(self, instance_id: int) -> dict[str, Any] | None:
        """Let the worker read a film; None if it ended meanwhile, or was killed because it took too long."""
        return self._exchange(b"%d\n" % instance_id, FILM_TIMEOUT_S)

    def stop(self, timeout_s: float) -> None:
        """Let the worker end after its film; kill it if it has not ended after `timeout_s` seconds."""
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        with suppress(OSError):
            self._stdout.close()

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()

    def _exchange(self, request: bytes, timeout_s: float) -> dict[str, Any] | None:
        timer = threading.Timer(timeout_s, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            self._stdin.write(request)
            self._stdin.flush()
            line = self._stdout.readline()
            response = json.loads(line) if line else None
        except (OSError, ValueError):
            response = None
        finally:
            timer.cancel()
        return response if isinstance(response, dict) else None

    @property
    def _stdin(self) -> Any:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> Any:
        assert self._process.stdout is not None
        return self._process.stdout


class WorkerFailed(UsageError):
    """A worker process cannot start; the message is that of its error."""
