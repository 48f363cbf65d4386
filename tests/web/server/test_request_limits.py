"""Limits for size, duration, connections and logins: a caller beyond a limit is refused, others are not affected."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pneumonia.files import walk_bottom_up
from pneumonia.web.server import connection_limits, gradio_environment, login, request_limits
from pneumonia.web.server.login import FailedAttempts, PasswordCheck

from ...support.wait import wait_for


@contextlib.contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as connection:
        yield connection


def closes(connection: socket.socket, within_s: float = 60) -> bool:
    """Return True if the server closes the connection in time."""
    connection.settimeout(within_s)
    try:
        while connection.recv(65_536):
            continue
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("path", ["/gradio_api/call/predict", "/gradio_api/queue/join", "/gradio_api/cancel"])
def test_a_json_body_at_the_limit_is_read_and_one_byte_more_is_413(
    address: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_limits, "JSON_MB", 1)
    body = json.dumps({"data": ["x" * 999_986]}).encode()
    assert len(body) == 1_000_000
    assert (
        httpx.post(address + path, content=body, headers={"Content-Type": "application/json"}, timeout=60).status_code
        != 413
    )
    reply = httpx.post(address + path, content=body + b" ", headers={"Content-Type": "application/json"}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")


def test_a_body_without_a_declared_length_is_limited(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "JSON_MB", 1)

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    reply = httpx.post(f"{address}/gradio_api/call/predict", content=chunks(), timeout=60)
    assert reply.status_code == 413


def test_an_upload_beyond_the_limit_is_413_and_leaves_no_file(
    address: str, monkeypatch: pytest.MonkeyPatch, files: dict[str, Path]
) -> None:

    monkeypatch.setenv("PNEUMONIA_MAX_UPLOAD_MB", "1")
    folder = Path(gradio_environment.upload_folder())
    before = set(walk_bottom_up(folder))  # of which the periodic deletion may remove some meanwhile
    oversized = [("files", (f"{number}.png", b"x" * 900_000)) for number in range(4)]
    reply = httpx.post(f"{address}/gradio_api/upload", files=oversized, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert set(walk_bottom_up(folder)) <= before


def test_an_interrupted_upload_leaves_no_file_and_is_no_internal_error(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(gradio_environment.upload_folder())
    before = set(walk_bottom_up(folder))
    with connected(address) as connection:
        connection.sendall(_partial_upload())
        _wait_until(lambda: not set(walk_bottom_up(folder)) <= before)
    _wait_until(lambda: set(walk_bottom_up(folder)) <= before)
    assert "internal error" not in caplog.text


def _partial_upload() -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="Doe.png"\r\n\r\n' + b"x" * 5_000
    head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return head + b"Content-Length: 900000\r\n\r\n" + part


def _wait_until(condition: Any, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_slow_body_is_408(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "BODY_TIMEOUT_S", 0.3)
    monkeypatch.setattr(request_limits, "MIN_BYTES_PER_S", 1e9)
    with connected(address) as connection:
        connection.sendall(_partial_upload())
        connection.settimeout(60)
        assert b" 408 " in connection.recv(4_096)


def test_an_incomplete_request_is_closed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEADER_TIMEOUT_S", 0.3)
    for request_start in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "):
        with connected(address) as connection:
            connection.sendall(request_start)
            assert closes(connection)


def test_an_incomplete_request_after_a_complete_one_is_closed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(address) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in connection.recv(4_096)
        monkeypatch.setattr(connection_limits, "HEADER_TIMEOUT_S", 0.3)
        connection.sendall(b"GET /he")
        assert closes(connection)


def test_slow_headers_do_not_keep_a_connection_open(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEADER_TIMEOUT_S", 0.5)
    with connected(address) as connection:
        started_at = time.monotonic()
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET / HTTP/1.1\r\n")
            while time.monotonic() - started_at < 60:
                connection.sendall(b"X-A: b\r\n")
                time.sleep(0.1)
        assert time.monotonic() - started_at < 60


def test_many_half_open_connections_do_not_block_other_callers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "MAX_CONNECTIONS", 20)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connected(address)).sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(5):
            assert httpx.get(f"{address}/health", timeout=60).status_code == 200


def test_the_delay_doubles_with_each_failure_and_failures_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    failed_attempts = FailedAttempts()
    assert failed_attempts.delay("a") == 0
    delays = []
    for _ in range(10):
        failed_attempts.record("a", is_correct=False)
        delays.append(failed_attempts.delay("a"))
    assert delays[:4] == [0.25, 0.5, 1, 2] and max(delays) == login.MAX_DELAY_S
    assert failed_attempts.delay("b") == 0
    failed_attempts.record("a", is_correct=True)
    assert failed_attempts.delay("a") == 0
    failed_attempts.record("a", is_correct=False)
    monkeypatch.setattr(login, "FAILURES_EXPIRE_AFTER_S", 0)
    assert failed_attempts.delay("a") == 0


def test_the_number_of_failure_records_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "MAX_RECORDS", 50)
    failed_attempts = FailedAttempts()
    for number in range(1_000):
        failed_attempts.record(str(number), is_correct=False)
    assert len(failed_attempts._records) <= 51


def test_a_login_is_compared_with_every_user(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    original = login.hmac.compare_digest

    def record_comparison(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return original(first, second)

    monkeypatch.setattr(login.hmac, "compare_digest", record_comparison)
    monkeypatch.setattr(login, "FIRST_DELAY_S", 0)
    password_check = PasswordCheck([("ann", "one"), ("bob", "two"), ("zoë", "drei")])

    async def check_all() -> list[bool]:
        pairs = [("ann", "one"), ("bob", "one"), ("nobody", "one"), ("zoë", "drei"), ("ann", "")]
        return [await password_check.check(*pair) for pair in pairs]

    assert wait_for(check_all()) == [True, False, False, True, False]
    assert len(compared) == 15, "an unknown user takes as many comparisons as a known one"
    assert {len(digest) for pair in compared for digest in pair} == {32}
