"""A local fake of the Hub: implements the part of its HTTP API that `huggingface_hub` needs, and fails on demand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"

AUTH_HEADER = "authorization"


class Fault(Enum):
    """A fault of the Hub, active until it is set back to `NONE`. `hub.stop()` refuses connections instead."""

    NONE = "none"
    PRIVATE = "401, the repository is private"
    BAD_TOKEN = "401, the token is invalid"
    NO_REPOSITORY = "404, no such repository"
    NO_REVISION = "404, no such revision"
    NO_FILE = "404, no such file"
    TOO_MANY = "429"
    BROKEN = "500"
    NOT_A_HUB = "200 with another page, like the login page of a hotel's network"
    LOOP = "302 to the same address, endlessly"
    HANGING = "no response"
    CUT = "the connection closes without a response"
    STALLED = "the body stops half way"
    SLOW = "the body arrives at one byte a second"
    STEADY = "the body arrives in twelve parts with pauses"
    TRUNCATED = "the connection closes half way through the body"
    WRONG_BYTES = "other bytes of the same length"
    POINTER = "the LFS pointer instead of the file"


_ERRORS = {
    Fault.PRIVATE: (401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Invalid username or password."}),
    Fault.BAD_TOKEN: (401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
    Fault.NO_REPOSITORY: (404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}),
    Fault.NO_REVISION: (404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}),
    Fault.TOO_MANY: (429, {}),
    Fault.BROKEN: (500, {}),
}


class FakeHub:
    """Repositories, each a list of commits; `main` is the last one. A context manager."""

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self.faulty_file = ""
        """Suffix of the files that faults of a body affect; empty: all files."""
        self.pause_s = 0.2
        """Before each part of a `STEADY` body."""
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        self.closing = threading.Event()
        self._commits: dict[str, dict[str, Mapping[str, bytes]]] = {}
        self._server = _Server(("127.0.0.1", 0), self, self.handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def handler(self) -> type[HubHandler]:
        """The request handler; subclasses return one with more routes."""
        return HubHandler

    def push(self, repository: str, files: Mapping[str, bytes]) -> str:
        """Add a commit with these files and return its hash; `main` is now this commit."""
        commits = self._commits.setdefault(repository, {})
        commit = hashlib.sha1(f"{repository} {len(commits)}".encode()).hexdigest()
        commits[commit] = dict(files)
        return commit

    def stop(self) -> None:
        """Stop the server: connections are refused from now on."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    def resolve(self, repository: str, revision: str) -> tuple[str, Mapping[str, bytes]] | Fault:
        """(commit, its files), or the fault for the matching 404."""
        commits = self._commits.get(repository)
        if commits is None:
            return Fault.NO_REPOSITORY
        commit = list(commits)[-1] if revision == "main" else revision
        return (commit, commits[commit]) if commit in commits else Fault.NO_REVISION


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], hub: FakeHub, handler: type[HubHandler]) -> None:
        self.hub = hub
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients that disconnect early are part of the tests."""


class HubHandler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing: `FakeHub.requests` records the requests."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub = self.server.hub
        hub.requests.append(f"{self.command} {self.path}")
        if token := self.headers.get(AUTH_HEADER):
            hub.tokens.add(token)
        if hub.fault is Fault.HANGING:
            hub.closing.wait()
        elif hub.fault is Fault.CUT:
            self.close_connection = True
        elif hub.fault is Fault.LOOP:
            self._send(302, {"Location": self.path}, b"")
        elif hub.fault is Fault.NOT_A_HUB:
            self._send(200, {"Content-Type": "text/html"}, b"<html>Please log in</html>")
        elif hub.fault in _ERRORS:
            self._send_error(hub.fault)
        elif self.path.startswith("/api/models/"):
            self._send_info(*self.path.removeprefix("/api/models/").split("/revision/"))
        else:
            self._send_file(*self.path.removeprefix("/").split("/resolve/"), body=body)

    def _send_info(self, repository: str, revision: str = "main") -> None:
        resolved = self.server.hub.resolve(repository, revision)
        if isinstance(resolved, Fault):
            return self._send_error(resolved)
        commit, files = resolved
        siblings = [{"rfilename": name} for name in files]
        info = {"id": repository, "modelId": repository, "sha": commit, "private": False, "siblings": siblings}
        self._send(200, {"Content-Type": "application/json"}, json.dumps(info).encode())

    def _send_file(self, repository: str, revision_and_name: str, *, body: bool) -> None:
        hub = self.server.hub
        revision, _, name = revision_and_name.partition("/")
        resolved = hub.resolve(repository, revision)
        if isinstance(resolved, Fault):
            return self._send_error(resolved)
        commit, files = resolved
        faulty = name.endswith(hub.faulty_file)
        if name not in files or (faulty and hub.fault is Fault.NO_FILE):
            return self._send(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b"")
        data = files[name]
        if faulty and hub.fault is Fault.POINTER:
            data = POINTER % (hashlib.sha256(data).hexdigest().encode(), len(data))
        if faulty and hub.fault is Fault.WRONG_BYTES:
            data = bytes(len(data))
        etag = hashlib.sha1(data).hexdigest()
        self._send_head(200, {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Content-Length": str(len(data))})
        if body:
            self._send_body(data, hub.fault if faulty else Fault.NONE)

    def _send_body(self, data: bytes, fault: Fault) -> None:
        closing = self.server.hub.closing
        half = len(data) // 2
        if fault is Fault.SLOW:
            for offset in range(len(data)):
                if closing.wait(1):
                    return
                self.wfile.write(data[offset : offset + 1])
        elif fault is Fault.STEADY:
            step = len(data) // 12 + 1
            for offset in range(0, len(data), step):
                time.sleep(self.server.hub.pause_s)
                self.wfile.write(data[offset : offset + step])
        elif fault is Fault.STALLED:
            self.wfile.write(data[:half])
            closing.wait()
        elif fault is Fault.TRUNCATED:
            self.wfile.write(data[:half])
        else:
            self.wfile.write(data)

    def _send_error(self, fault: Fault) -> None:
        self._send(*_ERRORS[fault], b"")

    def _send(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._send_head(status, {**headers, "Content-Length": str(len(data))})
        if self.command == "GET":
            # The client may have given up and closed the connection.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(data)

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
