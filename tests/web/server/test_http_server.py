"""The server of `python app.py`: proxies before it and in its environment, its signals, its port and its folders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from benchmarks import service_process
from benchmarks.service_process import running_service
from pneumonia import Predictor, settings
from pneumonia.errors import UsageError
from pneumonia.web import page
from pneumonia.web.server import http_server, login
from tests.support.systems import posix

from ...support.broken_proxy import broken_proxy
from ...support.wait import until
from ..held_delays import HeldDelays
from ..visit import running

USER, OTHER_USER = "198.51.100.7", "198.51.100.8"


@pytest.fixture
def login_page(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a page with a login behind a proxy on 127.0.0.1, which is trusted."""
    monkeypatch.setenv("PNEUMONIA_AUTH", "ann:one,bob:two")
    monkeypatch.setenv("PNEUMONIA_TRUSTED_PROXIES", "127.0.0.1")
    with running(predictor) as address:
        yield address


def log_in(address: str, forwarded_for: str, user: str, password: str) -> tuple[int, float]:
    """The status of a login that a proxy forwards for an address, and the seconds until its answer."""
    started_at = time.monotonic()
    form = {"username": user, "password": password}
    reply = httpx.post(f"{address}/login", data=form, headers={"X-Forwarded-For": forwarded_for}, timeout=60)
    return reply.status_code, time.monotonic() - started_at


@pytest.mark.slow
def test_wrong_passwords_of_one_address_do_not_delay_another_behind_the_same_proxy(
    login_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_in(login_page, USER, "nobody", "wrong")[0] == 400
    delays = HeldDelays(monkeypatch, login)
    with ThreadPoolExecutor(8) as attackers:
        attempts = [attackers.submit(log_in, login_page, USER, "nobody", "wrong") for _ in range(8)]
        try:
            assert until(lambda: delays.waiting == 8)
            assert log_in(login_page, USER, "ann", "one")[0] == 429, "the address with eight attempts has no ninth one"
            assert log_in(login_page, OTHER_USER, "bob", "two")[0] == 200
            assert not any(attempt.done() for attempt in attempts)
        finally:
            delays.end()
        assert {attempt.result()[0] for attempt in attempts} == {400}


def test_a_caller_cannot_choose_its_address_through_a_trusted_proxy(
    login_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy appends the caller's address to the header that the caller sent."""
    monkeypatch.setattr(login, "FIRST_DELAY_S", 1.0)
    assert log_in(login_page, USER, "nobody", "wrong")[0] == 400
    assert log_in(login_page, f"203.0.113.1, {USER}", "ann", "one")[1] >= 1


def test_without_a_trusted_proxy_the_header_is_ignored(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_AUTH", "ann:one")
    monkeypatch.setattr(login, "FIRST_DELAY_S", 1.0)
    with running(predictor) as address:
        assert log_in(address, USER, "nobody", "wrong")[0] == 400
        assert log_in(address, OTHER_USER, "ann", "one")[1] >= 1


@pytest.mark.parametrize("text", ["172.30.78.0/24, ::1", "10.0.0.2", "::1"])
def test_proxies_are_addresses_and_networks(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_TRUSTED_PROXIES", text)
    assert settings.TRUSTED_PROXIES.read() == text.split(", ")


@pytest.mark.parametrize("text", ["*", "caddy", "10.0.0.2/8", "10.0.0"])
def test_another_proxy_is_a_usage_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_TRUSTED_PROXIES", text)
    with pytest.raises(UsageError, match="PNEUMONIA_TRUSTED_PROXIES"):
        settings.TRUSTED_PROXIES.read()


def test_logout_ends_all_logins_of_the_user_only(login_page: str) -> None:
    clients = [httpx.Client(base_url=login_page, timeout=60) for _ in range(3)]
    for client, (user, password) in zip(clients, [("ann", "one"), ("ann", "one"), ("bob", "two")], strict=True):
        client.post("/login", data={"username": user, "password": password}).raise_for_status()
    cookies = dict(clients[0].cookies)
    clients[0].get("/logout")
    assert httpx.get(f"{login_page}/config", cookies=cookies, timeout=60).status_code == 401
    assert [client.get("/config").status_code for client in clients[1:]] == [401, 200]


def test_an_expired_login_gets_the_login_page(login_page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with httpx.Client(base_url=login_page, timeout=60) as client:
        client.post("/login", data={"username": "ann", "password": "one"}).raise_for_status()
        assert '"components":[{' in client.get("/").text
        monkeypatch.setattr(login, "LOGIN_LIFETIME_S", 0)
        assert client.get("/config").status_code == 401
        assert '"components":[{' not in client.get("/").text


@pytest.mark.slow
@pytest.mark.parametrize("is_alive", [pytest.param(True, id="alive"), pytest.param(False, id="dead")])
def test_it_starts_and_answers_with_proxy_variables(tmp_path: Path, is_alive: bool) -> None:
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    with (
        broken_proxy() if is_alive else nullcontext("http://127.0.0.1:9") as proxy,
        running_service(tmp_path, **dict.fromkeys(names, proxy), NO_PROXY="", no_proxy="") as service,
    ):
        assert service.status() == 200
        reply = httpx.Client(trust_env=False, timeout=60).get(f"{service.address}/config")
        assert reply.status_code == 200 and reply.json()["components"]


@pytest.mark.slow
@posix
def test_a_signal_at_the_moment_of_readiness_is_a_graceful_shutdown(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
        assert "state=ended" in service.log_text()


COMMANDS = {"app.py": ["app.py"], "serve": ["-m", "pneumonia", "serve"]}


def run_page(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PNEUMONIA_", "GRADIO_"))}
    return subprocess.run(
        [sys.executable, *COMMANDS[command]],
        cwd=service_process.ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.parametrize("command", ["app.py", pytest.param("serve", marks=pytest.mark.slow)])
def test_an_upload_folder_that_cannot_be_written_is_one_sentence_and_exit_code_2(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    process = run_page(command, GRADIO_TEMP_DIR=str(tmp_path / "file" / "uploads"))
    assert process.returncode == 2
    errors = [line for line in process.stderr.splitlines() if "TensorFlow" not in line]
    assert len(errors) == 1 and errors[0].startswith("usage: The upload folder cannot be written")
    assert "GRADIO_TEMP_DIR" in errors[0]


@pytest.mark.parametrize("port", ["0", "70000"])
def test_an_invalid_port_is_a_usage_error(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", port)
    with pytest.raises(UsageError, match="Invalid GRADIO_SERVER_PORT"):
        http_server.configured_address()


def test_a_port_in_use_is_skipped_and_a_full_range_is_an_error(predictor: Predictor) -> None:
    app = page.create_app(predictor)
    first = http_server.PageServer(app)
    try:
        second = http_server.PageServer(app, ports=range(first.port, first.port + 20))
        second.socket.close()
        assert first.port < second.port
        with pytest.raises(UsageError, match="GRADIO_SERVER_PORT"):
            http_server.listen("127.0.0.1", range(first.port, first.port + 1))
    finally:
        first.socket.close()
