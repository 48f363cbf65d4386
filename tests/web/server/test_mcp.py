"""The MCP server, called by an MCP client in a separate process."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.service_process import Service, running_service
from pneumonia import Predictor
from pneumonia.errors import UsageError
from pneumonia.web import page
from pneumonia.web.server import mcp

AGENT = """
import asyncio, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def talk(address, headers, calls):
    async with streamablehttp_client(address, headers) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        tools = {tool.name: tool.description for tool in (await session.list_tools()).tools}
        answers = [await session.call_tool(name, arguments) for name, arguments in calls]
        print(json.dumps({"tools": tools, "answers": [[answer.isError, answer.content[0].text] for answer in answers]}))

asyncio.run(talk(sys.argv[1], *json.load(sys.stdin)))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A page that is also an MCP server, with a retention time longer than a busy machine needs for one call."""
    folder = tmp_path_factory.mktemp("mcp")
    with running_service(folder, PNEUMONIA_MCP="1", PNEUMONIA_RETENTION_S="15") as service:
        yield service


@pytest.fixture
def server(service: Service) -> str:
    return f"{service.address}/gradio_api/mcp/"


def call_tools(
    server: str, *calls: tuple[str, dict[str, Any]], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, "-c", AGENT, server],
        input=json.dumps([headers or {}, calls]),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    output: dict[str, Any] = json.loads(process.stdout)
    return output


def inline(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


@pytest.mark.slow
def test_the_first_caller_cannot_name_the_host_that_gets_the_films(tmp_path: Path, files: dict[str, Path]) -> None:
    """Gradio's MCP server takes the address for its own calls from the headers of the first request.

    It uses the first of them that it finds: one request with all three shows any that is not removed.
    """
    with running_service(tmp_path, PNEUMONIA_MCP="1") as service, socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.1)
        host = f"127.0.0.1:{other.getsockname()[1]}"
        headers = {"Host": host, "X-Forwarded-Host": host, "X-Gradio-Server": f"http://{host}"}
        server = f"{service.address}/gradio_api/mcp/"
        output = call_tools(server, ("predict", {"upload": inline(files["film.png"])}), headers=headers)
        assert "'label'" in output["answers"][0][1]
        with pytest.raises(TimeoutError):
            other.accept()


@pytest.mark.slow
def test_an_agent_lists_the_tools_calls_them_and_leaves_no_film(
    service: Service, server: str, files: dict[str, Path], predictor: Predictor
) -> None:
    film = {"upload": inline(files["film.png"])}
    output = call_tools(server, ("predict", film), ("predict", {**film, "operating_point": "confirm"}), ("model", {}))
    assert set(output["tools"]) == {"predict", "predict_batch", "analyze", "model", "dicom_results"}
    assert "not a replacement for a radiologist" in output["tools"]["predict"]
    assert [failed for failed, _ in output["answers"]] == [False] * 3
    expected = predictor.predict(files["film.png"]).as_dict()
    assert f"'label': '{expected['label']}'" in output["answers"][0][1]
    assert "'operating_point': 'confirm'" in output["answers"][1][1]
    assert predictor.models[0].identity.sha256 in output["answers"][2][1]
    deadline = time.monotonic() + 120
    while remaining := service.files():
        assert time.monotonic() < deadline, f"{len(remaining)} files are left"
        time.sleep(0.2)


INTERNAL_ADDRESSES = ("http://127.0.0.1:9/film.png", "http://169.254.169.254/latest", "/etc/hostname")


def test_an_agent_cannot_make_the_server_fetch_internal_urls_or_local_files(server: str) -> None:
    answers = call_tools(server, *(("predict", {"upload": address}) for address in INTERNAL_ADDRESSES))["answers"]
    assert [failed for failed, _ in answers] == [True] * len(INTERNAL_ADDRESSES)
    assert not any("Traceback" in text for _, text in answers)


def test_a_bad_film_returns_the_error_of_the_other_interfaces(server: str, files: dict[str, Path]) -> None:
    [[failed, text]] = call_tools(server, ("predict", {"upload": inline(files["broken.jpg"])}))["answers"]
    assert not failed and "'code': 'unreadable_image'" in text


def test_it_is_off_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PNEUMONIA_MCP", raising=False)
    assert page.mount_options()["mcp_server"] is False


def test_an_mcp_server_with_a_login_is_refused_because_it_would_not_check_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PNEUMONIA_MCP", "1")
    monkeypatch.setenv("PNEUMONIA_AUTH", "ann:secret")
    with pytest.raises(UsageError, match="PNEUMONIA_MCP does not support a login"):
        page.mount_options()


def test_a_missing_package_is_reported_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MCP", "1")
    monkeypatch.setattr(mcp, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"requirements-mcp\.txt"):
        page.mount_options()
    assert (Path(__file__).parents[3] / "requirements-mcp.txt").exists()
