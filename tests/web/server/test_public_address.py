"""Path prefix of requests, and the addresses in responses to the page and to programs."""

from __future__ import annotations

import re
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pneumonia.web.server import gradio_environment
from pneumonia.web.server.public_address import StripPrefix

from ...support.wait import wait_for


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["path"])(scope, receive, send)


def get(path: str) -> httpx.Response:
    """The response of an application behind `StripPrefix`, whose text is the path that it received."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(StripPrefix(echo))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get(path)

    return wait_for(request())


@pytest.mark.parametrize("root", ["/films", "/films/", "films", "https://clinic/films", "https://clinic/films/"])
def test_the_prefix_is_removed_if_the_proxy_forwards_it(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", root)
    paths = ["/films/", "/films/config", "/films/films/", "/config", "/filmstrip/x", "/"]
    assert [get(path).text for path in paths] == ["/", "/config", "/films/", "/config", "/filmstrip/x", "/"]


def test_the_prefix_without_a_slash_is_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/hospital/films")
    response = get("/hospital/films?__theme=dark")
    assert (response.status_code, response.headers["location"]) == (307, "films/?__theme=dark")


@pytest.mark.parametrize("root", ["", "/", "https://films.clinic", "https://films.clinic/"])
def test_without_a_prefix_paths_are_unchanged(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", root)
    assert gradio_environment.path_prefix() == ""
    assert get("/config").text == "/config"


PROXIES: dict[str, dict[str, str]] = {
    "none": {},
    "host of the upstream": {"Host": "127.0.0.1:7860"},
    "another host": {"X-Forwarded-Host": "films.clinic", "X-Forwarded-Proto": "https"},
    "chosen by the caller": {"X-Gradio-Server": "https://evil.example"},
}


@pytest.mark.parametrize("headers", PROXIES.values(), ids=PROXIES)
def test_the_page_contains_no_absolute_address_of_the_server(address: str, headers: dict[str, str]) -> None:
    """Behind a proxy that does not forward the public host, an absolute address would be wrong."""
    text = httpx.get(f"{address}/", headers=headers, timeout=60).text
    roots = set(re.findall(r'"root":\s*"([^"]*)"', text))
    assert roots == {"."}, f"Gradio {gr.__version__} does not take a relative root from x-gradio-server: {roots}"
    assert httpx.get(f"{address}/logout", headers=headers, timeout=60).headers["location"] == "."


def root_for(address: str, headers: dict[str, str]) -> Any:
    """The root of the addresses in the response to a request with these headers."""
    return httpx.get(f"{address}/config", headers=headers, timeout=60).json()["root"]


def test_programs_receive_complete_addresses_and_the_page_relative_ones(address: str) -> None:
    assert root_for(address, {}) == address
    forwarded = {"X-Forwarded-Host": "films.clinic", "X-Forwarded-Proto": "https"}
    assert root_for(address, forwarded) == "https://films.clinic"
    assert root_for(address, {"X-Gradio-Server": "https://evil.example"}) == address
    assert root_for(address, {"Origin": address}) == "."


def test_scripts_load_even_if_a_proxy_hides_the_public_address(address: str) -> None:
    """Browsers send an `Origin` for them. The page can then show why its other requests are refused."""
    origin = {"Origin": "http://films.clinic:8080"}
    (script,) = re.findall(r'src="\./(assets/[\w.-]+\.js)"', httpx.get(f"{address}/", timeout=60).text)
    assert httpx.get(f"{address}/{script}", headers=origin, timeout=60).status_code == 200
    refusal = httpx.post(f"{address}/gradio_api/upload", headers=origin, timeout=60)
    assert refusal.status_code == 403 and "docs/reverse-proxy.md" in refusal.json()["detail"]


def test_proxies_forward_events_at_once(address: str) -> None:
    event = httpx.post(f"{address}/gradio_api/call/model", json={"data": []}, timeout=60).json()["event_id"]
    stream = httpx.get(f"{address}/gradio_api/call/model/{event}", timeout=60)
    assert "event: complete" in stream.text and stream.headers["x-accel-buffering"] == "no"
